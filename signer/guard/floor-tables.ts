/** Statements on the tables of `floor.db`, prepared once. */
import type Database from 'better-sqlite3';
import type { SqlRow, SqlValue } from './home-transaction.ts';

/** Statements that are kept. Texts are constants of the code; should one not be, memory stays bounded. */
const MAX_STATEMENTS = 256;

/** Runs statements by their text. What it throws is SQLite's. */
export class FloorTables {
  readonly #db: Database.Database;
  readonly #prepared = new Map<string, Database.Statement<SqlValue[]>>();

  constructor(db: Database.Database) {
    this.#db = db;
  }

  /** @returns how many rows were changed. */
  run(sql: string, ...values: readonly SqlValue[]): number {
    return this.#statement(sql).run(...values).changes;
  }

  /** At most `limit` rows, blobs as copies. */
  read(sql: string, values: readonly SqlValue[], limit: number): readonly SqlRow[] {
    const rows: SqlRow[] = [];
    if (limit <= 0) return rows;
    for (const row of this.#statement(sql).iterate(...values)) {
      rows.push(copied(row as SqlRow));
      if (rows.length >= limit) break;
    }
    return rows;
  }

  #statement(sql: string): Database.Statement<SqlValue[]> {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    if (this.#prepared.size >= MAX_STATEMENTS) this.#prepared.clear();
    const made = this.#db.prepare<SqlValue[]>(sql);
    this.#prepared.set(sql, made);
    return made;
  }
}

/** SQLite's buffers are views of memory that it may reuse. */
function copied(row: SqlRow): SqlRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? new Uint8Array(value) : value,
    ]),
  );
}
