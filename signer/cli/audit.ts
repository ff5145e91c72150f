/** `signer audit verify | show | export | checkpoint`. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import { parseCheckpoint } from '../audit/audit-checkpoint.ts';
import { AUDIT_KINDS, type AuditEntry, type AuditKind } from '../audit/audit-entry.ts';
import type { AuditQuery } from '../audit/audit-log.ts';
import { entryJson, entryOfRow, rowFromLine } from '../audit/audit-rows.ts';
import { AuditSearch, fits } from '../audit/audit-search.ts';
import type { AuditVerdict, Checkpoint } from '../audit/audit-segment.ts';
import { type HeldCheckpoint, verifyAudit } from '../audit/verify-audit.ts';
import { checkHome } from '../home/check-home.ts';
import { homePaths } from '../home/home-paths.ts';
import { STEP_NAMES } from '../home/home-state.ts';
import { auditFiles } from '../home/read-audit-home.ts';
import { AdminClient } from '../http/admin-client.ts';
import { type AuditReader, openAuditReader } from './audit-reader.ts';
import { type CliContext, type HomeFlags, printJson, printTable, UsageError } from './context.ts';

/** The audit log is not the one that was written. */
export class AuditSuspectError extends CodedError {
  override readonly name = 'AuditSuspectError';
  readonly code = 'ERR_AUDIT_SUSPECT';

  constructor(count: number) {
    super(
      `${count === 1 ? 'one place' : `${count} places`} in the audit log ${count === 1 ? 'is' : 'are'} not as written. Keep a copy of the whole home before anything else`,
    );
  }
}

/** A checkpoint's file cannot be read. */
export class CheckpointUnreadableError extends CodedError {
  override readonly name = 'CheckpointUnreadableError';
  readonly code = 'ERR_CHECKPOINT_UNREADABLE';

  constructor(path: string, options: { readonly cause: unknown }) {
    super(`cannot read ${path}: ${errorCode(options.cause)}`, options);
  }
}

/** As the command line has them. */
export interface AuditVerifyFlags extends HomeFlags {
  readonly checkpoint?: string | undefined;
}

/**
 * Looks at every entry there is.
 *
 * @throws {AuditSuspectError} ERR_AUDIT_SUSPECT when something is not as written.
 * @throws {CheckpointUnreadableError} ERR_CHECKPOINT_UNREADABLE
 */
export async function runAuditVerify(context: CliContext, flags: AuditVerifyFlags): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  const held = flags.checkpoint === undefined ? undefined : readHeld(flags.checkpoint);
  let verdict = await verdictOn(context, home, held);
  // A running signer may close or remove a segment between two questions: what is wrong stays wrong.
  if (!verdict.isWhole) verdict = await verdictOn(context, home, held);
  if (flags.json === true) printJson(context, verdict);
  else printVerdict(context, verdict);
  if (!verdict.isWhole) throw new AuditSuspectError(verdict.findings.length);
}

async function verdictOn(
  context: CliContext,
  home: string,
  held: HeldCheckpoint | undefined,
): Promise<AuditVerdict> {
  await using reader = await openAuditReader(context, { home, command: 'signer audit verify' });
  const live = await reader.live();
  const { segments, readSegment, auditKey } = auditFiles(home);
  return verifyAudit({ ...live, files: segments, readSegment, auditKey }, held);
}

function readHeld(path: string): HeldCheckpoint {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CheckpointUnreadableError(path, { cause });
  }
  const checkpoint = parseCheckpoint(text);
  return checkpoint === undefined ? { kind: 'invalid' } : { kind: 'good', checkpoint };
}

