/** One connection to a connector, over which one request after the other is asked. */
import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../clock.ts';
import { InvariantError } from '../invariant-error.ts';
import {
  ConnectorTimeoutError,
  ConnectorUnreachableError,
  ReplyLostError,
  StaleConnectionError,
} from './connector-errors.ts';
import type { ConnectorUrl } from './connector-url.ts';
import { type HttpReply, HttpReplyReader } from './http-reply-reader.ts';

/** What to ask. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Of a POST. */
  readonly body: Uint8Array;
  /** Whether the other side is to keep the connection. */
  readonly keepsConnection: boolean;
}

/** How long to wait for what. */
export interface ExchangeLimits {
  readonly maxReplyBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Where to connect to, and how long to try. */
export interface HttpConnectionOptions {
  readonly url: ConnectorUrl;
  /** Certificates (PEM) to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Collaborators of {@link HttpConnection}. */
export interface HttpConnectionDeps {
  readonly clock: Clock;
  /** Begins to connect. @default by TCP, or TLS */
  readonly connect?: ((options: HttpConnectionOptions) => net.Socket) | undefined;
}

interface UnderWay {
  readonly reader: HttpReplyReader;
  readonly isKept: boolean;
  readonly resolve: (reply: HttpReply) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One connection. A request is written once, whole and in one piece; what fails or is given up ends
 * the connection, so that a late answer cannot be taken for the next one's. So does whatever comes
 * unasked, and an answer after which the other side does not keep it. Never reconnects.
 *
 * It has no loop; between requests it does not keep the process alive.
 */
export class HttpConnection implements Disposable {
  readonly #clock: Clock;
  readonly #url: ConnectorUrl;
  readonly #socket: net.Socket;
  readonly #host: string;
  #isOpen = true;
  #wasUsed = false;
  #keepMs = 0;
  #underWay: UnderWay | undefined;

