/** Closes a segment: its entries become a file, synced and named, before the database forgets one. */
import { createHash, type Hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { syncDirectory } from '../guard/floor-mark.ts';
import type { HomeTables } from '../guard/home-transaction.ts';
import { ENTRY_COLUMNS, lineOfRow, rowFromSql } from './audit-rows.ts';
import type { SegmentEnd, SegmentHead } from './audit-segment.ts';

/** Entries that are read and written at once: well below 2 ms of this thread. */
const SLICE_ROWS = 100;

/** Which entries, and what they hang on. */
export interface SegmentRange {
  readonly homeId: Uint8Array;
  readonly first: bigint;
  readonly last: bigint;
  readonly previous: Uint8Array;
}

/** A segment whose file is there for good. */
export interface WrittenSegment {
  readonly file: string;
  readonly lastHash: Uint8Array;
  readonly sha256: Uint8Array;
  readonly bytes: number;
}

/** Name of the file that begins with this entry. */
export function segmentFile(first: bigint): string {
  return `${String(first).padStart(20, '0')}.jsonl`;
}

/**
 * Writes the file under another name, syncs it, and names it. A file of this name that was there is
 * of an attempt that was interrupted, or of a future that a restored backup has taken back: it is
 * kept beside it.
 *
 * @throws the system's error, and the store's. Nothing but the temporary file is left behind.
 */
export async function writeSegment(
  deps: { readonly tables: Pick<HomeTables, 'read'>; readonly pause: () => Promise<void> },
  folder: string,
  range: SegmentRange,
): Promise<WrittenSegment> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = segmentFile(range.first);
  const temporary = join(folder, `.${file}.new`);
  await rm(temporary, { force: true });
  await using resources = new AsyncDisposableStack();
  const handle = await open(temporary, 'wx', 0o600);
  resources.defer(() => handle.close());
  const writer = new LineWriter(handle);
  const lastHash = await writeLines(deps, writer, range);
  await handle.sync();
  await resources.disposeAsync();
  const path = join(folder, file);
  if (existsSync(path)) await rename(path, `${path}.set-aside`);
  await rename(temporary, path);
  syncDirectory(folder);
  return { file, lastHash, sha256: writer.sha256(), bytes: writer.bytes };
}

async function writeLines(
  { tables, pause }: Parameters<typeof writeSegment>[0],
  writer: LineWriter,
  { homeId, first, last, previous }: SegmentRange,
): Promise<Uint8Array> {
  const head: SegmentHead = {
    format: 'privval audit segment 1',
    homeId: hexFromBytes(homeId),
    first: String(first),
    previous: hexFromBytes(previous),
  };
  await writer.write([JSON.stringify(head)]);
  const heights = new Map<string, [bigint, bigint]>();
  let after = first - 1n;
  let entries = 0;
  let lastHash: Uint8Array = previous;
  while (after < last) {
    const rows = tables
      .read(
        `SELECT ${ENTRY_COLUMNS} FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq`,
        [after, last],
        SLICE_ROWS,
      )
      .map(rowFromSql);
    const newest = rows.at(-1);
    if (newest === undefined) throw new InvariantError(`no entry ${last} in the audit log`);
    for (const { validator, height } of rows) {
      if (validator === null || height === null) continue;
      const [low, high] = heights.get(validator) ?? [height, height];
      heights.set(validator, [height < low ? height : low, height > high ? height : high]);
    }
    entries += rows.length;
    after = newest.seq;
    lastHash = newest.hash;
    await writer.write(rows.map(lineOfRow));
    await pause();
  }
  const end: SegmentEnd = {
    last: String(last),
    hash: hexFromBytes(lastHash),
    entries,
    heights: Object.fromEntries(
      [...heights].map(([name, [low, high]]) => [name, [String(low), String(high)] as const]),
    ),
  };
  await writer.write([JSON.stringify(end)]);
  return lastHash;
}

/** Lines into a file, and into the hash of the whole. */
class LineWriter {
  readonly #handle: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  bytes = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    this.#hash.update(bytes);
    this.bytes += bytes.length;
    await this.#handle.appendFile(bytes);
  }

  sha256(): Uint8Array {
    return new Uint8Array(this.#hash.digest());
  }
}
