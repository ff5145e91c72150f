/** A bounded queue to one reader: whoever puts waits while it is full. Nothing is lost, nothing piles up. */
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';

/** Holds at most `capacity` items; putting another waits for the reader. */
export class NewsQueue<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  #changed = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether {@link put} would wait. */
  get isFull(): boolean {
    return this.#items.length >= this.#capacity;
  }

  /** Adds `item`, in this turn if there is room. Of a closed queue nothing comes any more. */
  async put(item: T, options: AbortOptions = {}): Promise<void> {
    while (this.isFull && !this.#isClosed) await abortable(this.#changed.promise, options);
    if (this.#isClosed) return;
    this.#items.push(item);
    this.#touch();
  }

  /** Ends the reading once what is there was read. */
  close(): void {
    this.#isClosed = true;
    this.#touch();
  }

  /** What was put, in its order. Ends after {@link close}. For one reader. */
  async *read(options: AbortOptions = {}): AsyncGenerator<T, void, undefined> {
    for (;;) {
      options.signal?.throwIfAborted();
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#touch();
        yield item;
      } else if (this.#isClosed) return;
      else await abortable(this.#changed.promise, options);
    }
  }

  #touch(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
