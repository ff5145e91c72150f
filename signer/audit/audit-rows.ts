/** An entry as the table has it, as a line of a segment, and as people and programs read it. */
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { JournalRow } from '../guard/floor-journal.ts';
import type { SqlRow, SqlValue } from '../guard/home-transaction.ts';
import type { AuditEntry, AuditKind } from './audit-entry.ts';

/** Columns of the table, in the order of its definition. */
export const ENTRY_COLUMNS =
  'seq, time_ms, kind, validator, height, round, step, sign_hash, body, hash';

/** Bytes of a line beside its texts, at the most. */
export const LINE_OVERHEAD_BYTES = 340;

/** The row of a table. What an editor put into it may be anything of the column's type. */
export function rowFromSql(row: SqlRow): JournalRow {
  return {
    seq: bigintOf(row['seq']),
    timeMs: Number(row['time_ms']),
    kind: String(row['kind']),
    validator: textOrNull(row['validator']),
    height: row['height'] === null ? null : bigintOf(row['height']),
    round: row['round'] === null ? null : Number(row['round']),
    step: row['step'] === null ? null : Number(row['step']),
    signHash: bytesOrNull(row['sign_hash']),
    body: String(row['body']),
    hash: bytesOrNull(row['hash']) ?? new Uint8Array(0),
  };
}

/** One line, without its end. The body is a text within the text: its bytes are what was hashed. */
export function lineOfRow(row: JournalRow): string {
  const { seq, timeMs, kind, validator, height, round, step, signHash, body, hash } = row;
  return JSON.stringify({
    seq: String(seq),
    time: timeMs,
    kind,
    validator,
    height: height === null ? null : String(height),
    round,
    step,
    sign: signHash === null ? null : hexFromBytes(signHash),
    body,
    hash: hexFromBytes(hash),
  });
}

/** The row of a line; `undefined` when it is none. */
export function rowFromLine(line: string): JournalRow | undefined {
  try {
    const { seq, time, kind, validator, height, round, step, sign, body, hash } = JSON.parse(
      line,
    ) as Record<string, unknown>;
    if (typeof kind !== 'string' || typeof body !== 'string' || typeof time !== 'number') {
      return undefined;
    }
    return {
      seq: BigInt(textOf(seq)),
      timeMs: time,
      kind,
      validator: validator === null ? null : textOf(validator),
      height: height === null ? null : BigInt(textOf(height)),
      round: round === null ? null : Number(round),
      step: step === null ? null : Number(step),
      signHash: sign === null ? null : bytesFromHex(textOf(sign)),
      body,
      hash: bytesFromHex(textOf(hash)),
    };
  } catch {
    return undefined;
  }
}

/** What people and programs are given. A body that is no JSON any more is shown as the text it is. */
export function entryOfRow(row: JournalRow): AuditEntry {
  const { seq, timeMs, kind, validator, height, round, step, signHash, body, hash } = row;
  return {
    seq,
    timeMs,
    kind: kind as AuditKind,
    validator: validator ?? undefined,
    position:
      height === null || round === null || step === null
        ? undefined
        : { height: String(height), round, step },
    signHash: signHash === null ? undefined : hexFromBytes(signHash),
    body: parsed(body) as AuditEntry['body'],
    hash: hexFromBytes(hash),
  };
}

/** An entry as JSON has it. */
export function entryJson(
  entry: AuditEntry,
): Omit<AuditEntry, 'seq'> & { readonly seq: string; readonly time: string } {
  return { ...entry, seq: String(entry.seq), time: new Date(entry.timeMs).toISOString() };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return { text: body };
  }
}

function bigintOf(value: SqlValue | undefined): bigint {
  return typeof value === 'bigint' ? value : BigInt(String(value));
}

function textOrNull(value: SqlValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function bytesOrNull(value: SqlValue | undefined): Uint8Array | null {
  return value instanceof Uint8Array ? value : null;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no text');
  return value;
}
