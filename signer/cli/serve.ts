import { resolve } from 'node:path';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { systemRandom } from '@privval/proto/runtime/random';
import { readConfig, unknownVariables } from '../config/config.ts';
import { checkHome, checkSocketPath } from '../home/check-home.ts';
import { Signer } from '../signer.ts';
import type { CliContext } from './context.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { createLogger } from './logger.ts';
import { type Operating, startOperating } from './operate.ts';
import { warnOfLeaks } from './process-hardening.ts';
import { VERSION } from './release.ts';

/** A stop takes no longer, whatever hangs. */
const STOP_LIMIT_MS = 900;

/** As the command line has them. */
export interface ServeFlags {
  readonly home: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  readonly http?: string;
  readonly httpPublic?: boolean;
}

/** Serves until SIGTERM or SIGINT. */
export async function runServe(context: CliContext, flags: ServeFlags): Promise<void> {
  const home = resolve(flags.home);
  const { clock } = context;
  checkHome(home);
  checkSocketPath(home);
  const config = readConfig(home, { flags: configFlags(flags) });
  const { log, ...options } = config;
  const logger = createLogger(log);
  exitOnBugs(logger);
  const stop = stopSignal(context, logger);
  const watching =
    config.http.listen === undefined
      ? undefined
      : new (await import('./watching.ts')).Watching({ clock, logger });
  let operating: Operating | undefined;
  const tipOf = (validator: string): bigint | undefined => operating?.tipOf(validator);
  const signer = await startUnlessStopped(stop, (wait) =>
    Signer.start(
      {
        clock,
        random: systemRandom,
        logger,
        tipOf,
        observer: watching?.observer,
        onConnection: watching?.onConnection,
      },
      { home, ...options },
      wait,
    ),
  );
  if (signer !== undefined) {
    await using resources = new AsyncDisposableStack();
    resources.use(signer);
    logger.info(
      { home, version: VERSION, node: process.version, validators: options.validators.length },
      'serving',
    );
    warnOfLeaks(logger);
    for (const [variable, nearest] of unknownVariables()) {
      logger.warn({ variable, nearest }, 'an environment variable that means nothing here');
    }
    const { signal } = stop;
    const later = startOperating(
      { signer, clock, logger, watching },
      { home, config, signal },
    ).then((started) => {
      operating = started;
      return started;
    });
    resources.defer(async () => (await later)?.[Symbol.asyncDispose]());
    await stop.requested;
  }
  logger.info({}, 'stopped');
  process.exit(EXIT_CODES.done);
}

function configFlags({
  logLevel,
  logFormat,
  http,
  httpPublic,
}: ServeFlags): Readonly<Record<string, string>> {
  return {
    ...(logLevel === undefined ? {} : { 'log.level': logLevel }),
    ...(logFormat === undefined ? {} : { 'log.format': logFormat }),
    ...(http === undefined ? {} : { 'http.listen': http }),
    ...(httpPublic === true ? { 'http.public': 'true' } : {}),
  };
}

/** What SIGTERM and SIGINT do. */
interface Stop {
  /** Resolves with the first signal. */
  readonly requested: Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * The first signal stops in order: answers in flight are finished, sessions in devices closed. The
 * second ends at once, and so does a device that holds the order up: the floor is made for
 * processes that end at any moment.
 */
function stopSignal({ clock }: CliContext, logger: Logger): Stop {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const [name, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + number);
      logger.info({ signal: name }, 'stopping');
      controller.abort();
      resolve();
      // It never rejects: nothing ends this sleep but the process.
      void clock.sleep(STOP_LIMIT_MS).then(() => {
        logger.warn({}, 'stopped without waiting for the rest any longer');
        process.exit(EXIT_CODES.done);
      });
    });
  }
  return { requested: promise, signal: controller.signal };
}

/** `undefined` when a signal came before anything was served. */
async function startUnlessStopped(
  { signal }: Stop,
  start: (wait: AbortOptions) => Promise<Signer>,
): Promise<Signer | undefined> {
  try {
    return await start({ signal });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** A bug ends the process (nobody knows what is still true), and is in the log before. */
function exitOnBugs(logger: Logger): void {
  process.on('uncaughtException', (err) => {
    logger.error({ err, code: errorCode(err) }, 'a bug ends this process');
    process.exit(EXIT_CODES.bug);
  });
}
