/** One HTTP request and its answer, with limits on everything. */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Clock, Deadline } from '../clock.ts';
import { joinBytes } from '../commands/wire-bytes.ts';
import {
  ConnectorTimeoutError,
  ConnectorUnreachableError,
  GarbageReplyError,
  OversizeReplyError,
  ReplyLostError,
  StaleConnectionError,
} from './connector-errors.ts';
import type { ConnectorUrl } from './connector-url.ts';

/** What to ask, and how long to wait. */
export interface HttpExchange {
  readonly url: ConnectorUrl;
  readonly agent: http.Agent;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: Uint8Array;
  readonly maxReplyBytes: number;
  readonly connectTimeoutMs: number;
  /** From the moment there is a connection. */
  readonly requestTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** An answer, read to its end. */
export interface HttpReply {
  readonly status: number;
  readonly body: Uint8Array;
}

/**
 * Asks once. The length is always announced, never chunked: connectors refuse that. Whatever fails
 * or is given up closes the connection, so that a late answer cannot be taken for the next one's.
 *
 * @throws {ConnectorUnreachableError} ERR_YUBIHSM_CONNECTOR_UNREACHABLE
 * @throws {StaleConnectionError} ERR_YUBIHSM_STALE_CONNECTION
 * @throws {ConnectorTimeoutError} ERR_YUBIHSM_CONNECTOR_TIMEOUT
 * @throws {ReplyLostError} ERR_YUBIHSM_REPLY_LOST
 * @throws {GarbageReplyError} ERR_YUBIHSM_GARBAGE_REPLY when what came is not HTTP.
 * @throws {OversizeReplyError} ERR_YUBIHSM_OVERSIZE_REPLY
 */
export async function exchangeHttp(clock: Clock, exchange: HttpExchange): Promise<HttpReply> {
  const { url, signal, connectTimeoutMs, requestTimeoutMs } = exchange;
  if (signal.aborted) throw signal.reason;
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
  const request = (url.isSecure ? https : http).request({
    agent: exchange.agent,
    host: url.host,
    port: url.port,
    method: exchange.method,
    path: exchange.path,
    headers: exchange.method === 'POST' ? bodyHeaders(exchange.body) : {},
  });
  const giveUp = (error: unknown): void => {
    reject(error);
    request.destroy();
  };
  let deadline: Deadline | undefined;
  const limit = (ms: number, error: () => Error): void => {
    deadline?.[Symbol.dispose]();
    deadline = clock.deadline(ms);
    deadline.signal.addEventListener('abort', () => giveUp(error()), { once: true });
  };
  let isConnected = false;
  const onConnected = (): void => {
    if (request.destroyed) return;
    isConnected = true;
    limit(requestTimeoutMs, () => new ConnectorTimeoutError(url.name, requestTimeoutMs));
  };
  const fail = (cause: unknown): void => {
    giveUp(errorOf(url.name, cause, { isConnected, isKept: request.reusedSocket }));
  };
  // The agent has a socket for every request at once: one that was kept, or one that is to connect.
  request.once('socket', (socket: Socket) => {
    const isConnecting = url.isSecure || socket.connecting;
    if (request.reusedSocket || !isConnecting) return onConnected();
    socket.once(url.isSecure ? 'secureConnect' : 'connect', onConnected);
    limit(connectTimeoutMs, () => {
      return new ConnectorUnreachableError(url.name, `none within ${connectTimeoutMs} ms`);
    });
  });
  request.once('response', (response) => {
    readBody(response, exchange.maxReplyBytes, {
      done: (body) => resolve({ status: response.statusCode ?? 0, body }),
      tooLong: () => giveUp(new OversizeReplyError(url.name, exchange.maxReplyBytes)),
      cut: fail,
    });
  });
  request.on('error', fail);
  const onAbort = (): void => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  // As text of one byte a character it is joined to the head: one write of one piece.
  request.end(Buffer.from(exchange.body).toString('latin1'), 'latin1');
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    deadline?.[Symbol.dispose]();
  }
}

function bodyHeaders(body: Uint8Array): http.OutgoingHttpHeaders {
  return { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length };
}

function readBody(
  response: http.IncomingMessage,
  maxBytes: number,
  outcome: {
    readonly done: (body: Uint8Array) => void;
    readonly tooLong: () => void;
    readonly cut: (cause: unknown) => void;
  },
): void {
  const chunks: Uint8Array[] = [];
  let length = 0;
  response.on('data', (chunk: Uint8Array) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) outcome.tooLong();
  });
  response.on('error', outcome.cut);
  response.on('end', () => outcome.done(joinBytes(...chunks)));
}

/** What a failure of the socket or the parser means for the frame. */
function errorOf(
  connector: string,
  cause: unknown,
  connection: { readonly isConnected: boolean; readonly isKept: boolean },
): Error {
  const { code, syscall } = (cause ?? {}) as {
    readonly code?: unknown;
    readonly syscall?: unknown;
  };
  if (!connection.isConnected) {
    const reason = typeof code === 'string' ? code : 'it was closed';
    return new ConnectorUnreachableError(connector, reason, { cause });
  }
  if (typeof code === 'string' && code.startsWith('HPE_')) {
    return new GarbageReplyError(connector, `it is not HTTP (${code})`, { cause });
  }
  // A write that fails means that the kernel did not take the end of the request: a connector hands
  // nothing to the device before it has the whole of it.
  if (syscall === 'write') return new StaleConnectionError(connector, connection.isKept, { cause });
  return new ReplyLostError(connector, connection.isKept, { cause });
}
