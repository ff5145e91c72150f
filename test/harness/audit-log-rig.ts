/** A home with an audit log in segments, and what `audit verify` says of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { readLivePage } from '@privval/signer/audit/audit-live';
import type { AuditVerdict } from '@privval/signer/audit/audit-segment';
import { AuditUpkeep } from '@privval/signer/audit/audit-upkeep';
import { HomeAuditLog, type HomeAuditLogOptions } from '@privval/signer/audit/home-audit-log';
import { type HeldCheckpoint, verifyAudit } from '@privval/signer/audit/verify-audit';
import { homePaths } from '@privval/signer/home/home-paths';
import { auditFiles, openReadableHome } from '@privval/signer/home/read-audit-home';
import { AuditedHome, type OpenAudited, reserveOne } from './audited-home.ts';
import { whilePassing } from './passing-time.ts';
import { hrs } from './sign-requests.ts';

/** Bounds of tests: a segment is some 20 decisions. */
export const SMALL = { maxBytes: 1_000_000, segmentBytes: 12_000, diskReserveBytes: 0 } as const;

const PLENTY = async (): Promise<number> => 10_000_000_000;

/** Decides at every height from `from` to `to`, prevote and precommit, each with its end. */
export function decideHeights(opened: OpenAudited, from: number, to: number): void {
  for (let height = from; height <= to; height++) {
    for (const step of ['prevote', 'precommit'] as const) {
      reserveOne(opened.store, height, { step });
      const us = { reserve: 100 + height, total: 150 + height };
      opened.journal.outcome('v0', hrs(height, 0, step), { outcome: 'signed', us });
    }
  }
}

/** An upkeep that is run when a test says so. */
export function upkeepOf(
  home: AuditedHome,
  opened: OpenAudited,
  options: {
    readonly bounds?: Partial<typeof SMALL> | { readonly [Name in keyof typeof SMALL]?: number };
    readonly freeBytes?: (folder: string) => Promise<number>;
  } = {},
): AuditUpkeep {
  const { store, journal } = opened;
  const { clock, logger } = home;
  const pause = async (): Promise<void> => undefined;
  const freeBytes = options.freeBytes ?? PLENTY;
  const upkeep = new AuditUpkeep(
    { store, clock, logger, pause, freeBytes },
    { ...SMALL, ...options.bounds, folder: homePaths(home.path).audit },
  );
  journal.listen((rows) => upkeep.added(rows));
  return upkeep;
}

/** Runs it, time passing. @throws what it throws. */
export async function runUpkeep(home: AuditedHome, upkeep: AuditUpkeep): Promise<void> {
  const { error } = await whilePassing(home.clock, upkeep.run({}));
  if (error !== undefined) throw error;
}

/** A home with two closed segments and a live part, closed. */
export async function homeWithSegments(): Promise<AuditedHome> {
  const home = await AuditedHome.make();
  await using opened = home.open();
  const upkeep = upkeepOf(home, opened);
  for (const from of [1, 21, 41]) {
    decideHeights(opened, from, from + 19);
    if (from !== 41) await runUpkeep(home, upkeep);
    await home.clock.advance(30_000);
  }
  return home;
}

/** What `signer audit verify` finds in a home that nobody serves. */
export async function verdictOf(home: AuditedHome, held?: HeldCheckpoint): Promise<AuditVerdict> {
  await using readable = await openReadableHome(home, { home: home.path, command: 'test' });
  const lines: string[] = [];
  const pause = async (): Promise<void> => undefined;
  let after: bigint | undefined;
  for (;;) {
    const page = await readLivePage(readable.tables, { after, pause });
    lines.push(...page.lines);
    if (page.nextAfter !== null) after = BigInt(page.nextAfter);
    else {
      const { segments, readSegment, auditKey } = auditFiles(home.path);
      const { head } = page;
      return verifyAudit({ head, lines, files: segments, readSegment, auditKey }, held);
    }
  }
}

/** The log of a daemon over an open store. */
export function logOf(
  home: AuditedHome,
  opened: OpenAudited,
  options: Omit<HomeAuditLogOptions, 'home'> = {},
): HomeAuditLog {
  const { store, journal } = opened;
  const { clock, logger } = home;
  return HomeAuditLog.start(
    { store, journal, clock, logger, freeBytes: PLENTY },
    { home: home.path, checkpointSeconds: 0, ...options },
  );
}

/** Changes the lines of a segment. */
export function editSegment(
  home: AuditedHome,
  file: string,
  change: (lines: string[]) => readonly string[],
): void {
  const path = home.join('audit', file);
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  writeFileSync(path, `${change(lines).join('\n')}\n`);
}
