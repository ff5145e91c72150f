/** The public listener: health, metrics and the status page; it reads, and does nothing else. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { HttpConfig, ListenAddress } from '../config/config-operations.ts';
import { isLoopbackHost, printEndpoint } from '../connection/node-address.ts';
import type { SignerMetrics } from '../metrics/signer-metrics.ts';
import type { Operations } from '../operations.ts';
import type { StatusFeed } from '../page/status-event.ts';
import { readStatusPage, type StatusPage } from '../page/status-page.ts';
import { EventStreams } from './event-streams.ts';
import { judgeRequest, type PublicPath } from './judge-request.ts';
import { PublicAddressError, PublicListenError } from './public-errors.ts';
import { readinessOf } from './readiness.ts';
import { probeOf, StoreHealth } from './store-health.ts';

/** Connections at the same time, streams included. */
const MAX_CONNECTIONS = 64;

const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
const MAX_HEADER_BYTES = 8_192;
const MAX_REQUESTS_A_SOCKET = 1_000;

/** Collaborators of the listener. */
export interface PublicServerDeps {
  readonly operations: Operations;
  readonly metrics: SignerMetrics;
  readonly feed: StatusFeed;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Writes something where the floor is; rejects when that fails. @default a small file in the home */
  readonly probe?: (() => Promise<void>) | undefined;
}

/** Where it listens, and of which program it tells. */
export interface PublicServerOptions extends HttpConfig {
  readonly version: string;
}

/** A running listener. */
export interface PublicServer extends AsyncDisposable {
  /** The one the kernel chose where 0 was asked for. */
  readonly port: number;
}

/** @throws {PublicAddressError} ERR_HTTP_PUBLIC_ADDRESS for an address beyond this machine that was not meant. */
export function checkHttpListen({ listen, isPublic }: HttpConfig): void {
  if (listen !== undefined && !isPublic && !isLoopbackHost(listen.host)) {
    throw new PublicAddressError(listen.host);
  }
}

/**
 * Listens on `options.listen`, which has to be there.
 *
 * @throws {PublicAddressError} ERR_HTTP_PUBLIC_ADDRESS
 * @throws {PublicListenError} ERR_HTTP_LISTEN
 */
export async function startPublicServer(
  deps: PublicServerDeps,
  options: PublicServerOptions,
): Promise<PublicServer> {
  const { listen } = options;
  if (listen === undefined) throw new InvariantError('no address to listen on');
  checkHttpListen(options);
  const { operations, metrics, feed, logger, clock } = deps;
  await metrics.load();
  const shutdown = new AbortController();
  const streams = new EventStreams({ feed, clock });
  const probe = deps.probe ?? probeOf(operations.home);
  const health = new StoreHealth({ store: operations.store, clock, probe });
  const responder = new Responder({ operations, metrics, streams, health }, readStatusPage());
  const names = { host: listen.host, isPublic: options.isPublic };
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: false,
    },
    (request, response) => {
      const verdict = judgeRequest(
        {
          method: request.method,
          target: request.url,
          hosts: request.headersDistinct['host'] ?? [],
          hasBody: hasBody(request),
        },
        names,
      );
      if (verdict.kind === 'refuse') {
        refuse(response, verdict.status);
        return;
      }
      responder.answer(response, verdict).catch((err: unknown) => {
        logger.warn({ code: errorCode(err), err, path: verdict.path }, 'a page was not made');
        if (response.headersSent) response.destroy();
        else refuse(response, 500);
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.maxRequestsPerSocket = MAX_REQUESTS_A_SOCKET;
  server.on('clientError', (_error, socket) => socket.destroy());
  const port = await listening(server, listen);
  const watching = metrics.watch(operations, { signal: shutdown.signal }).catch((err: unknown) => {
    if (!shutdown.signal.aborted) {
      logger.error({ code: errorCode(err), err }, 'missed blocks are not counted any more');
    }
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      shutdown.abort();
      streams.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await watching;
    },
  };
}

interface ResponderDeps {
  readonly operations: Operations;
  readonly metrics: SignerMetrics;
  readonly streams: EventStreams;
  readonly health: StoreHealth;
}

class Responder {
  readonly #deps: ResponderDeps;
  readonly #page: StatusPage;

  constructor(deps: ResponderDeps, page: StatusPage) {
    this.#deps = deps;
    this.#page = page;
  }

  async answer(
    response: ServerResponse,
    { path, isHead }: { readonly path: PublicPath; readonly isHead: boolean },
  ): Promise<void> {
    switch (path) {
      case '/':
        response.setHeader('content-security-policy', this.#page.policy);
        return send(response, 200, 'text/html; charset=utf-8', this.#page.html);
      case '/healthz':
        return this.#health(response);
      case '/readyz':
        return this.#ready(response);
      case '/metrics': {
        const { operations, metrics, health } = this.#deps;
        const isStoreWritable = await health.isWritable();
        const { contentType, text } = await metrics.scrape({ operations, isStoreWritable });
        return send(response, 200, contentType, text);
      }
      case '/events':
        return this.#events(response, isHead);
    }
  }

  async #health(response: ServerResponse): Promise<void> {
    const isWritable = await this.#deps.health.isWritable();
    sendJson(response, isWritable ? 200 : 503, { status: isWritable ? 'ok' : 'store' });
  }

  #ready(response: ServerResponse): void {
    const readiness = [...readinessOf(this.#deps.operations)];
    const isReady = readiness.length > 0 && readiness.every(([, reasons]) => reasons.length === 0);
    sendJson(response, isReady ? 200 : 503, {
      status: isReady ? 'ready' : 'not-ready',
      validators: Object.fromEntries(readiness),
    });
  }

  async #events(response: ServerResponse, isHead: boolean): Promise<void> {
    const { streams } = this.#deps;
    if (!streams.hasRoom) {
      response.setHeader('retry-after', '5');
      refuse(response, 503);
      return;
    }
    setHeaders(response, 'text/event-stream');
    response.writeHead(200);
    if (isHead) response.end();
    else await streams.serve(response);
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json', `${JSON.stringify(body)}\n`);
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  setHeaders(response, type);
  response.statusCode = status;
  response.setHeader('content-length', Buffer.byteLength(text));
  response.end(text);
}

/** No more words than the status has, and no second request behind one that was refused. */
function refuse(response: ServerResponse, status: number): void {
  if (status === 405) response.setHeader('allow', 'GET, HEAD');
  response.setHeader('connection', 'close');
  send(response, status, 'text/plain; charset=utf-8', `${status}\n`);
}

function setHeaders(response: ServerResponse, type: string): void {
  response.setHeader('content-type', type);
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  if (!response.hasHeader('content-security-policy')) {
    response.setHeader('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

async function listening(
  server: ReturnType<typeof createServer>,
  { host, port }: ListenAddress,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port }, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new PublicListenError(printEndpoint({ host, port }), { cause });
  }
  server.off('error', reject);
  return (server.address() as AddressInfo).port;
}