  private constructor(clock: Clock, url: ConnectorUrl, socket: net.Socket) {
    this.#clock = clock;
    this.#url = url;
    this.#socket = socket;
    this.#host = url.name.slice(url.name.indexOf('//') + 2);
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    socket.on('error', (error) => this.#onEnd(error));
    socket.on('end', () => this.#onEnd(undefined));
    socket.on('close', () => this.#onEnd(undefined));
  }

  /**
   * Connects; with `https:` the other side has proved its name then.
   *
   * @throws {ConnectorUnreachableError} ERR_YUBIHSM_CONNECTOR_UNREACHABLE
   */
  static async open(
    deps: HttpConnectionDeps,
    options: HttpConnectionOptions,
  ): Promise<HttpConnection> {
    const { url, timeoutMs, signal } = options;
    if (signal.aborted) throw signal.reason;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = (deps.connect ?? connect)(options);
    const giveUp = (error: unknown): void => {
      socket.destroy();
      reject(error);
    };
    const onFailure = (cause?: unknown): void => {
      const { code } = (cause ?? {}) as { readonly code?: unknown };
      const reason = typeof code === 'string' ? code : 'it was closed';
      giveUp(new ConnectorUnreachableError(url.name, reason, { cause }));
    };
    const onAbort = (): void => giveUp(signal.reason);
    const connected = url.isSecure ? 'secureConnect' : 'connect';
    socket.once(connected, resolve).once('error', onFailure).once('close', onFailure);
    signal.addEventListener('abort', onAbort, { once: true });
    using deadline = deps.clock.deadline(timeoutMs);
    deadline.signal.addEventListener('abort', () =>
      giveUp(new ConnectorUnreachableError(url.name, `none within ${timeoutMs} ms`)),
    );
    const connection = new HttpConnection(deps.clock, url, socket);
    try {
      await promise;
      return connection;
    } finally {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onFailure).off('close', onFailure);
    }
  }

  /** Whether it can be asked another request, as far as is known. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Milliseconds after an answer for which the other side keeps it; 0 when it does not. */
  get keepMs(): number {
    return this.#isOpen ? this.#keepMs : 0;
  }

  /**
   * Asks once.
   *
   * @throws {StaleConnectionError} ERR_YUBIHSM_STALE_CONNECTION
   * @throws {ConnectorTimeoutError} ERR_YUBIHSM_CONNECTOR_TIMEOUT
   * @throws {ReplyLostError} ERR_YUBIHSM_REPLY_LOST
   * @throws {GarbageReplyError} ERR_YUBIHSM_GARBAGE_REPLY when what came is not HTTP.
   * @throws {OversizeReplyError} ERR_YUBIHSM_OVERSIZE_REPLY
   */
  async exchange(request: HttpRequest, limits: ExchangeLimits): Promise<HttpReply> {
    const { signal, timeoutMs, maxReplyBytes } = limits;
    if (this.#underWay !== undefined) throw new InvariantError('two requests at a time');
    if (signal.aborted) {
      this.#giveUp(signal.reason);
      throw signal.reason;
    }
    const isKept = this.#wasUsed;
    if (!this.#isOpen) throw new StaleConnectionError(this.#url.name, isKept);
    const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
    const reader = new HttpReplyReader(this.#url.name, maxReplyBytes);
    this.#underWay = { reader, isKept, resolve, reject };
    this.#wasUsed = true;
    const onAbort = (): void => this.#giveUp(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    using deadline = this.#clock.deadline(timeoutMs);
    deadline.signal.addEventListener('abort', () =>
      this.#giveUp(new ConnectorTimeoutError(this.#url.name, timeoutMs)),
    );
    this.#socket.ref();
    this.#socket.write(this.#textOf(request), 'latin1');
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends it. The request under way, which its caller should have given up before, loses its answer. */
  [Symbol.dispose](): void {
    this.#giveUp(this.#lossOf(undefined));
  }

  #onData(chunk: Uint8Array): void {
    const underWay = this.#underWay;
    try {
      const reply = underWay?.reader.push(chunk);
      if (underWay === undefined) this[Symbol.dispose]();
      else if (reply !== undefined) this.#answer(underWay, reply);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #answer(underWay: UnderWay, reply: HttpReply): void {
    this.#underWay = undefined;
    this.#keepMs = reply.keepMs;
    if (reply.keepMs === 0) this[Symbol.dispose]();
    else this.#socket.unref();
    underWay.resolve(reply);
  }

  /** The other side has closed it, or the system says that it is broken. */
  #onEnd(cause: unknown): void {
    const underWay = this.#underWay;
    const reply = cause === undefined ? underWay?.reader.end() : undefined;
    if (underWay !== undefined && reply !== undefined) this.#answer(underWay, reply);
    else this.#giveUp(this.#lossOf(cause));
  }

  #giveUp(error: unknown): void {
    const underWay = this.#underWay;
    this.#underWay = undefined;
    this.#isOpen = false;
    this.#socket.destroy();
    underWay?.reject(error);
  }

  #lossOf(cause: unknown): Error {
    const { syscall } = (cause ?? {}) as { readonly syscall?: unknown };
    const isKept = this.#underWay?.isKept ?? false;
    // A write that fails means that the kernel did not take the end of the request: a connector hands
    // nothing to the device before it has the whole of it.
    if (syscall === 'write') return new StaleConnectionError(this.#url.name, isKept, { cause });
    return new ReplyLostError(this.#url.name, isKept, { cause });
  }

  /**
   * The request with its body, as text of one byte a character: one write of one piece. The length is
   * always announced, never chunked: connectors refuse that.
   */
  #textOf({ method, path, body, keepsConnection }: HttpRequest): string {
    const head =
      `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n` +
      `Connection: ${keepsConnection ? 'keep-alive' : 'close'}\r\n`;
    if (method === 'GET') return `${head}\r\n`;
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
    return (
      `${head}Content-Type: application/octet-stream\r\nContent-Length: ${body.length}\r\n\r\n` +
      bytes
    );
  }
}

function connect({ url, ca }: HttpConnectionOptions): net.Socket {
  const { host, port, isSecure } = url;
  if (!isSecure) return net.connect({ host, port, noDelay: true });
  const options: tls.ConnectionOptions = { host, port, ALPNProtocols: ['http/1.1'] };
  if (net.isIP(host) === 0) options.servername = host;
  if (ca !== undefined) options.ca = ca;
  return tls.connect(options).setNoDelay();
}
