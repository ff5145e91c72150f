/** Listening on TCP and on Unix sockets. */
import { lstat, rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { CodedError, errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import { dialSocket, type SocketTarget, socketStream } from '@privval/proto/runtime/socket-stream';
import { formatHostPort } from './signer-address.ts';
import type { StreamListener } from './stream-listener.ts';

/** Connections that wait for `accept`; the ones beyond are closed at once. */
const MAX_BACKLOG = 64;

/** Longest path a Unix socket may have on Linux, in bytes, without its final zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/** Mode bits a socket of ours never has: only its owner may connect, which is to say, sign. */
const SOCKET_UMASK = 0o177;

/** The address cannot be listened on. The text says why, `cause` is the system's error where there is one. */
export class ListenError extends CodedError {
  override readonly name = 'ListenError';
  readonly code = 'ERR_LISTEN_FAILED';
  readonly local: string;

  constructor(local: string, options: ErrorOptions & { readonly reason: string }) {
    super(`cannot listen on ${local}: ${options.reason}`, options);
    this.local = local;
  }
}

/**
 * Listens on a TCP port (0: the kernel chooses) or a Unix socket path.
 *
 * A socket is made with mode 0600, in a folder that exists and that not everybody can write to. A
 * file that is there already is removed only when it is a socket on which nobody answers.
 *
 * @throws {ListenError} ERR_LISTEN_FAILED
 */
export async function listenSocket(target: SocketTarget): Promise<StreamListener> {
  const local = 'path' in target ? target.path : formatHostPort(target);
  if ('path' in target) await clearSocketPath(target.path);
  const listener = new SocketListener(local);
  await listener.bind(target);
  return listener;
}

class SocketListener implements StreamListener {
  readonly #server: Server;
  readonly #backlog: Socket[] = [];
  #waiting: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;
  #local: string;

  constructor(local: string) {
    this.#local = local;
    this.#server = createServer((socket) => this.#arrive(socket));
  }

  get local(): string {
    return this.#local;
  }

  async bind(target: SocketTarget): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    // The socket file is made during the call, so the process-wide mask is ours for that long only.
    const mask = 'path' in target ? process.umask(SOCKET_UMASK) : undefined;
    try {
      this.#server.listen(target, resolve);
    } finally {
      if (mask !== undefined) process.umask(mask);
    }
    try {
      await promise;
    } catch (cause) {
      throw new ListenError(this.#local, { reason: errorCode(cause), cause });
    }
    this.#server.off('error', reject);
    this.#server.on('error', (error) => this.#fail(error));
    const bound = this.#server.address();
    if (bound !== null && typeof bound === 'object') {
      this.#local = formatHostPort({ host: bound.address, port: bound.port });
    }
  }

  async accept(options: AbortOptions = {}): Promise<ByteStream> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#waiting !== undefined) throw new InvariantError('two accepts at the same time');
    if (this.#backlog.length === 0 && this.#failure === undefined) await this.#arrival(signal);
    const socket = this.#backlog.shift();
    if (socket !== undefined) {
      // The peer of a Unix socket has no name: the listener's stands for it.
      return socket.remoteAddress === undefined
        ? socketStream(socket, { remote: this.#local })
        : socketStream(socket);
    }
    const failure = this.#failure;
    this.#failure = undefined;
    throw new ListenError(this.#local, { reason: errorCode(failure), cause: failure });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Not awaited: it ends with the last accepted stream, and those belong to others.
    this.#server.close();
    for (const socket of this.#backlog.splice(0)) socket.destroy();
  }

  async #arrival(signal: AbortSignal | undefined): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.#waiting = waiting;
    const onAbort = (): void => waiting.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await waiting.promise;
    } finally {
      this.#waiting = undefined;
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #arrive(socket: Socket): void {
    // Until somebody accepts it, nobody else would hear of its errors; it closes by itself.
    socket.on('error', () => undefined);
    if (this.#backlog.length >= MAX_BACKLOG) {
      socket.destroy();
      return;
    }
    this.#backlog.push(socket);
    this.#waiting?.resolve();
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#waiting?.resolve();
  }
}

/** Makes sure that a socket may be made at `path`. */
async function clearSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new ListenError(path, {
      reason: `the path is longer than ${MAX_SOCKET_PATH_BYTES} bytes`,
    });
  }
  await checkFolder(path);
  const file = await lstat(path).catch(ignoreMissing(path));
  if (file === undefined) return;
  if (!file.isSocket())
    throw new ListenError(path, { reason: 'there is a file that is not a socket' });
  let code: string;
  try {
    await using _ = await dialSocket({ path });
    code = 'answered';
  } catch (error) {
    code = errorCode(error instanceof Error ? error.cause : error);
  }
  if (code === 'answered') throw new ListenError(path, { reason: 'another process listens there' });
  if (code !== 'ECONNREFUSED') {
    throw new ListenError(path, {
      reason: `there is a socket, and whether it is in use cannot be told: ${code}`,
    });
  }
  await rm(path, { force: true });
}

async function checkFolder(path: string): Promise<void> {
  const folder = await stat(dirname(path)).catch(ignoreMissing(path));
  if (folder?.isDirectory() !== true) {
    throw new ListenError(path, { reason: `the folder ${dirname(path)} does not exist` });
  }
  if ((folder.mode & 0o002) !== 0) {
    throw new ListenError(path, {
      reason: `everybody can write to the folder ${dirname(path)}; use one of the node's own, with mode 0700`,
    });
  }
}

function ignoreMissing(path: string): (error: unknown) => undefined {
  return (error) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new ListenError(path, { reason: errorCode(error), cause: error });
  };
}