function printVerdict(context: CliContext, verdict: AuditVerdict): void {
  const { entries, first, last, findings, checkpoint } = verdict;
  context.print(entries === 0 ? 'no entries' : `${entries} entries, ${first} to ${last}`);
  if (checkpoint !== null) {
    const words = checkpoint.holds ? 'holds' : 'does not hold';
    context.print(`the checkpoint of entry ${checkpoint.seq} ${words}`);
  }
  if (findings.length === 0) {
    context.print('nothing is wrong');
    return;
  }
  context.print('');
  printTable(
    context,
    ['ENTRY', 'FINDING', 'WHAT'],
    findings.map(({ seq, what, file, text }) => [
      seq,
      what,
      file === undefined ? text : `${text} (${file})`,
    ]),
  );
}

/** As the command line has them. */
export interface AuditShowFlags extends HomeFlags {
  readonly validator?: string | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly after?: bigint | undefined;
  readonly from?: bigint | undefined;
  readonly to?: bigint | undefined;
  readonly limit?: number | undefined;
}

/** Entries for people, oldest first: without `--after` and heights the newest ones. */
export async function runAuditShow(context: CliContext, flags: AuditShowFlags): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  const query = queryOf(flags);
  const limit = flags.limit ?? 50;
  await using reader = await openAuditReader(context, { home, command: 'signer audit show' });
  const isFromFront = flags.after !== undefined || flags.from !== undefined;
  const found: AuditEntry[] = [];
  for await (const entry of entriesOf(reader, home, query)) {
    found.push(entry);
    if (isFromFront && found.length >= limit) break;
    if (found.length > limit) found.shift();
  }
  if (flags.json === true) return printJson(context, found.map(entryJson));
  printTable(
    context,
    ['ENTRY', 'TIME', 'KIND', 'VALIDATOR', 'POSITION', 'DETAILS'],
    found.map((entry) => [
      String(entry.seq),
      new Date(entry.timeMs).toISOString(),
      entry.kind,
      entry.validator ?? '',
      positionText(entry),
      JSON.stringify(entry.body),
    ]),
  );
}

/** Every entry as one line of JSON, oldest first. */
export async function runAuditExport(context: CliContext, flags: AuditShowFlags): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  await using reader = await openAuditReader(context, { home, command: 'signer audit export' });
  for await (const entry of entriesOf(reader, home, queryOf(flags))) {
    context.print(JSON.stringify(entryJson(entry)));
  }
}

/** Has the running signer sign where its log is, and prints what it signed. */
export async function runAuditCheckpoint(context: CliContext, flags: HomeFlags): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  const admin = new AdminClient(context, { socketPath: homePaths(home).adminSocket });
  const checkpoint: Checkpoint = await admin.auditCheckpoint();
  printJson(context, checkpoint);
  context.note(
    'keep this outside of the machine: signer audit verify --checkpoint FILE holds the log against it',
  );
}

/** Of segments, then of the live part, in one order wherever they are read from. */
async function* entriesOf(
  reader: AuditReader,
  home: string,
  query: AuditQuery,
): AsyncGenerator<AuditEntry> {
  const { head, lines } = await reader.live();
  const search = new AuditSearch({ pause: async () => undefined }, homePaths(home).audit);
  yield* search.closedEntries(head.segments, query);
  for (const line of lines) {
    const row = rowFromLine(line);
    if (row !== undefined && row.seq >= BigInt(head.first) && fits(row, query)) {
      yield entryOfRow(row);
    }
  }
}

function queryOf(flags: AuditShowFlags): AuditQuery {
  const { validator, kind, after, from, to } = flags;
  return {
    validator,
    kinds: kind?.map(kindOf),
    afterSeq: after,
    fromHeight: from,
    toHeight: to,
  };
}

function kindOf(text: string): AuditKind {
  const kind = AUDIT_KINDS.find((known) => known === text);
  if (kind === undefined) {
    throw new UsageError(`there are no entries of kind ${text}: ${AUDIT_KINDS.join(', ')}`);
  }
  return kind;
}

function positionText({ position }: AuditEntry): string {
  if (position === undefined) return '';
  return `${position.height}/${position.round}/${STEP_NAMES[position.step] ?? position.step}`;
}
