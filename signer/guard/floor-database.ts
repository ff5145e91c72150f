/** `floor.db`: an SQLite database that was checked, and proven to be writable, before anybody sees it. */
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import Database from 'better-sqlite3';
import type { MarkContent } from './floor-mark.ts';
import {
  type FloorRow,
  floorChecksum,
  floorRowFromStored,
  SELECT_FLOOR_ROWS,
  type StoredFloorRow,
} from './floor-row.ts';
import { createSchema, migrateSchema } from './floor-schema.ts';
import { STEP_NUMBER } from './hrs.ts';
import {
  FloorDamagedError,
  FloorLockedError,
  FloorMissingError,
  FloorRolledBackError,
  FloorUnwritableError,
  ForeignFloorError,
} from './sign-state-errors.ts';
import type { Floor, ValidatorRecord } from './sign-state-store.ts';

/** Name of the database in a home. */
export const FLOOR_DB = 'floor.db';

/**
 * Size of a page in a new database: what a commit writes is the page of its row. Databases made
 * before this was so keep their 4096. A frame of the log never was aligned to the disk's sectors.
 */
const PAGE_BYTES = 1024;

/** Size of the row that is rewritten at each opening, so that the write-ahead log has its full length from then on. */
const WAL_SPACE_BYTES = 1_048_576;

/** Times it is rewritten, each in a transaction of its own: the log then has room for as many rows of that size. */
const WAL_SPACE_FILLS = 2;

/** The longest row of a floor. A page holds at least as many rows as fit into it at this length. */
const MAX_ROW_BYTES = 700;

/**
 * An open, exclusively locked, checked and proven floor database. Synchronous.
 *
 * After any of its methods has thrown, it is good for nothing but {@link close} (S9).
 */
export class FloorDatabase {
  readonly #db: Database.Database;
  readonly #update: Database.Statement;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  readonly homeId: Uint8Array;
  /** Every validator's row as it was read, checked and made durable. */
  readonly rows: readonly FloorRow[];
  /** Number of the newest commit. */
  readonly generation: bigint;
  /** Frames the write-ahead log was given room for: one page and its header each. */
  readonly walSpaceFrames: number;
  /** Rows of floors that share a page at the least. */
  readonly #minRowsPerPage: number;
  /** An upper bound of the pages in the write-ahead log that the database file has not got yet. */
  #framesPending = 0;

