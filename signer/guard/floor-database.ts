/** `floor.db`: an SQLite database that was checked, and proven to be writable, before anybody sees it. */
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type Database from 'better-sqlite3';
import { connectFloorDatabase, FLOOR_DB, runCheckpoint, translating } from './floor-connection.ts';
import {
  checkAgainstMark,
  type FloorContent,
  journalOpening,
  readFloorContent,
  rewriteChecksums,
} from './floor-content.ts';
import type { JournalOpening, JournalRow, JournalTail } from './floor-journal.ts';
import type { MarkContent } from './floor-mark.ts';
import { type FloorRow, floorChecksum } from './floor-row.ts';
import { createSchema, MIGRATIONS, migrateSchema } from './floor-schema.ts';
import { FloorTables } from './floor-tables.ts';
import type { SqlRow, SqlValue, TableWrite } from './home-transaction.ts';
import { STEP_NUMBER } from './hrs.ts';
import { JournalPages } from './journal-pages.ts';
import { FloorDamagedError, FloorMissingError } from './sign-state-errors.ts';
import type { Floor, ValidatorRecord } from './sign-state-store.ts';

/** Size of the row that is rewritten at each opening, so that the write-ahead log has its full length from then on. */
const WAL_SPACE_BYTES = 1_048_576;

/** Times it is rewritten, each in a transaction of its own: the log then has room for as many rows of that size. */
const WAL_SPACE_FILLS = 2;

/** The longest row of a floor. A page holds at least as many rows as fit into it at this length. */
const MAX_ROW_BYTES = 700;

/** What one transaction changes. */
export interface FloorWrite {
  /** Of validators that are there already; their `journal` is the newest row's below. */
  readonly rows: readonly FloorRow[];
  readonly journal: readonly JournalRow[];
  /** Beside the floors. @default none */
  readonly writes?: readonly TableWrite[] | undefined;
  /** Rows whose floor came from outside (S36). @default none */
  readonly adopted?: readonly FloorRow[] | undefined;
  /** Where the home as a whole stands, if no row tells: what the newest commit is. */
  readonly home?: HomeStanding | undefined;
}

/** What the home's own row holds. */
export interface HomeStanding {
  readonly generation: bigint;
  readonly tail: JournalTail;
  readonly newestTimeMs: number;
}

/** What to do with the floors while a database is opened. */
export interface RaisedOpening {
  /** Where a floor is to stand instead. What it throws leaves everything as it was. */
  floorOf(row: FloorRow): Floor;
  /** The rows that tell of it. @default none */
  readonly compose?:
    | ((opening: JournalOpening, raised: readonly RaisedRow[]) => readonly JournalRow[])
    | undefined;
}

/** A floor before and after. */
export interface RaisedRow {
  readonly before: FloorRow;
  readonly after: FloorRow;
}

/**
 * An open, exclusively locked, checked and proven floor database. Synchronous.
 *
 * After any of its methods has thrown, it is good for nothing but {@link close} (S9).
 */
export class FloorDatabase {
  readonly #db: Database.Database;
  readonly #update: Database.Statement;
  readonly #insertEntry: Database.Statement;
  readonly #updateHome: Database.Statement;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  readonly #tables: FloorTables;
  readonly homeId: Uint8Array;
  /** Every validator's row as it was read, checked and made durable. */
  readonly rows: readonly FloorRow[];
  /** Number of the newest commit. */
  readonly generation: bigint;
  /** What the journal is told. */
  readonly opening: JournalOpening;
  /** Frames the write-ahead log was given room for: one page and its header each. */
  readonly walSpaceFrames: number;
  /** Rows of floors that share a page at the least. */
  readonly #minRowsPerPage: number;
  readonly #journalPages: JournalPages;
  /** An upper bound of the pages in the write-ahead log that the database file has not got yet. */
  #framesPending = 0;

