/** TCP and Unix sockets as byte streams. */
import { connect, type Socket } from 'node:net';
import { type AbortOptions, abortable } from './abort.ts';
import { ByteQueue } from './byte-queue.ts';
import { type ByteStream, StreamBrokenError, StreamClosedError } from './byte-stream.ts';
import { CodedError, errorCode, InvariantError } from './coded-error.ts';

/** Memory of received bytes nobody has read, beyond which the socket is no longer read from. */
const HIGH_WATER_BYTES = 256 * 1024;

/** Idle milliseconds before the kernel's keep-alive probes begin, unless told otherwise. */
const DEFAULT_KEEP_ALIVE_DELAY_MS = 5_000;

/** Where to dial: a TCP port or the path of a Unix socket. */
export type SocketTarget =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** How to dial. */
export interface DialSocketOptions extends AbortOptions {
  /** TCP only: idle milliseconds before keep-alive probes begin; 0 sends none. @default 5000 */
  readonly keepAliveDelayMs?: number | undefined;
}

/** No connection could be made. `cause` is the system's error; its `code` says why (`ECONNREFUSED`, `ENOENT`). */
export class DialError extends CodedError {
  override readonly name = 'DialError';
  readonly code = 'ERR_DIAL_FAILED';
  readonly remote: string;

  constructor(remote: string, cause: Error) {
    super(`cannot connect to ${remote}: ${errorCode(cause)}`, { cause });
    this.remote = remote;
  }
}

/**
 * Connects and returns the stream, which the caller owns. There is no time limit but `signal`.
 *
 * @throws {DialError} ERR_DIAL_FAILED
 */
export async function dialSocket(
  target: SocketTarget,
  options: DialSocketOptions = {},
): Promise<ByteStream> {
  const { signal, keepAliveDelayMs = DEFAULT_KEEP_ALIVE_DELAY_MS } = options;
  if (signal?.aborted) throw signal.reason;
  const remote = 'path' in target ? target.path : hostAndPort(target.host, target.port);
  const socket =
    'path' in target
      ? connect({ path: target.path })
      : connect({
          host: target.host,
          port: target.port,
          noDelay: true,
          keepAlive: keepAliveDelayMs > 0,
          keepAliveInitialDelay: keepAliveDelayMs,
        });
  const closed = closeOf(socket);
  const { promise: connected, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: Error): void => reject(new DialError(remote, error));
  socket.once('connect', resolve);
  socket.on('error', onError);
  try {
    await abortable(connected, { signal });
    return socketStream(socket, { remote });
  } catch (error) {
    await destroySocket(socket, closed);
    throw error;
  } finally {
    socket.off('connect', resolve);
    socket.off('error', onError);
  }
}

/**
 * A connected socket as a stream, which owns it from here on. Turns Nagle's delay off.
 *
 * Its `write` resolves once the kernel has all the bytes, so that a dispose right after it loses
 * none of them, and its back-pressure is the kernel's send buffer. A peer that has only finished
 * sending can still be written to.
 */
export function socketStream(
  socket: Socket,
  options: { readonly remote?: string | undefined } = {},
): ByteStream {
  return new SocketStream(socket, options.remote ?? remoteOf(socket));
}

class SocketStream implements ByteStream {
  readonly remote: string;
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  readonly #incoming = new ByteQueue();
  #paused = false;
  /** What every write rejects with, once there is such a reason. */
  #failure: Error | undefined;
  /** Writes given to the socket, and those of them it has reported as done: equal when the kernel has everything. */
  #issued = 0;
  #done = 0;
  #flushing: PromiseWithResolvers<void> | undefined;

  constructor(socket: Socket, remote: string) {
    this.remote = remote;
    this.#socket = socket;
    this.#closed = closeOf(socket);
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#break(new StreamBrokenError(remote, errorCode(error), { cause: error }));
    });
    socket.on('end', () => this.#incoming.end());
    socket.on('close', () => this.#break(new StreamBrokenError(remote, 'closed')));
    if (socket.destroyed) this.#break(new StreamBrokenError(remote, 'closed'));
    socket.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    // A socket that was paused (`pauseOnConnect`) does not begin to flow for a listener alone.
    socket.resume();
  }

  read(options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    const next = this.#incoming.read(options);
    if (this.#paused && this.#incoming.heldBytes < HIGH_WATER_BYTES) {
      this.#paused = false;
      this.#socket.resume();
    }
    return next;
  }

  async write(bytes: Uint8Array, options: AbortOptions = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) throw signal.reason;
    if (this.#flushing !== undefined) {
      throw new InvariantError('two writes of one stream at the same time');
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (bytes.length === 0) return;
    this.#issued += 1;
    this.#socket.write(bytes, this.#onWritten);
    // The usual case: the kernel took all of it during the call.
    if (this.#socket.writableLength === 0 && this.#socket.errored === null) return;
    await this.#flush(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new StreamClosedError(this.remote);
    this.#incoming.abandon(closed);
    this.#failure = closed;
    this.#flushing?.reject(closed);
    await destroySocket(this.#socket, this.#closed);
  }

  #receive(chunk: Uint8Array): void {
    this.#incoming.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (this.#incoming.heldBytes >= HIGH_WATER_BYTES) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  async #flush(signal: AbortSignal | undefined): Promise<void> {
    this.#flushing = Promise.withResolvers();
    try {
      await abortable(this.#flushing.promise, { signal });
    } catch (error) {
      // Part of the bytes may be on their way: whatever came next would follow a torn message.
      this.#failure ??= new StreamBrokenError(this.remote, 'a write was given up', {
        cause: error,
      });
      throw error;
    } finally {
      this.#flushing = undefined;
    }
  }

  /** Called by the socket for each write in order, also (with an error) for those it gave up. */
  readonly #onWritten = (error?: Error | null): void => {
    this.#done += 1;
    if (!error && this.#done === this.#issued) this.#flushing?.resolve();
  };

  #break(error: Error): void {
    this.#failure ??= error;
    this.#incoming.fail(error);
    this.#flushing?.reject(this.#failure);
  }
}

/**
 * Resolves when the socket's descriptor is closed. To be called before that can happen: the
 * socket's own `closed` is true earlier than it is.
 */
function closeOf(socket: Socket): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('close', () => resolve());
  return promise;
}

/** Closes the socket without ceremony and waits until it is. Late errors are not news any more. */
async function destroySocket(socket: Socket, closed: Promise<void>): Promise<void> {
  socket.on('error', () => undefined);
  socket.destroy();
  await closed;
}

function remoteOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return 'unix socket';
  return hostAndPort(remoteAddress, remotePort);
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
