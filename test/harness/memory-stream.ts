/** A pipe in memory that behaves as a socket does: bytes, back-pressure, clean end, reset. */
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import { ByteQueue } from '@privval/proto/runtime/byte-queue';
import {
  type ByteStream,
  StreamBrokenError,
  StreamClosedError,
} from '@privval/proto/runtime/byte-stream';
import { InvariantError } from '@privval/proto/runtime/coded-error';

/** How the pipe behaves, both ways. */
export interface MemoryStreamOptions {
  /**
   * The largest chunk a read gives: a number, or a function asked before each chunk.
   * @default as written
   */
  readonly fragmentBytes?: number | (() => number) | undefined;
  /** Bytes on the way beyond which a write waits for the reader. @default 65536 */
  readonly capacityBytes?: number | undefined;
}

/** One end. Beyond the contract it can break as a network does, and tell what it has seen. */
export interface MemoryStream extends ByteStream {
  /** Breaks the connection: both ends' reads (after what is on the way) and writes reject with ERR_STREAM_BROKEN. */
  reset(): void;
  /** No more bytes from this end: the other reads `undefined`, and may still write. */
  finish(): void;
  /** Whether this end was disposed. */
  readonly disposed: boolean;
  /** Sizes of the writes made on this end, in order. */
  readonly writeSizes: readonly number[];
}

/** Two connected ends. */
export function memoryStreamPair(options: MemoryStreamOptions = {}): [MemoryStream, MemoryStream] {
  const left = new MemoryEnd('memory:right', options);
  const right = new MemoryEnd('memory:left', options);
  left.peer = right;
  right.peer = left;
  return [left, right];
}

class MemoryEnd implements MemoryStream {
  readonly remote: string;
  readonly writeSizes: number[] = [];
  readonly incoming = new ByteQueue();
  peer: MemoryEnd | undefined;
  disposed = false;
  failure: Error | undefined;
  readonly #fragmentBytes: () => number;
  readonly #capacityBytes: number;
  /** The write that waits for this end's peer to read. */
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(remote: string, options: MemoryStreamOptions) {
    const { fragmentBytes = Number.POSITIVE_INFINITY, capacityBytes = 65_536 } = options;
    this.remote = remote;
    this.#fragmentBytes = typeof fragmentBytes === 'number' ? () => fragmentBytes : fragmentBytes;
    this.#capacityBytes = capacityBytes;
  }

  read(options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    const next = this.incoming.read(options);
    this.peer?.roomMade();
    return next;
  }

  async write(bytes: Uint8Array, options: AbortOptions = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) throw signal.reason;
    if (this.#waiting !== undefined) throw new InvariantError('two writes at the same time');
    if (this.failure !== undefined) throw this.failure;
    if (bytes.length === 0) return;
    const target = this.peer?.incoming;
    if (target === undefined) throw new InvariantError('an end without a peer');
    this.writeSizes.push(bytes.length);
    for (let offset = 0; offset < bytes.length; ) {
      const end = Math.min(bytes.length, offset + Math.max(1, this.#fragmentBytes()));
      target.push(bytes.slice(offset, end));
      offset = end;
    }
    if (target.byteLength <= this.#capacityBytes) return;
    this.#waiting = Promise.withResolvers();
    try {
      await abortable(this.#waiting.promise, { signal });
    } catch (error) {
      this.failure ??= new StreamBrokenError(this.remote, 'a write was given up');
      throw error;
    } finally {
      this.#waiting = undefined;
    }
  }

  /** The peer has read: a write that waited may go on. */
  roomMade(): void {
    if (this.peer !== undefined && this.peer.incoming.byteLength <= this.#capacityBytes) {
      this.#waiting?.resolve();
    }
  }

  finish(): void {
    this.peer?.incoming.end();
    this.failure ??= new StreamBrokenError(this.remote, 'finished');
  }

  reset(): void {
    this.break('reset');
    this.peer?.break('reset');
  }

  break(reason: string): void {
    const error = new StreamBrokenError(this.remote, reason);
    this.failure ??= error;
    this.incoming.fail(error);
    this.#waiting?.reject(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    const closed = new StreamClosedError(this.remote);
    this.incoming.abandon(closed);
    this.failure = closed;
    this.#waiting?.reject(closed);
    this.peer?.incoming.end();
    this.peer?.peerClosed();
  }

  /** The other end is gone: what it has sent can be read, nothing can be written. */
  peerClosed(): void {
    const error = new StreamBrokenError(this.remote, 'closed by the peer');
    this.failure ??= error;
    this.#waiting?.reject(error);
  }
}
