/**
 * The admin API: HTTP on a Unix socket of mode 0600 in the home, whose callers are operators, and,
 * where it is configured, over TCP with TLS for callers that prove who they are.
 *
 * Loaded after signing has begun: its modules take longer than the first signature may.
 */
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { HomeTables } from '../guard/home-transaction.ts';
import type { Operations } from '../operations.ts';
import { AdminListenError } from './admin-errors.ts';
import type { AdminGateDeps } from './admin-gate.ts';
import { Approvals } from './approvals.ts';
import { Credentials } from './credentials.ts';
import { HTTP_LIMITS, type HttpLimits, serverOptions } from './http-limits.ts';
import { loadFastify } from './load-fastify.ts';
import { newestTime } from './newest-time.ts';
import { createTlsServer, hostOfCertificate, type TcpOptions } from './tls-listener.ts';

/** Collaborators of {@link startAdminServer}. */
export interface AdminServerDeps {
  /** Whom it serves. Another's to close. */
  readonly operations: Operations;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * The home's tables: approvals, and the highest time ever seen. Without them there is no two-person
   * mode, and time is this process's.
   */
  readonly tables?: HomeTables | undefined;
  /** Told of each request over its limit or without the right. */
  readonly onRefused?: AdminGateDeps['onRefused'];
}

/** Where it listens, and who may do what. */
export interface AdminServerOptions {
  /** At most 107 bytes. What is there already is removed: the home's lock must be held. */
  readonly socketPath: string;
  /** This release. */
  readonly version: string;
  /** TCP as well. @default only the socket */
  readonly tcp?: TcpOptions | undefined;
  /** For tokens on the socket too. @default that of `tcp` */
  readonly credentialsFile?: string | undefined;
  /** Two-person mode. @default off */
  readonly twoPerson?: TwoPersonOptions | undefined;
  /** @default {@link HTTP_LIMITS} */
  readonly limits?: HttpLimits | undefined;
}

/** Two-person mode. */
export interface TwoPersonOptions {
  /** 16 bytes. */
  readonly homeId: Uint8Array;
  /** @default 900 */
  readonly approvalSeconds?: number | undefined;
}

/** A running admin API. Disposing closes the socket, its file and every connection. */
export interface AdminServer extends AsyncDisposable {
  /** Where TCP listens, `undefined` without. */
  readonly tcp: { readonly host: string; readonly port: number } | undefined;
  /** Why TCP does not listen though it should. */
  readonly tcpFault: { readonly code: string; readonly text: string } | undefined;
}

/**
 * Starts listening. A TCP listener that cannot be had is a fault in the log and in
 * {@link AdminServer.tcpFault}: the socket is there all the same, and signing goes on.
 *
 * @throws {AdminListenError} ERR_ADMIN_LISTEN when the socket cannot be had.
 */
export async function startAdminServer(
  deps: AdminServerDeps,
  options: AdminServerOptions,
): Promise<AdminServer> {
  const { operations, clock, logger, tables } = deps;
  const { socketPath, version, tcp, twoPerson, limits = HTTP_LIMITS } = options;
  await loadFastify();
  const { createAdminApp } = await import('./admin-app.ts');
  const newestTimeMs = newestTime({ clock, tables });
  const credentialsFile = options.credentialsFile ?? tcp?.credentialsFile;
  const credentials = openCredentials(credentialsFile, { clock, logger, newestTimeMs });
  if (twoPerson !== undefined && tables === undefined) {
    throw new InvariantError('two-person mode without tables to keep approvals in');
  }
  let isOurHost: (host: string) => boolean = () => false;
  let server: Server | undefined;
  const app = createAdminApp(
    {
      operations,
      clock,
      logger,
      credentials: () => credentials,
      onRefused: deps.onRefused,
      approvals:
        twoPerson === undefined || tables === undefined
          ? undefined
          : new Approvals(
              { tables, newestTimeMs },
              { homeId: twoPerson.homeId, lifetimeSeconds: twoPerson.approvalSeconds },
            ),
    },
    {
      version,
      isOurHost: (host) => isOurHost(host),
      serverFactory: (handler) => {
        server = createServer(serverOptions(limits), handler);
        server.maxConnections = limits.maxConnections;
        server.maxRequestsPerSocket = limits.maxRequestsPerSocket;
        return server;
      },
    },
  );
  await using stack = new AsyncDisposableStack();
  stack.defer(() => app.close());
  await app.ready();
  if (server === undefined) throw new InvariantError('Fastify made no server');
  const socketServer = server;
  await listenOnSocket(socketServer, socketPath);
  stack.defer(() => close(socketServer));
  let tlsServer: TlsServer | undefined;
  let tcpFault: AdminServer['tcpFault'];
  if (tcp !== undefined) {
    try {
      const tls = createTlsServer(tcp, {
        handler: (request, response) => app.routing(request, response),
        credentials,
        limits,
      });
      isOurHost = hostOfCertificate(tcp.certFile);
      await listenOnTcp(tls, tcp);
      stack.defer(() => close(tls));
      tlsServer = tls;
    } catch (err) {
      tcpFault = { code: errorCode(err), text: err instanceof Error ? err.message : String(err) };
      logger.error({ code: tcpFault.code, err }, 'no admin API over TCP: the socket is there');
    }
  }
  const address = tlsServer?.address() as AddressInfo | undefined;
  const resources = stack.move();
  return {
    tcp: address === undefined ? undefined : { host: address.address, port: address.port },
    tcpFault,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** A file that cannot be read costs those who would come by it, not the socket. */
function openCredentials(
  path: string | undefined,
  deps: ConstructorParameters<typeof Credentials>[0],
): Credentials | undefined {
  if (path === undefined) return undefined;
  try {
    return new Credentials(deps, path);
  } catch (err) {
    deps.logger.error({ code: errorCode(err), err }, 'the credentials cannot be read');
    return undefined;
  }
}

async function close(server: Server | TlsServer): Promise<void> {
  server.closeAllConnections();
  // Node removes a socket's file on close.
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  await closed;
}

/** S16: a fresh socket is 0755 unless the umask says otherwise, and listening binds it at once. */
async function listenOnSocket(server: Server, socketPath: string): Promise<void> {
  try {
    const there = lstatSync(socketPath, { throwIfNoEntry: false });
    if (there?.isSocket() === true) rmSync(socketPath);
    const umask = process.umask(0o177);
    try {
      server.listen(socketPath);
    } finally {
      process.umask(umask);
    }
    await listening(server);
    chmodSync(socketPath, 0o600);
  } catch (cause) {
    throw new AdminListenError(socketPath, { cause });
  }
}

async function listenOnTcp(server: TlsServer, { host, port }: TcpOptions): Promise<void> {
  try {
    server.listen({ host, port });
    await listening(server);
  } catch (cause) {
    throw new AdminListenError(`${host}:${port}`, { cause });
  }
}

async function listening(server: Server | TlsServer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.once('listening', resolve);
  await promise;
  server.off('error', reject);
}
