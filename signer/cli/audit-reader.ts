/** Where a command reads the audit log from: the running signer, or the home itself. */

import { errorCode } from '@privval/proto/runtime/coded-error';
import { type LiveHead, type LivePage, readLivePage } from '../audit/audit-live.ts';
import type { AuditEvidence } from '../audit/verify-audit.ts';
import { HomeLockedError } from '../guard/sign-state-errors.ts';
import { homePaths } from '../home/home-paths.ts';
import { openReadableHome } from '../home/read-audit-home.ts';
import { AdminClient } from '../http/admin-client.ts';
import type { CliContext } from './context.ts';

/** A daemon that has just begun to sign opens its socket a little later. */
const PATIENCE_MS = 6_000;
const RETRY_MS = 50;
const RATE_RETRY_MS = 250;

/** Times that a reading begins anew because a segment was closed meanwhile. */
const MAX_RESTARTS = 5;

/** The live part of a home's log. */
export interface AuditReader extends AsyncDisposable {
  /** All of it, of one moment. */
  live(): Promise<Pick<AuditEvidence, 'head' | 'lines'>>;
}

/**
 * The home itself, or when it is served, the signer.
 *
 * @throws {HomeLockedError} ERR_HOME_LOCKED when the home is held and nobody answers.
 * @throws what `openReadableHome` throws.
 */
export async function openAuditReader(
  context: CliContext,
  options: { readonly home: string; readonly command: string },
): Promise<AuditReader> {
  const { clock } = context;
  const admin = new AdminClient({ clock }, { socketPath: homePaths(options.home).adminSocket });
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    let locked: unknown;
    try {
      const home = await openReadableHome(context, options);
      const pause = async (): Promise<void> => undefined;
      return readerOf(
        (after) =>
          readLivePage(home.tables, { after: after === undefined ? after : BigInt(after), pause }),
        home,
      );
    } catch (error) {
      if (!(error instanceof HomeLockedError)) throw error;
      locked = error;
    }
    try {
      // Whether anybody answers; pages are asked for once they are wanted.
      await admin.auditLive(String(2n ** 62n));
      return readerOf((after) => patiently(clock, () => admin.auditLive(after)), {
        [Symbol.asyncDispose]: async () => undefined,
      });
    } catch (error) {
      if (errorCode(error) !== 'ERR_ADMIN_UNREACHABLE') throw error;
      if (clock.monotonicMs() >= deadlineMs) throw locked;
    }
    await clock.sleep(RETRY_MS);
  }
}

/** Pages are heavy requests: they have a rate. */
async function patiently<T>(clock: CliContext['clock'], ask: () => Promise<T>): Promise<T> {
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (errorCode(error) !== 'ERR_ADMIN_RATE' || clock.monotonicMs() >= deadlineMs) throw error;
    }
    await clock.sleep(RATE_RETRY_MS);
  }
}

function readerOf(
  page: (after: string | undefined) => Promise<LivePage>,
  owned: AsyncDisposable,
): AuditReader {
  return {
    live: () => readPages(page),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** From the beginning again whenever the beginning has moved. */
async function readPages(
  page: (after: string | undefined) => Promise<LivePage>,
): Promise<{ readonly head: LiveHead; readonly lines: readonly string[] }> {
  for (let attempt = 0; ; attempt++) {
    const lines: string[] = [];
    let first: string | undefined;
    let after: string | undefined;
    for (;;) {
      const { head, lines: more, nextAfter } = await page(after);
      first ??= head.first;
      lines.push(...more);
      if (head.first !== first && attempt < MAX_RESTARTS) break;
      if (nextAfter === null) return { head, lines };
      after = nextAfter;
    }
  }
}
