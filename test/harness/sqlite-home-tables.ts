/** The tables beside the floors in memory, without a store around them: the real schema, the real SQL. */

import { MIGRATIONS } from '@privval/signer/guard/floor-schema';
import type {
  HomeTables,
  HomeTransaction,
  JournalDraft,
  SqlRow,
  SqlValue,
} from '@privval/signer/guard/home-transaction';
import { OPERATIONS_SCHEMA } from '@privval/signer/guard/operations-schema';
import { SignStateUnavailableError } from '@privval/signer/guard/sign-state-errors';
import type { ValidatorRecord } from '@privval/signer/guard/sign-state-store';
import Database from 'better-sqlite3';

/**
 * Keeps what was committed, and the entries in their order. A commit that {@link failing} counts down
 * to fails as on a full disk: nothing of it is there, and the epoch has grown.
 */
export class SqliteHomeTables implements HomeTables, Disposable {
  readonly db: Database.Database = new Database(':memory:');
  readonly entries: JournalDraft[] = [];
  /** Commits until one fails; below 0 none does. */
  failing = -1;
  epoch = 0;

  constructor(validators: readonly ValidatorRecord[]) {
    this.db.defaultSafeIntegers(true);
    const steps = MIGRATIONS.filter((step) => step !== OPERATIONS_SCHEMA);
    for (const step of steps) this.db.exec(step);
    const insert = this.db.prepare(
      'INSERT INTO validators (name, chain_id, public_key) VALUES (?, ?, ?)',
    );
    for (const { name, chainId, publicKey } of validators) insert.run(name, chainId, publicKey);
    this.db.exec(OPERATIONS_SCHEMA);
  }

  commit({ writes = [], entries }: HomeTransaction): void {
    this.failing -= 1;
    if (this.failing === -1) {
      this.epoch += 1;
      throw new SignStateUnavailableError({ cause: 'the disk is full' });
    }
    this.db.transaction(() => {
      for (const { sql, values } of writes) this.db.prepare(sql).run(...values);
    })();
    this.entries.push(...entries);
  }

  read(sql: string, values: readonly SqlValue[], limit: number): readonly SqlRow[] {
    const rows: SqlRow[] = [];
    for (const row of this.db.prepare<SqlValue[], SqlRow>(sql).iterate(...values)) {
      if (rows.length === limit) break;
      rows.push(row);
    }
    return rows;
  }

  [Symbol.dispose](): void {
    this.db.close();
  }
}
