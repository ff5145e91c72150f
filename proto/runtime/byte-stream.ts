/**
 * A two-way stream of bytes: TCP, Unix socket, SecretConnection, Noise, memory pipe.
 *
 * A contract with several implementations; `test/conformance/byte-stream.ts` is its suite.
 */
import type { AbortOptions } from './abort.ts';
import { CodedError } from './coded-error.ts';

/**
 * Bytes in order, both ways, until one side closes. No message boundaries.
 *
 * One reader and one writer at a time: a second `read` while one waits is a bug
 * ({@link InvariantError}). After any rejection other than an abort before the first byte moved,
 * the stream is broken: dispose it, never repair it.
 */
export interface ByteStream extends AsyncDisposable {
  /**
   * The next bytes, at least one; `undefined` once the peer has closed cleanly.
   * The array belongs to the caller and stays as it is. An abort leaves unread bytes in place.
   */
  read(options?: AbortOptions): Promise<Uint8Array | undefined>;
  /**
   * Resolves when the bytes are handed to the transport below and its buffer has room again
   * (back-pressure). Writing no bytes does nothing. An abort may leave part of them written:
   * the stream is then broken. The array must stay as it is until the promise settles; after
   * that the caller may use it again.
   *
   * @throws {StreamBrokenError} ERR_STREAM_BROKEN when the connection is gone.
   */
  write(bytes: Uint8Array, options?: AbortOptions): Promise<void>;
  /** Where the other end is, for logs: `127.0.0.1:26659` or a socket path. */
  readonly remote: string;
}

/** The connection broke: reset, time-out of the network, closed by the peer while we wrote. Open a new one. */
export class StreamBrokenError extends CodedError {
  override readonly name = 'StreamBrokenError';
  readonly code = 'ERR_STREAM_BROKEN';
  readonly remote: string;

  constructor(remote: string, reason: string, options?: ErrorOptions) {
    super(`connection with ${remote} broke: ${reason}`, options);
    this.remote = remote;
  }
}

/** The stream was disposed on this side while it was in use, or is used after that. */
export class StreamClosedError extends CodedError {
  override readonly name = 'StreamClosedError';
  readonly code = 'ERR_STREAM_CLOSED';
  readonly remote: string;

  constructor(remote: string) {
    super(`connection with ${remote} was closed on this side`);
    this.remote = remote;
  }
}
