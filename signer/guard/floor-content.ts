/** What a floor database says of itself, read and checked. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Database } from 'better-sqlite3';
import { type JournalOpening, type JournalTail, NO_JOURNAL } from './floor-journal.ts';
import type { MarkContent } from './floor-mark.ts';
import {
  type FloorRow,
  floorChecksum,
  floorRowFromStored,
  SELECT_FLOOR_ROWS,
  type StoredFloorRow,
} from './floor-row.ts';
import { JOURNAL_VERSION } from './floor-schema.ts';
import { FloorDamagedError, FloorRolledBackError, ForeignFloorError } from './sign-state-errors.ts';

/** All rows, and what holds for the home as a whole. */
export interface FloorContent {
  readonly homeId: Uint8Array;
  readonly rows: readonly FloorRow[];
  /** Number of the newest commit. */
  readonly generation: bigint;
  /** The newest entry of the journal, as the floors and the home know it. */
  readonly tail: JournalTail;
  /** What the table of the journal ends with. */
  readonly last: JournalTail;
  readonly newestTimeMs: number;
}

/** @throws {FloorDamagedError} ERR_FLOOR_DAMAGED @throws {FloorChecksumError} ERR_FLOOR_CHECKSUM */
export function readFloorContent(db: Database): FloorContent {
  const home = db
    .prepare<[], StoredHome>(
      'SELECT home_id, generation, audit_seq AS seq, audit_hash AS hash, newest_time_ms FROM home',
    )
    .get();
  if (home === undefined) throw new FloorDamagedError('it has no home id');
  const homeId = new Uint8Array(home.home_id);
  const rows = db
    .prepare<[], StoredFloorRow>(SELECT_FLOOR_ROWS)
    .all()
    .map((stored) => floorRowFromStored(stored, homeId));
  const floors = db.prepare<[], { n: bigint }>('SELECT count(*) AS n FROM floors').get();
  if (floors?.n !== BigInt(rows.length)) throw new FloorDamagedError('a floor has no validator');
  return {
    homeId,
    rows,
    generation: rows.reduce(
      (max, row) => (row.generation > max ? row.generation : max),
      home.generation,
    ),
    tail: rows.reduce((newest, { journal }) => later(newest, journal), copied(home)),
    last: readLast(db),
    newestTimeMs: Number(home.newest_time_ms),
  };
}

/** What the journal is told of it. */
export function journalOpening(content: FloorContent): JournalOpening {
  const { tail, last, homeId, rows, newestTimeMs } = content;
  const floors = new Map(rows.map(({ record, floor }) => [record.name, floor]));
  return { ...tail, last, homeId, floors, newestTimeMs };
}

/**
 * Gives every row of a database from before the journal the checksum it has now, and takes where
 * the floors stand as floors from outside: what was signed up to there no journal tells.
 *
 * @throws {FloorChecksumError} ERR_FLOOR_CHECKSUM: what was wrong before is not made right.
 */
export function rewriteChecksums(db: Database, version: number): void {
  if (version >= JOURNAL_VERSION) return;
  const home = db.prepare<[], { home_id: Uint8Array }>('SELECT home_id FROM home').get();
  if (home === undefined) throw new FloorDamagedError('it has no home id');
  const homeId = new Uint8Array(home.home_id);
  const update = db.prepare('UPDATE floors SET checksum = ? WHERE validator_id = ?');
  for (const stored of db.prepare<[], StoredFloorRow>(SELECT_FLOOR_ROWS).all()) {
    const row = floorRowFromStored(stored, homeId, 1);
    update.run(floorChecksum(row, homeId), row.id);
  }
  db.exec(
    'INSERT INTO controls (validator_id, adopted_floor) SELECT validator_id, height FROM floors',
  );
}

/** @throws {ForeignFloorError} ERR_FLOOR_FOREIGN @throws {FloorRolledBackError} ERR_FLOOR_ROLLED_BACK (S11) */
export function checkAgainstMark(found: FloorContent, mark: MarkContent): void {
  if (!equalBytes(found.homeId, mark.homeId)) {
    throw new ForeignFloorError('its home id is not the one in floor.mark');
  }
  if (found.generation < mark.generation) {
    throw new FloorRolledBackError(found.generation, mark.generation);
  }
}

interface StoredHome extends StoredTail {
  readonly home_id: Uint8Array;
  readonly generation: bigint;
  readonly newest_time_ms: bigint;
}

interface StoredTail {
  readonly seq: bigint;
  readonly hash: Uint8Array;
}

/** Rows that were moved into a file are the end of the journal while nothing came after them. */
function readLast(db: Database): JournalTail {
  const row =
    db.prepare<[], StoredTail>('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get() ??
    db
      .prepare<[], StoredTail>(
        `SELECT last_seq AS seq, last_hash AS hash FROM audit_segments
         WHERE state <> 'writing' ORDER BY last_seq DESC LIMIT 1`,
      )
      .get();
  return row === undefined ? NO_JOURNAL : copied(row);
}

function later(a: JournalTail, b: JournalTail): JournalTail {
  return b.seq > a.seq ? b : a;
}

function copied({ seq, hash }: StoredTail): JournalTail {
  return { seq, hash: new Uint8Array(hash) };
}