  private constructor(db: Database.Database, content: FloorContent) {
    this.#db = db;
    this.homeId = content.homeId;
    this.rows = content.rows;
    this.generation = content.generation;
    const pageBytes = Number(db.pragma('page_size', { simple: true }));
    this.walSpaceFrames = Math.floor((WAL_SPACE_FILLS * WAL_SPACE_BYTES) / pageBytes);
    this.#minRowsPerPage = Math.floor(pageBytes / MAX_ROW_BYTES);
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#update = db.prepare(
      `UPDATE floors SET height = ?, round = ?, step = ?, sign_bytes = ?, signature = ?,
       public_key = ?, generation = ?, checksum = ? WHERE validator_id = ?`,
    );
  }

  /** Makes an empty database in `directory`, mode 0600, and closes it. */
  static create(directory: string, homeId: Uint8Array): void {
    translating(directory, () => {
      const db = connect(directory, { fileMustExist: false });
      try {
        db.transaction(() => {
          createSchema(db);
          db.prepare('INSERT INTO home (id, home_id, generation) VALUES (1, ?, 0)').run(homeId);
          db.prepare('INSERT INTO wal_space (id, filler) VALUES (1, zeroblob(?))').run(
            BigInt(WAL_SPACE_BYTES),
          );
        }).immediate();
        chmodSync(join(directory, FLOOR_DB), 0o600);
      } finally {
        db.close();
      }
    });
  }

  /**
   * Looks by `stat` only: opening and closing the file would drop this process's lock on it (S13).
   *
   * @throws {FloorMissingError} ERR_FLOOR_MISSING
   * @throws {FloorDamagedError} ERR_FLOOR_DAMAGED
   */
  static assertPresent(directory: string): void {
    const found = statSync(join(directory, FLOOR_DB), { throwIfNoEntry: false });
    if (found === undefined) throw new FloorMissingError(directory);
    if (found.size === 0) throw new FloorDamagedError('it is empty');
  }

  /**
   * Opens, checks everything, and makes all of it durable once more by rewriting every row.
   *
   * The rewriting is the probe, and more: rows that an earlier process wrote without getting an
   * answer to its sync are in the machine's cache and perhaps nowhere else. Before the first
   * answer they have to be on the disk (S8, S9).
   *
   * `expected`, the mark: a database of another home, or an older one, is refused (S11). Without
   * it `raise` says where each floor is to stand instead: the commit that gives the database its
   * next generation, and may bring it level with the mark, is the one that raises the floors. What
   * `raise` throws leaves everything as it was.
   *
   * @throws one of the errors of `sign-state-errors.ts`.
   */
  static open(
    directory: string,
    expected: MarkContent | undefined,
    raise: (row: FloorRow) => Floor = (row) => row.floor,
  ): FloorDatabase {
    FloorDatabase.assertPresent(directory);
    return translating(directory, () => {
      const db = connect(directory, { fileMustExist: true });
      try {
        checkIntegrity(db);
        migrateSchema(db);
        const found = readContent(db);
        if (expected !== undefined) checkAgainstMark(found, expected);
        const floorAfter = expected?.generation ?? 0n;
        const generation = 1n + (found.generation > floorAfter ? found.generation : floorAfter);
        const rows = found.rows.map((row) => ({ ...row, floor: raise(row), generation }));
        const opened = new FloorDatabase(db, { ...found, rows, generation });
        opened.#prove();
        return opened;
      } catch (error) {
        db.close();
        throw error;
      }
    });
  }

  /** Writes rows that are there already, in one transaction; durable when it returns. */
  write(rows: readonly FloorRow[]): void {
    const [only, ...others] = rows;
    // One statement is a transaction by itself, with the same sync and two calls less.
    if (only !== undefined && others.length === 0) this.#writeRow(only);
    else {
      this.#begin.run();
      for (const row of rows) this.#writeRow(row);
      this.#commit.run();
    }
    this.#framesPending += Math.min(
      rows.length,
      1 + Math.ceil(this.rows.length / this.#minRowsPerPage),
    );
  }

  /** Adds a validator and its floor; durable when it returns. */
  insert(record: ValidatorRecord, floor: Floor, generation: bigint): FloorRow {
    this.#begin.run();
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO validators (name, chain_id, public_key) VALUES (?, ?, ?)')
      .run(record.name, record.chainId, record.publicKey);
    const row: FloorRow = { id: BigInt(lastInsertRowid), record, floor, generation };
    this.#db
      .prepare(
        `INSERT INTO floors (validator_id, height, round, step, generation, checksum)
         VALUES (?, 0, 0, 0, 0, zeroblob(32))`,
      )
      .run(row.id);
    this.#writeRow(row);
    this.#commit.run();
    // Tables, indexes and perhaps the list of free pages: few, and rarely.
    this.#framesPending += 10;
    return row;
  }

  /** Pages that {@link checkpoint} would have to copy, at the most. */
  get framesPending(): number {
    return this.#framesPending;
  }

  /** Copies the write-ahead log into the database file and syncs it; the log is then used from its start again. */
  checkpoint(): void {
    runCheckpoint(this.#db, 'PASSIVE');
    this.#framesPending = 0;
  }

  /** Closes, whatever state the connection is in. SQLite undoes an open transaction by itself. */
  close(): void {
    this.#db.close();
  }

  #writeRow(row: FloorRow): void {
    const { floor } = row;
    const { changes } = this.#update.run(
      floor.height,
      floor.round,
      STEP_NUMBER[floor.step],
      floor.signBytes ?? null,
      floor.signature ?? null,
      floor.publicKey ?? null,
      row.generation,
      floorChecksum(row, this.homeId),
      row.id,
    );
    if (changes !== 1) throw new InvariantError(`floor row ${row.id} is not there`);
  }

  #prove(): void {
    // A log that is all copied and cut back to nothing: what the next commit writes starts a new
    // one, whose sync cannot depend on frames that an earlier, failed sync has left in the cache.
    runCheckpoint(this.#db, 'TRUNCATE');
    const fill = this.#db.prepare('UPDATE wal_space SET filler = randomblob(?)');
    for (let more = WAL_SPACE_FILLS; more > 1; more--) fill.run(BigInt(WAL_SPACE_BYTES));
    this.#begin.run();
    fill.run(BigInt(WAL_SPACE_BYTES));
    this.#db.prepare('UPDATE home SET generation = ?').run(this.generation);
    for (const row of this.rows) this.#writeRow(row);
    this.#commit.run();
    this.checkpoint();
  }
}

