/**
 * Where incoming byte streams come from, before any handshake: TCP, Unix socket, memory.
 *
 * A contract with several implementations: `socket-listener.ts`, and a memory one in the tests.
 */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';

/** Accepts streams until disposed. What was accepted belongs to the caller. */
export interface StreamListener extends AsyncDisposable {
  /** Where it listens, as it turned out: `127.0.0.1:45123` or a socket path. */
  readonly local: string;
  /**
   * The next stream. One caller at a time. Rejects with `signal.reason` on abort; a stream that
   * arrives later waits for the next call.
   */
  accept(options?: AbortOptions): Promise<ByteStream>;
}
