/** Looks for entries in closed segments and in the database, oldest first, a little at a time. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalRow } from '../guard/floor-journal.ts';
import type { HomeTables } from '../guard/home-transaction.ts';
import type { AuditEntry } from './audit-entry.ts';
import { readSegments, type SegmentJson } from './audit-live.ts';
import type { AuditQuery } from './audit-log.ts';
import { ENTRY_COLUMNS, entryOfRow, rowFromLine, rowFromSql } from './audit-rows.ts';
import type { SegmentEnd } from './audit-segment.ts';

/** Entries of the table that are looked at between two pauses. */
const SLICE_ROWS = 100;
/** Bytes of a segment that are looked at between two pauses. */
const SLICE_BYTES = 65_536;
/** The last line of a segment is somewhere in so many bytes. */
const END_BYTES = 65_536;

/** Collaborators of an {@link AuditSearch}. */
export interface AuditSearchDeps {
  /** Awaited between slices. */
  readonly pause: () => Promise<void>;
}

/** Over one home. Keeps the last lines of segments, which never change. */
export class AuditSearch {
  readonly #deps: AuditSearchDeps;
  readonly #folder: string;
  readonly #ends = new Map<string, SegmentEnd | undefined>();

  constructor(deps: AuditSearchDeps, folder: string) {
    this.#deps = deps;
    this.#folder = folder;
  }

  /** Entries that fit, oldest first, all there are. `limit` is not looked at. */
  async *entries(tables: Pick<HomeTables, 'read'>, query: AuditQuery): AsyncGenerator<AuditEntry> {
    const segments = readSegments(tables);
    yield* this.closedEntries(segments, query);
    const { pause } = this.#deps;
    let after = maximum(query.afterSeq ?? 0n, BigInt(segments.at(-1)?.last ?? 0));
    for (;;) {
      const rows = tables.read(
        `SELECT ${ENTRY_COLUMNS} FROM audit WHERE seq > ? ORDER BY seq`,
        [after],
        SLICE_ROWS,
      );
      for (const stored of rows) {
        const row = rowFromSql(stored);
        after = row.seq;
        if (fits(row, query)) yield entryOfRow(row);
      }
      if (rows.length < SLICE_ROWS) return;
      await pause();
    }
  }

  /** Those in closed segments. */
  async *closedEntries(
    segments: readonly SegmentJson[],
    query: AuditQuery,
  ): AsyncGenerator<AuditEntry> {
    for (const segment of segments) {
      const isPast = BigInt(segment.last) <= (query.afterSeq ?? 0n);
      if (segment.state === 'removed' || isPast || !(await this.#canHold(segment, query))) continue;
      for await (const row of segmentRows(join(this.#folder, segment.file), this.#deps.pause)) {
        if (fits(row, query)) yield entryOfRow(row);
      }
    }
  }

  /** By the heights in its last line: most segments need not be read. */
  async #canHold(segment: SegmentJson, query: AuditQuery): Promise<boolean> {
    const { fromHeight, toHeight, validator } = query;
    if (fromHeight === undefined && toHeight === undefined) return true;
    const end = await this.#end(segment.file);
    if (end === undefined) return true;
    return Object.entries(end.heights).some(
      ([name, [low, high]]) =>
        (validator === undefined || validator === name) &&
        (fromHeight === undefined || BigInt(high) >= fromHeight) &&
        (toHeight === undefined || BigInt(low) <= toHeight),
    );
  }

  async #end(file: string): Promise<SegmentEnd | undefined> {
    if (!this.#ends.has(file)) {
      this.#ends.set(file, await readSegmentEnd(join(this.#folder, file)));
    }
    return this.#ends.get(file);
  }
}

/** Whether an entry is asked for. */
export function fits(row: JournalRow, query: AuditQuery): boolean {
  const { afterSeq, kinds, validator, fromHeight, toHeight } = query;
  if (afterSeq !== undefined && row.seq <= afterSeq) return false;
  if (kinds !== undefined && !kinds.some((kind) => kind === row.kind)) return false;
  if (validator !== undefined && row.validator !== validator) return false;
  if (fromHeight !== undefined && (row.height === null || row.height < fromHeight)) return false;
  return toHeight === undefined || (row.height !== null && row.height <= toHeight);
}

function maximum(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** The last line, if the file can be read and has one. */
async function readSegmentEnd(path: string): Promise<SegmentEnd | undefined> {
  try {
    await using handle = await open(path, 'r');
    const { size } = await handle.stat();
    const from = Math.max(0, size - END_BYTES);
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(size - from),
      0,
      size - from,
      from,
    );
    const text = buffer.toString('utf8', 0, bytesRead).trimEnd();
    return JSON.parse(text.slice(text.lastIndexOf('\n') + 1)) as SegmentEnd;
  } catch {
    return undefined;
  }
}

/** The entries of a segment. A file that is gone has none: `audit verify` tells of it. */
async function* segmentRows(path: string, pause: () => Promise<void>): AsyncGenerator<JournalRow> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks(path)) {
    const bytes = Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(0x0a);
    rest = bytes.subarray(end + 1);
    for (const line of bytes.toString('utf8', 0, Math.max(0, end)).split('\n')) {
      const row = rowFromLine(line);
      if (row !== undefined) yield row;
    }
    await pause();
  }
}

async function* chunks(path: string): AsyncGenerator<Uint8Array> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, 'r');
  } catch {
    return;
  }
  await using _ = handle;
  for (;;) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SLICE_BYTES), 0, SLICE_BYTES);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
