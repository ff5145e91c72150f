/** Keeps the audit log within its bounds, and the disk free for the floor. */
import { existsSync } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { JournalRow } from '../guard/floor-journal.ts';
import type { HomeTables } from '../guard/home-transaction.ts';
import { draft } from './audit-journal.ts';
import { type LiveHead, readLiveHead, readSegments, type SegmentJson } from './audit-live.ts';
import { LINE_OVERHEAD_BYTES } from './audit-rows.ts';
import { writeSegment } from './segment-writer.ts';

/** The newest entries stay in the table for the sake of those who look for them, as far as they are a quarter of it. */
const MAX_KEPT_ROWS = 8_192;

/** A segment's entries are there twice for so long: whoever reads the table goes on reading it. */
const FORGET_AFTER_MS = 30_000;

/** Entries that one transaction takes out of the table, and the time between two. */
const FORGET_ROWS = 200;
const FORGET_INTERVAL_MS = 20;

/** Rows that are measured at once, well below 2 ms. */
const MEASURE_ROWS = 1_000;

/** Free disk below which the database must not grow any more, and the free pages it then lives on. */
const SCARCE_BYTES = 67_108_864;
const SCARCE_PAGES = 1_024;

/** What it keeps the log in. Synchronous, as the store is. */
export interface AuditStore extends HomeTables {
  /** Takes entries that a segment has out of the table. @returns how many. */
  forgetEntries(limit: number): number;
  /** Makes durable what waits. */
  flush(): void;
}

/** Collaborators of {@link AuditUpkeep}. */
export interface AuditUpkeepDeps {
  readonly store: AuditStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pause: () => Promise<void>;
  /** Bytes of the disk that are free for us. @default asks the file system */
  readonly freeBytes?: ((folder: string) => Promise<number>) | undefined;
}

/** How large what may become. */
export interface AuditBounds {
  /** Folder of the segments. */
  readonly folder: string;
  /** Live part and segments together. */
  readonly maxBytes: number;
  /** Of the live part, from which on its older entries become a segment. */
  readonly segmentBytes: number;
  /** Of free disk, below which segments are removed before their time. */
  readonly diskReserveBytes: number;
}

/**
 * What has to be done every now and then. No loop of its own; each step is durable by itself, and
 * one that was interrupted is done again. A failure costs space, never an entry.
 */