/** What a database says of itself. */
interface FloorContent {
  readonly homeId: Uint8Array;
  readonly rows: readonly FloorRow[];
  readonly generation: bigint;
}

function connect(
  directory: string,
  options: { readonly fileMustExist: boolean },
): Database.Database {
  const db = new Database(join(directory, FLOOR_DB), { ...options, timeout: 0 });
  try {
    db.defaultSafeIntegers(true);
    // In this order (S14): set after WAL, another process could still write.
    db.pragma('locking_mode = EXCLUSIVE');
    // Of a database that is there already nothing but VACUUM changes it.
    db.pragma(`page_size = ${PAGE_BYTES}`);
    const mode = db.pragma('journal_mode = WAL', { simple: true });
    if (mode !== 'wal')
      throw new FloorUnwritableError(directory, { cause: `journal mode ${mode}` });
    db.pragma('synchronous = FULL');
    // Where a plain sync does not reach the disk (macOS).
    db.pragma('fullfsync = ON');
    db.pragma('checkpoint_fullfsync = ON');
    // Checkpoints are ours to place: an automatic one comes in the middle of an answer, and hides its errors.
    db.pragma('wal_autocheckpoint = 0');
    db.pragma('foreign_keys = ON');
    db.pragma('cell_size_check = ON');
    db.pragma('trusted_schema = OFF');
    if (Number(db.pragma('synchronous', { simple: true })) !== 2) {
      throw new InvariantError('SQLite did not take synchronous = FULL');
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function checkIntegrity(db: Database.Database): void {
  const result = db.pragma('quick_check(1)', { simple: true });
  if (result !== 'ok') throw new FloorDamagedError(String(result));
}

function readContent(db: Database.Database): FloorContent {
  const home = db
    .prepare<[], { home_id: Uint8Array; generation: bigint }>(
      'SELECT home_id, generation FROM home',
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
  const generation = rows.reduce(
    (max, row) => (row.generation > max ? row.generation : max),
    home.generation,
  );
  return { homeId, rows, generation };
}

function checkAgainstMark(found: FloorContent, mark: MarkContent): void {
  if (!equalBytes(found.homeId, mark.homeId)) {
    throw new ForeignFloorError('its home id is not the one in floor.mark');
  }
  if (found.generation < mark.generation) {
    throw new FloorRolledBackError(found.generation, mark.generation);
  }
}

function runCheckpoint(db: Database.Database, mode: 'PASSIVE' | 'TRUNCATE'): void {
  const [result] = db.pragma(`wal_checkpoint(${mode})`) as [
    { readonly busy: bigint; readonly log: bigint; readonly checkpointed: bigint },
  ];
  if (result.busy !== 0n || result.log !== result.checkpointed) {
    throw new InvariantError(
      'a checkpoint was kept from its end, yet nobody else can have the file open',
    );
  }
}

/** Runs `open`, with SQLite's errors as ours. */
function translating<T>(directory: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const code = error instanceof Database.SqliteError ? error.code : '';
    if (/^SQLITE_(BUSY|LOCKED)/.test(code)) throw new FloorLockedError(directory, { cause: error });
    if (/^SQLITE_(READONLY|FULL|IOERR|CANTOPEN|PERM)/.test(code)) {
      throw new FloorUnwritableError(directory, { cause: error });
    }
    const detail = error instanceof Error ? error.message : String(error);
    throw new FloorDamagedError(detail, { cause: error });
  }
}
