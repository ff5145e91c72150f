/** How far a validator's chain was read, kept over restarts: in the table `chain_progress`. */
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { HomeTables, SqlRow } from '../guard/home-transaction.ts';

/** Sources of one validator that are remembered; more are read anew after a restart. */
const MAX_SOURCES = 64;

/** Heights read between two writes: each is an entry of the audit log, and a restart reads what came since again. */
const WRITE_INTERVAL = 1_000n;

/** How far one source was read. 0: not at all. */
export interface SourceProgress {
  /** The updates of every block up to here were handled. */
  readonly resultsRead: bigint;
  /** Commits up to here were looked at. */
  readonly commitsChecked: bigint;
  readonly tip: bigint;
}

const NO_PROGRESS: SourceProgress = { resultsRead: 0n, commitsChecked: 0n, tip: 0n };

/**
 * One validator's progress. In memory at once; on the disk now and then, and with {@link flush}. It
 * is never ahead of what was handled: what is read twice does no harm, what is skipped would.
 */
export class ChainProgress {
  readonly #tables: HomeTables;
  readonly #validator: string;
  readonly #bySource = new Map<string, SourceProgress>();
  #writtenAt = 0n;
  #isChanged = false;

  private constructor(tables: HomeTables, validator: string) {
    this.#tables = tables;
    this.#validator = validator;
  }

  /** Reads what an earlier process has left. */
  static open(tables: HomeTables, validator: string): ChainProgress {
    const progress = new ChainProgress(tables, validator);
    const rows = tables.read(
      `SELECT source, results_read, commits_checked, tip FROM chain_progress
       JOIN validators ON validators.id = chain_progress.validator_id WHERE validators.name = ?`,
      [validator],
      MAX_SOURCES,
    );
    for (const row of rows) progress.#bySource.set(String(row['source']), progressOf(row));
    progress.#writtenAt = progress.newest.resultsRead;
    return progress;
  }

  of(source: string): SourceProgress {
    return this.#bySource.get(source) ?? NO_PROGRESS;
  }

  /** The farthest of all sources. */
  get newest(): SourceProgress {
    return [...this.#bySource.values()].reduce(farthest, NO_PROGRESS);
  }

  /** Never goes down. */
  note(source: string, reached: Partial<SourceProgress>): void {
    const before = this.of(source);
    this.#bySource.set(source, farthest(before, { ...NO_PROGRESS, ...reached }));
    this.#isChanged = true;
    const { resultsRead, commitsChecked } = this.newest;
    const newest = resultsRead > commitsChecked ? resultsRead : commitsChecked;
    if (newest - this.#writtenAt >= WRITE_INTERVAL) this.flush();
  }

  /** Writes it. A store that is broken keeps it for the next time: reading again does no harm. */
  flush(): void {
    if (!this.#isChanged) return;
    try {
      this.#write();
    } catch (error) {
      if (!(error instanceof CodedError) || error instanceof InvariantError) throw error;
    }
  }

  #write(): void {
    const validator = this.#validator;
    const { resultsRead, commitsChecked, tip } = this.newest;
    const details = {
      results: String(resultsRead),
      commits: String(commitsChecked),
      tip: String(tip),
    };
    this.#writtenAt = resultsRead > commitsChecked ? resultsRead : commitsChecked;
    const body = { act: 'chain.read', by: 'chain', outcome: 'done', details };
    this.#tables.commit({
      writes: [...this.#bySource].slice(0, MAX_SOURCES).map(([source, reached]) => ({
        sql: `INSERT INTO chain_progress (validator_id, source, results_read, commits_checked, tip)
              SELECT id, ?, ?, ?, ? FROM validators WHERE name = ?
              ON CONFLICT (validator_id, source) DO UPDATE SET results_read = excluded.results_read,
                commits_checked = excluded.commits_checked, tip = excluded.tip`,
        values: [source, reached.resultsRead, reached.commitsChecked, reached.tip, validator],
      })),
      entries: [{ kind: 'act', validator, body: JSON.stringify(body) }],
    });
    this.#isChanged = false;
  }
}

function progressOf(row: SqlRow): SourceProgress {
  return {
    resultsRead: BigInt(row['results_read'] as bigint),
    commitsChecked: BigInt(row['commits_checked'] as bigint),
    tip: BigInt(row['tip'] as bigint),
  };
}

function farthest(a: SourceProgress, b: SourceProgress): SourceProgress {
  return {
    resultsRead: max(a.resultsRead, b.resultsRead),
    commitsChecked: max(a.commitsChecked, b.commitsChecked),
    tip: max(a.tip, b.tip),
  };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
