/**
 * The admin API: HTTP on a Unix socket of mode 0600 in the home. Who can open the socket is an
 * operator; there is nothing else to prove.
 *
 * Loaded after signing has begun: its modules take longer than the first signature may.
 */
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import { CodedError, errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import Fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import type { SignStateStore } from '../guard/sign-state-store.ts';
import { parseHeight } from '../home/height.ts';
import {
  exportState,
  importState,
  stateRows,
  type ValidatorRow,
  validatorRows,
} from '../home/home-state.ts';
import type { SignerStatus } from '../signer-status.ts';
import { problemOf } from './problem.ts';
import { providerHealthJson } from './provider-health-json.ts';
import { statusJson } from './status-json.ts';

/** A state file has a few hundred bytes. */
const MAX_BODY_BYTES = 65_536;

/** A client that sends nothing is dropped. */
const REQUEST_TIMEOUT_MS = 5_000;

/** Collaborators of {@link startAdminServer}. */
export interface AdminServerDeps {
  /** Whose floors are shown and raised. Another's to close. */
  readonly store: SignStateStore;
  readonly status: () => SignerStatus;
  readonly logger: Logger;
}

/** Where it listens. */
export interface AdminServerOptions {
  /** At most 107 bytes. What is there already is removed: the home's lock must be held. */
  readonly socketPath: string;
  /** This release. */
  readonly version: string;
}

/** The admin socket cannot be opened. Signing goes on without it. */
export class AdminListenError extends CodedError {
  override readonly name = 'AdminListenError';
  readonly code = 'ERR_ADMIN_LISTEN';

  constructor(socketPath: string, options?: ErrorOptions) {
    const reason = options?.cause instanceof Error ? `: ${options.cause.message}` : '';
    super(`cannot listen on ${socketPath}${reason}`, options);
  }
}

/**
 * Starts listening. Disposing closes the socket, its file and every connection.
 *
 * @throws {AdminListenError} ERR_ADMIN_LISTEN
 */
export async function startAdminServer(
  deps: AdminServerDeps,
  options: AdminServerOptions,
): Promise<AsyncDisposable> {
  const { socketPath } = options;
  let server: Server | undefined;
  const app = createAdminApp(deps, {
    ...options,
    serverFactory: (handler) => {
      server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, handler);
      return server;
    },
  });
  await app.ready();
  if (server === undefined) throw new InvariantError('Fastify made no server');
  try {
    await listen(server, socketPath);
  } catch (cause) {
    await app.close();
    throw new AdminListenError(socketPath, { cause });
  }
  const listening = server;
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      listening.closeAllConnections();
      // Node removes the socket's file on close.
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      listening.close(() => resolve());
      await closed;
      await app.close();
    },
  };
}

/** What {@link createAdminApp} needs besides the server's options. */
export interface AdminAppOptions extends AdminServerOptions {
  readonly serverFactory?: ((handler: RequestListener) => Server) | undefined;
}

/** The application without a socket; tests ask it by `inject`. */
export function createAdminApp(deps: AdminServerDeps, options: AdminAppOptions): FastifyInstance {
  const { serverFactory } = options;
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
    ...(serverFactory === undefined ? {} : { serverFactory }),
  });
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof InvariantError) throw error;
    const problem = problemOf(error);
    if (problem.status >= 500) {
      deps.logger.error({ code: errorCode(error), err: error }, 'an admin request failed');
    }
    return reply.code(problem.status).type('application/problem+json').send(problem);
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('application/problem+json').send({
      type: 'about:blank',
      title: 'Not found',
      status: 404,
      code: 'ERR_ADMIN_NOT_FOUND',
      detail: 'this signer has no such resource',
    }),
  );
  void app.register(routes(deps, options));
  return app;
}

/** JSON Schema as it is: a schema library costs 22 MiB and 200 ms of this process for these two. */
const NAME = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', maxLength: 64 } },
} as const;

const FLOOR_CHANGE = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    stateFile: { type: 'string', maxLength: MAX_BODY_BYTES },
    floorHeight: { type: 'string', maxLength: 19 },
    confirm: { type: 'string', maxLength: 64 },
  },
} as const;

/** What {@link NAME} lets through. */
interface NameParams {
  readonly name: string;
}

/** What {@link FLOOR_CHANGE} lets through. */
interface FloorChange {
  readonly stateFile?: string;
  readonly floorHeight?: string;
  readonly confirm?: string;
}

function routes(deps: AdminServerDeps, options: AdminServerOptions): FastifyPluginAsync {
  const { store, status, logger } = deps;
  const program = { version: options.version, pid: process.pid };
  return async (app) => {
    app.get('/v1/status', () => statusJson(status(), program));
    app.get('/v1/validators', () => withProviders(validatorRows(store), status()));
    app.get('/v1/state', () => stateRows(store));
    app.get<{ Params: NameParams }>(
      '/v1/validators/:name/state-file',
      { schema: { params: NAME } },
      (request, reply) => {
        const { name } = request.params;
        // It goes on signing, so the file is not the last word (S12).
        const file = exportState(store, { validator: name, isStale: true });
        logger.info({ validator: name }, 'the floor was exported, marked stale');
        return reply.type('application/json').send(Buffer.from(file));
      },
    );
    app.post<{ Params: NameParams; Body: FloorChange }>(
      '/v1/validators/:name/floor',
      { schema: { params: NAME, body: FLOOR_CHANGE } },
      (request) => {
        const { name } = request.params;
        const { stateFile, floorHeight, confirm } = request.body;
        const result = importState(store, {
          validator: name,
          state: stateFile === undefined ? undefined : utf8Bytes(stateFile),
          floorHeight: floorHeight === undefined ? undefined : parseHeight(floorHeight),
          confirm,
        });
        if (result.isRaised) logger.warn(result, 'the floor was raised by an operator');
        return result;
      },
    );
  };
}

/** A validator that is only in the store has none: it is not served. */
function withProviders(
  rows: readonly ValidatorRow[],
  { validators }: SignerStatus,
): readonly ValidatorRow[] {
  const byName = new Map(validators.map(({ name, providers }) => [name, providers]));
  return rows.map((row) => ({
    ...row,
    providers: (byName.get(row.name) ?? []).map(providerHealthJson),
  }));
}

/** S16: a fresh socket is 0755 unless the umask says otherwise, and listening binds it at once. */
async function listen(server: Server, socketPath: string): Promise<void> {
  const there = lstatSync(socketPath, { throwIfNoEntry: false });
  if (there?.isSocket() === true) rmSync(socketPath);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.once('listening', resolve);
  const umask = process.umask(0o177);
  try {
    server.listen(socketPath);
  } finally {
    process.umask(umask);
  }
  await promise;
  server.off('error', reject);
  chmodSync(socketPath, 0o600);
}
