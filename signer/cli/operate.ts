/** What runs beside signing: chains and the admin API. Loaded when nobody waits for a vote. */
import { flushCompileCache } from 'node:module';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { SignerConfig } from '../config/config.ts';
import { homePaths } from '../home/home-paths.ts';
import type { Operations } from '../operations.ts';
import type { Signer } from '../signer.ts';
import type { LevelledLogger } from './logger.ts';
import { VERSION } from './release.ts';
import type { Watching } from './watching.ts';

/** The rest is loaded once a node was served, or after this long: its modules hold up a vote. */
const LOAD_DELAY_MS = 2_000;
const LOAD_POLL_MS = 20;

/** Collaborators of {@link startOperating}. */
export interface OperatingDeps {
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: LevelledLogger;
  /** With `--http`. */
  readonly watching?: Watching | undefined;
}

/** For what. */
export interface OperatingOptions {
  readonly home: string;
  readonly config: SignerConfig;
  /** Ends the waiting; what was started is disposed by its owner. */
  readonly signal: AbortSignal;
}

/** What was started. */
export interface Operating extends AsyncDisposable {
  readonly operations: Operations;
  /** The newest block that counts for a floor's limits (S33). */
  readonly tipOf: (validator: string) => bigint | undefined;
}

/**
 * Starts all of it, each part on its own: one that fails is in the log, and the others go on; so does
 * signing, whatever happens here.
 */
export async function startOperating(
  deps: OperatingDeps,
  options: OperatingOptions,
): Promise<Operating | undefined> {
  const { logger } = deps;
  const { signal } = options;
  try {
    await untilServed(deps, signal);
    await using resources = new AsyncDisposableStack();
    const { openOperations } = await import('./open-operations.ts');
    signal.throwIfAborted();
    const { operations, tipOf } = await openOperations(deps, options, resources);
    await attempt(logger, 'no admin API: signing goes on without it', () =>
      startAdmin(deps, options, { operations, resources }),
    );
    const { watching } = deps;
    if (watching !== undefined) {
      resources.use(watching);
      await attempt(
        logger,
        'no health, metrics and status page: signing goes on without them',
        () => watching.listen(operations, options.config.http),
      );
    }
    // A process that is killed would leave its compiled modules behind uncached.
    flushCompileCache();
    const owned = resources.move();
    return { operations, tipOf, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  } catch (err) {
    if (!signal.aborted) {
      logger.error({ code: errorCode(err), err }, 'what runs beside signing could not be started');
    }
    return undefined;
  }
}

interface Started {
  readonly operations: Operations;
  readonly resources: AsyncDisposableStack;
}

async function startAdmin(
  { signer, clock, logger, watching }: OperatingDeps,
  { home, config: { admin } }: OperatingOptions,
  { operations, resources }: Started,
): Promise<void> {
  const { startAdminServer } = await import('../http/admin-server.ts');
  const { adminSocket } = homePaths(home);
  const { listen, certFile, keyFile, clientCaFile, credentialsFile } = admin;
  const server = await startAdminServer(
    { operations, clock, logger, tables: signer.store, onRefused: watching?.onAdminRefused },
    {
      socketPath: adminSocket,
      version: VERSION,
      credentialsFile,
      tcp:
        listen === undefined || certFile === undefined || keyFile === undefined
          ? undefined
          : { ...listen, certFile, keyFile, clientCaFile, credentialsFile },
      twoPerson: admin.isTwoPerson
        ? { homeId: homeIdOf(signer), approvalSeconds: admin.approvalSeconds }
        : undefined,
    },
  );
  resources.use(server);
  logger.info({ socket: adminSocket, tcp: server.tcp }, 'the admin API is up');
}

function homeIdOf(signer: Signer): Uint8Array {
  const [row] = signer.store.read('SELECT home_id AS id FROM home', [], 1);
  if (!(row?.['id'] instanceof Uint8Array)) throw new InvariantError('this home has no id');
  return row['id'];
}

async function attempt(logger: Logger, text: string, start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (err) {
    logger.error({ code: errorCode(err), err }, text);
  }
}

async function untilServed({ signer, clock }: OperatingDeps, signal: AbortSignal): Promise<void> {
  const isServed = (): boolean =>
    signer
      .status()
      .validators.some(
        ({ nodes, grpc }) =>
          nodes.some(({ requests }) => requests > 1) || (grpc?.requests ?? 0) > 1,
      );
  const deadlineMs = clock.monotonicMs() + LOAD_DELAY_MS;
  while (clock.monotonicMs() < deadlineMs && !isServed())
    await clock.sleep(LOAD_POLL_MS, { signal });
}
