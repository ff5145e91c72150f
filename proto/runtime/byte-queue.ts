/** Received bytes that nobody has asked for yet, and the one reader who may be waiting for more. */
import type { AbortOptions } from './abort.ts';
import { InvariantError } from './coded-error.ts';

/** What a chunk costs beyond its bytes, roughly: the array, its buffer, its place in the queue. */
const CHUNK_OVERHEAD_BYTES = 256;

/**
 * Chunks in order, then an end or a failure. What a push-style source (a socket, a memory pipe)
 * needs to become the read side of a `ByteStream`.
 *
 * It has no capacity of its own: whoever pushes watches {@link heldBytes} and stops its source.
 * A chunk that is there is handed out in the same turn; a waiting reader is woken by the push itself.
 */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  /** Where the next chunk to read is: `shift` would move the whole array for a peer that sends single bytes. */
  #head = 0;
  #byteLength = 0;
  #ended = false;
  #failure: Error | undefined;
  #waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined;

  /** Bytes pushed and not yet read. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Memory that unread chunks hold, so that a million chunks of one byte are not taken for a megabyte. */
  get heldBytes(): number {
    return this.#byteLength + (this.#chunks.length - this.#head) * CHUNK_OVERHEAD_BYTES;
  }

  /** Appends a chunk, which the reader will own. After an end or failure, and when empty, it is dropped. */
  push(chunk: Uint8Array): void {
    if (this.#ended || this.#failure !== undefined || chunk.length === 0) return;
    if (this.#waiting !== undefined) {
      this.#waiting.resolve(chunk);
      this.#waiting = undefined;
      return;
    }
    this.#chunks.push(chunk);
    this.#byteLength += chunk.length;
  }

  /** No more bytes will come: once the queue is empty, reads give `undefined`. */
  end(): void {
    if (this.#failure !== undefined) return;
    this.#ended = true;
    this.#waiting?.resolve(undefined);
    this.#waiting = undefined;
  }

  /** The source broke: once the queue is empty, reads reject with `error`. The first outcome stands. */
  fail(error: Error): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#failure = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  /** The owner gave up: bytes not yet read are dropped and every read rejects with `error` from now on. */
  abandon(error: Error): void {
    this.#chunks = [];
    this.#head = 0;
    this.#byteLength = 0;
    this.#ended = false;
    this.#failure = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  /**
   * The next chunk, or `undefined` at the end. An abort takes nothing out of the queue.
   * @throws {InvariantError} ERR_INVARIANT when another read is waiting.
   */
  read(options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiting !== undefined) {
      return Promise.reject(new InvariantError('two reads of one stream at the same time'));
    }
    const chunk = this.#chunks[this.#head];
    if (chunk !== undefined) {
      this.#byteLength -= chunk.length;
      this.#head += 1;
      // What was read is let go of when all is read, and every so often.
      if (this.#head === this.#chunks.length) {
        this.#chunks.length = 0;
        this.#head = 0;
      } else if (this.#head === 1024) {
        this.#chunks.splice(0, this.#head);
        this.#head = 0;
      }
      return Promise.resolve(chunk);
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(undefined);
    const waiting = Promise.withResolvers<Uint8Array | undefined>();
    this.#waiting = waiting;
    return signal === undefined ? waiting.promise : this.#readUntil(waiting, signal);
  }

  /** Not `abortable`: an abort must also give the place of the waiting reader free, in the same turn. */
  async #readUntil(
    waiting: PromiseWithResolvers<Uint8Array | undefined>,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const onAbort = (): void => {
      if (this.#waiting === waiting) this.#waiting = undefined;
      waiting.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await waiting.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