export class AuditUpkeep {
  readonly #deps: AuditUpkeepDeps;
  readonly #bounds: AuditBounds;
  /** Of the live part, as lines; unknown until it was measured. */
  #liveBytes: number | undefined;
  #rowsSinceMeasuring: JournalRow[] = [];
  #forgetAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: AuditUpkeepDeps, bounds: AuditBounds) {
    this.#deps = deps;
    this.#bounds = {
      ...bounds,
      segmentBytes: Math.min(bounds.segmentBytes, Math.floor(bounds.maxBytes / 4)),
    };
  }

  /** Entries that are durable. */
  added(rows: readonly JournalRow[]): void {
    if (this.#liveBytes !== undefined) this.#liveBytes += bytesOf(rows);
    else this.#rowsSinceMeasuring.push(...rows);
  }

  /** Of the live part, once it was measured. */
  get liveBytes(): number {
    return this.#liveBytes ?? 0;
  }

  /** Does what is due. @throws what the store and the file system throw. */
  async run(options: AbortOptions): Promise<void> {
    const { segmentBytes } = this.#bounds;
    await this.#removeLeftovers();
    const liveBytes = this.#liveBytes ?? (await this.#measure());
    await this.#forget(options);
    if (liveBytes > segmentBytes) await this.#closeOrDrop();
    await this.#removeOldest();
    await this.#makeRoom();
  }

  /** From the table's end, so that what comes meanwhile is not counted twice. */
  async #measure(): Promise<number> {
    const { store, pause } = this.#deps;
    let before = BigInt(readLiveHead(store).tail.seq) + 1n;
    const first = BigInt(readLiveHead(store).first);
    this.#rowsSinceMeasuring = [];
    let bytes = 0;
    while (before > first) {
      const from = before - BigInt(MEASURE_ROWS);
      const [row] = store.read(
        `SELECT count(*) AS n, coalesce(sum(length(body)), 0) AS bytes FROM audit
         WHERE seq >= ? AND seq < ?`,
        [from > first ? from : first, before],
        1,
      );
      bytes += Number(row?.['bytes']) + Number(row?.['n']) * LINE_OVERHEAD_BYTES;
      before = from;
      await pause();
    }
    this.#liveBytes = bytes + bytesOf(this.#rowsSinceMeasuring);
    this.#rowsSinceMeasuring = [];
    return this.#liveBytes;
  }

  /** Takes what a segment has out of the table, a little at a time. */
  async #forget(options: AbortOptions): Promise<void> {
    const { store, clock } = this.#deps;
    if (clock.monotonicMs() < this.#forgetAtMs) return;
    while (hasForgettable(store)) {
      store.forgetEntries(FORGET_ROWS);
      await clock.sleep(FORGET_INTERVAL_MS, options);
    }
  }

  async #closeOrDrop(): Promise<void> {
    try {
      await this.#close();
    } catch (error) {
      // Without a file for them the oldest entries are given up, once the table is twice as large as it should be.
      if (this.liveBytes <= 2 * this.#bounds.segmentBytes) throw error;
      this.#drop(readLiveHead(this.#deps.store));
    }
  }

  /** Makes a segment of the older entries. */
  async #close(): Promise<void> {
    const { store, pause, clock } = this.#deps;
    const { folder } = this.#bounds;
    const head = readLiveHead(store);
    const first = BigInt(head.first);
    const last = lastToClose(head);
    if (last < first || !hasEntry(store, last)) return;
    const range = {
      homeId: bytesFromHex(head.homeId),
      first,
      last,
      previous: bytesFromHex(head.previous),
    };
    const { file, lastHash, sha256, bytes } = await writeSegment(
      { tables: store, pause },
      folder,
      range,
    );
    store.commit({
      writes: [insertSegment([first, last, lastHash, file, sha256, BigInt(bytes), 'closed'])],
      entries: [
        draft('segment', undefined, {
          did: 'closed',
          file,
          first: String(first),
          last: String(last),
          sha256: Buffer.from(sha256).toString('hex'),
        }),
      ],
    });
    this.#forgetAtMs = clock.monotonicMs() + FORGET_AFTER_MS;
    this.#liveBytes = Math.max(0, this.liveBytes - bytes);
  }

  /** Gives up the oldest entries of the table, with an entry that says so. */
  #drop(head: LiveHead): void {
    const { store, logger } = this.#deps;
    const first = BigInt(head.first);
    const last = lastToClose(head);
    const [row] = store.read('SELECT hash FROM audit WHERE seq = ?', [last], 1);
    const hash = row?.['hash'];
    if (last < first || !(hash instanceof Uint8Array)) return;
    const file = `dropped-${first}`;
    const nothing = new Uint8Array(32);
    store.commit({
      writes: [insertSegment([first, last, hash, file, nothing, 0n, 'removed'])],
      entries: [removedDraft({ file, first: String(first), last: String(last), sha256: '' })],
    });
    this.#liveBytes = undefined;
    logger.error(
      { alarm: true, first: String(first), last: String(last) },
      'the disk is nearly full: audit entries were given up for the sake of the floor',
    );
  }

  /** Over the bound, or with too little disk left for others. */
  async #removeOldest(): Promise<void> {
    const { maxBytes, diskReserveBytes } = this.#bounds;
    for (;;) {
      const kept = readSegments(this.#deps.store).filter(({ state }) => state !== 'removed');
      const [oldest] = kept;
      if (oldest === undefined) return;
      const bytes = kept.reduce((sum, segment) => sum + segment.bytes, this.liveBytes);
      const isScarce = (await this.#free()) < diskReserveBytes;
      if (bytes <= maxBytes && !isScarce) return;
      await this.#remove(oldest, isScarce);
    }
  }

  async #remove({ first, last, file, sha256 }: SegmentJson, isScarce: boolean): Promise<void> {
    const { store, logger } = this.#deps;
    store.commit({
      writes: [
        {
          sql: "UPDATE audit_segments SET state = 'removed' WHERE first_seq = ?",
          values: [BigInt(first)],
        },
      ],
      entries: [removedDraft({ file, first, last, sha256 })],
    });
    await rm(join(this.#bounds.folder, file), { force: true });
    logger.warn(
      { file, first, last },
      isScarce
        ? 'too little disk is left: the oldest segment of the audit log was removed'
        : 'the audit log is as large as it may be: its oldest segment was removed',
    );
  }

  /** What a kill has left behind between the database and the folder. */
  async #removeLeftovers(): Promise<void> {
    for (const { state, file } of readSegments(this.#deps.store)) {
      const path = join(this.#bounds.folder, file);
      if (state === 'removed' && existsSync(path)) await rm(path, { force: true });
    }
  }

  /**
   * On a disk that is nearly full the database lives on pages it has: a floor must never wait for
   * disk that an entry has taken.
   */
  async #makeRoom(): Promise<void> {
    if ((await this.#free()) >= SCARCE_BYTES) return;
    const { store } = this.#deps;
    const [row] = store.read('SELECT freelist_count AS n FROM pragma_freelist_count', [], 1);
    if (Number(row?.['n']) < SCARCE_PAGES && !hasForgettable(store))
      this.#drop(readLiveHead(store));
    this.#forgetAtMs = Number.NEGATIVE_INFINITY;
  }

  async #free(): Promise<number> {
    const { freeBytes = freeOnDisk } = this.#deps;
    return freeBytes(dirname(this.#bounds.folder));
  }
}

async function freeOnDisk(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function lastToClose({ first, tail }: LiveHead): bigint {
  const count = BigInt(tail.seq) - BigInt(first) + 1n;
  const quarter = count / 4n;
  const kept = quarter < MAX_KEPT_ROWS ? quarter : BigInt(MAX_KEPT_ROWS);
  return BigInt(tail.seq) - kept;
}

function hasEntry(store: HomeTables, seq: bigint): boolean {
  return store.read('SELECT seq FROM audit WHERE seq = ?', [seq], 1).length > 0;
}

function hasForgettable(store: HomeTables): boolean {
  return (
    store.read(
      'SELECT seq FROM audit WHERE seq <= (SELECT max(last_seq) FROM audit_segments)',
      [],
      1,
    ).length > 0
  );
}

function insertSegment(values: readonly (bigint | string | Uint8Array)[]): {
  readonly sql: string;
  readonly values: readonly (bigint | string | Uint8Array)[];
} {
  return {
    sql: `INSERT INTO audit_segments (first_seq, last_seq, last_hash, file, file_sha256, bytes, state)
          VALUES (?, ?, ?, ?, ?, ?, ?)`,
    values,
  };
}

function removedDraft(
  segment: Pick<SegmentJson, 'file' | 'first' | 'last' | 'sha256'>,
): ReturnType<typeof draft> {
  return draft('segment', undefined, { did: 'removed', ...segment });
}

function bytesOf(rows: readonly JournalRow[]): number {
  return rows.reduce((sum, { body }) => sum + body.length + LINE_OVERHEAD_BYTES, 0);
}
