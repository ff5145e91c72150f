/** One stream of items to any number of readers, each with every item from its subscription on. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { NewsQueue } from './news-queue.ts';

interface Delivery<T> {
  readonly item: T;
  /** The reader has asked for the one after it: it is done with this one. */
  readonly done: () => void;
}

/** The slowest reader sets the pace: nothing is lost, at most `capacity` items wait for each. */
export class NewsHub<T> {
  readonly #capacity: number;
  readonly #readers = new Set<NewsQueue<Delivery<T>>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * Gives `item` to all readers there are, waiting for room. `onHandled` is called once every one of
   * them has come back for the next: what they made durable of it is durable then.
   */
  async put(item: T, options: AbortOptions = {}, onHandled?: () => void): Promise<void> {
    const readers = [...this.#readers];
    let open = readers.length;
    if (open === 0) onHandled?.();
    const done = (): void => {
      open -= 1;
      if (open === 0) onHandled?.();
    };
    for (const reader of readers) await reader.put({ item, done }, options);
  }

  /** Subscribes at once, not with the first read. A reader that returns or is aborted is gone. */
  subscribe(options: AbortOptions = {}): AsyncIterable<T> {
    const queue = new NewsQueue<Delivery<T>>(this.#capacity);
    this.#readers.add(queue);
    const leave = (): void => {
      this.#readers.delete(queue);
      queue.close();
    };
    options.signal?.addEventListener('abort', leave, { once: true });
    return deliver(queue, options, leave);
  }

  /** Ends every reading. */
  close(): void {
    for (const reader of this.#readers) reader.close();
    this.#readers.clear();
  }
}

async function* deliver<T>(
  queue: NewsQueue<Delivery<T>>,
  options: AbortOptions,
  leave: () => void,
): AsyncGenerator<T, void, undefined> {
  try {
    for await (const { item, done } of queue.read(options)) {
      yield item;
      done();
    }
  } finally {
    options.signal?.removeEventListener('abort', leave);
    leave();
  }
}
