/**
 * A two-way stream of bytes: TCP, Unix socket, SecretConnection, Noise, memory pipe.
 *
 * A contract with several implementations; `test/conformance/byte-stream.ts` is its suite.
 */
import type { AbortOptions } from './abort.ts';

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
   * the stream is then broken.
   */
  write(bytes: Uint8Array, options?: AbortOptions): Promise<void>;
  /** Where the other end is, for logs: `127.0.0.1:26659` or a socket path. */
  readonly remote: string;
}