  private constructor(db: Database.Database, content: FloorContent) {
    this.#db = db;
    this.homeId = content.homeId;
    this.rows = content.rows;
    this.generation = content.generation;
    this.opening = journalOpening(content);
    const pageBytes = Number(db.pragma('page_size', { simple: true }));
    this.walSpaceFrames = Math.floor((WAL_SPACE_FILLS * WAL_SPACE_BYTES) / pageBytes);
    this.#minRowsPerPage = Math.floor(pageBytes / MAX_ROW_BYTES);
    this.#journalPages = new JournalPages(pageBytes);
    this.#tables = new FloorTables(db);
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#update = db.prepare(
      `UPDATE floors SET height = ?, round = ?, step = ?, sign_bytes = ?, signature = ?,
       public_key = ?, generation = ?, checksum = ?, audit_seq = ?, audit_hash = ?
       WHERE validator_id = ?`,
    );
    this.#insertEntry = db.prepare(
      `INSERT INTO audit (seq, time_ms, kind, validator, height, round, step, sign_hash, body, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#updateHome = db.prepare(
      `UPDATE home SET generation = ?, audit_seq = ?, audit_hash = ?,
       newest_time_ms = max(newest_time_ms, ?)`,
    );
  }

  /** Makes an empty database in `directory`, mode 0600, and closes it. */
  static create(directory: string, homeId: Uint8Array): void {
    translating(directory, () => {
      const db = connectFloorDatabase(directory, { fileMustExist: false });
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
   * it `raising` says where each floor is to stand instead: the commit that gives the database its
   * next generation, and may bring it level with the mark, is the one that raises the floors.
   *
   * @throws one of the errors of `sign-state-errors.ts`.
   */
  static open(
    directory: string,
    expected: MarkContent | undefined,
    raising?: RaisedOpening,
  ): FloorDatabase {
    FloorDatabase.assertPresent(directory);
    return translating(directory, () => {
      const db = connectFloorDatabase(directory, { fileMustExist: true });
      try {
        checkIntegrity(db);
        migrateSchema(db, MIGRATIONS, (version) => rewriteChecksums(db, version));
        const found = readFloorContent(db);
        if (expected !== undefined) checkAgainstMark(found, expected);
        const floorAfter = expected?.generation ?? 0n;
        const generation = 1n + (found.generation > floorAfter ? found.generation : floorAfter);
        const raised = found.rows.map((before): RaisedRow => {
          const floor = raising?.floorOf(before) ?? before.floor;
          return { before, after: { ...before, floor, generation } };
        });
        const journal =
          raising?.compose?.(
            journalOpening(found),
            raised.filter(({ before, after }) => before.floor !== after.floor),
          ) ?? [];
        const opened = FloorDatabase.#provenWith(db, { ...found, generation }, raised, journal);
        return opened;
      } catch (error) {
        db.close();
        throw error;
      }
    });
  }

  static #provenWith(
    db: Database.Database,
    content: FloorContent,
    raised: readonly RaisedRow[],
    journal: readonly JournalRow[],
  ): FloorDatabase {
    const tail = journal.at(-1);
    const rows = raised.map(({ after }) =>
      tail === undefined ? after : { ...after, journal: tail },
    );
    const opened = new FloorDatabase(db, {
      ...content,
      rows,
      ...(tail === undefined ? {} : { tail, last: tail }),
    });
    opened.#prove({
      rows,
      journal,
      adopted: raised.flatMap(({ before, after }) => (before.floor === after.floor ? [] : [after])),
    });
    return opened;
  }

  /** Writes in one transaction; durable when it returns. */
  write(change: FloorWrite): void {
    const { rows, journal, writes = [], adopted = [], home } = change;
    const [only, ...others] = rows;
    // Before the sync: right after it everything takes longer.
    this.#framesPending +=
      Math.min(rows.length, 1 + Math.ceil(this.rows.length / this.#minRowsPerPage)) +
      this.#journalPages.changedBy(journal) +
      2 * (writes.length + adopted.length) +
      (home === undefined ? 0 : 1);
    const isOneRow = others.length + journal.length + writes.length + adopted.length === 0;
    // One statement is a transaction by itself, with the same sync and two calls less.
    if (only !== undefined && isOneRow && home === undefined) this.#writeRow(only);
    else {
      this.#begin.run();
      this.#writeAll(change);
      this.#commit.run();
    }
  }

  /** At most `limit` rows of any table, blobs as copies. */
  read(sql: string, values: readonly SqlValue[], limit: number): readonly SqlRow[] {
    return this.#tables.read(sql, values, limit);
  }

  /** Name of the validator that has, or had, this key on this chain (S1). */
  holdsKey(chainId: string, publicKey: Uint8Array): string | undefined {
    const [row] = this.read(
      `SELECT v.name FROM validator_keys k JOIN validators v ON v.id = k.validator_id
       WHERE k.chain_id = ? AND k.public_key = ?`,
      [chainId, publicKey],
      1,
    );
    return row === undefined ? undefined : String(row['name']);
  }

  /**
   * Takes entries out of the journal's table that a segment has: at most `limit`, the oldest first.
   * Durable when it returns. Segments of which nothing is left there are `moved`.
   *
   * @returns how many.
   */
  forgetEntries(limit: number): number {
    this.#begin.run();
    const changes = this.#tables.run(
      `DELETE FROM audit WHERE seq IN (
         SELECT seq FROM audit WHERE seq <= (SELECT max(last_seq) FROM audit_segments)
         ORDER BY seq LIMIT ?)`,
      BigInt(limit),
    );
    if (changes < limit) {
      this.#tables.run("UPDATE audit_segments SET state = 'moved' WHERE state = 'closed'");
    }
    this.#commit.run();
    // Pages that become free are only listed; their parents, the first and the last one change.
    this.#framesPending += 10 + Math.ceil(changes / 32);
    return changes;
  }

  /** Adds a validator, its floor and its key; durable when it returns. */
  insert(
    record: ValidatorRecord,
    floor: Floor,
    { generation, tail }: HomeStanding,
    journal: readonly JournalRow[],
  ): FloorRow {
    this.#begin.run();
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO validators (name, chain_id, public_key) VALUES (?, ?, ?)')
      .run(record.name, record.chainId, record.publicKey);
    const id = BigInt(lastInsertRowid);
    const row: FloorRow = { id, record, floor, generation, journal: journal.at(-1) ?? tail };
    this.#db
      .prepare(
        `INSERT INTO floors (validator_id, height, round, step, generation, checksum)
         VALUES (?, 0, 0, 0, 0, zeroblob(32))`,
      )
      .run(id);
    this.#db
      .prepare(
        `INSERT INTO validator_keys (validator_id, chain_id, public_key, from_height, state, made_at_ms)
         VALUES (?, ?, ?, 0, 'current', ?)`,
      )
      .run(id, record.chainId, record.publicKey, BigInt(journal.at(-1)?.timeMs ?? 0));
    this.#writeAll({ rows: [row], journal, adopted: [row] });
    this.#commit.run();
    // Tables, indexes and perhaps the list of free pages: few, and rarely.
    this.#framesPending += 16 + this.#journalPages.changedBy(journal);
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

  #writeAll({ rows, journal, writes = [], adopted = [], home }: FloorWrite): void {
    for (const entry of journal) this.#writeEntry(entry);
    for (const { sql, values } of writes) this.#tables.run(sql, ...values);
    for (const { id, floor } of adopted) {
      this.#tables.run(
        `INSERT INTO controls (validator_id, adopted_floor) VALUES (?, ?)
         ON CONFLICT (validator_id) DO UPDATE SET
         adopted_floor = max(adopted_floor, excluded.adopted_floor)`,
        id,
        floor.height,
      );
    }
    for (const row of rows) this.#writeRow(row);
    if (home === undefined) return;
    const { generation, tail, newestTimeMs } = home;
    this.#updateHome.run(generation, tail.seq, tail.hash, BigInt(newestTimeMs));
  }

  #writeEntry(entry: JournalRow): void {
    this.#insertEntry.run(
      entry.seq,
      BigInt(entry.timeMs),
      entry.kind,
      entry.validator,
      entry.height,
      entry.round,
      entry.step,
      entry.signHash,
      entry.body,
      entry.hash,
    );
  }

  #writeRow(row: FloorRow): void {
    const { floor, journal } = row;
    const { changes } = this.#update.run(
      floor.height,
      floor.round,
      STEP_NUMBER[floor.step],
      floor.signBytes ?? null,
      floor.signature ?? null,
      floor.publicKey ?? null,
      row.generation,
      floorChecksum(row, this.homeId),
      journal.seq,
      journal.hash,
      row.id,
    );
    if (changes !== 1) throw new InvariantError(`floor row ${row.id} is not there`);
  }

  #prove(content: FloorWrite): void {
    // A log that is all copied and cut back to nothing: what the next commit writes starts a new
    // one, whose sync cannot depend on frames that an earlier, failed sync has left in the cache.
    runCheckpoint(this.#db, 'TRUNCATE');
    const fill = this.#db.prepare('UPDATE wal_space SET filler = randomblob(?)');
    for (let more = WAL_SPACE_FILLS; more > 1; more--) fill.run(BigInt(WAL_SPACE_BYTES));
    this.#begin.run();
    fill.run(BigInt(WAL_SPACE_BYTES));
    const { seq, hash, newestTimeMs } = this.opening;
    const home = { generation: this.generation, tail: { seq, hash }, newestTimeMs };
    this.#writeAll({ ...content, home });
    this.#commit.run();
    this.checkpoint();
  }
}

function checkIntegrity(db: Database.Database): void {
  const result = db.pragma('quick_check(1)', { simple: true });
  if (result !== 'ok') throw new FloorDamagedError(String(result));
}
