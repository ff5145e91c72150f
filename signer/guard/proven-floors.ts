/** The floors of an open home in memory and on the disk, and how they stay the same (S9, S11). */
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { FloorWrite } from './floor-database.ts';
import { FloorFiles } from './floor-files.ts';
import {
  type FloorJournal,
  type JournalRow,
  type JournalTail,
  NO_JOURNAL,
} from './floor-journal.ts';
import type { FloorRow } from './floor-row.ts';
import { SignStateUnavailableError, UnknownValidatorError } from './sign-state-errors.ts';
import type { Floor } from './sign-state-store.ts';

/** Least time between two attempts to prove broken floors: each may cost the disk a second. */
const REOPEN_INTERVAL_MS = 500;

/** Share of the log's room from which on the copying does not wait for an idle moment: the log is not to outgrow it. */
const MAX_SHARE = 0.875;

/** Collaborators of {@link ProvenFloors}. */
export interface ProvenFloorsDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly journal?: FloorJournal | undefined;
}

/** What goes with floors into their commit. */
export interface WriteExtra extends Pick<FloorWrite, 'writes'> {
  /** The floors come from outside (S36). */
  readonly isAdopted?: boolean;
  /** The home's own row is written too: needed where no floor is. */
  readonly isOfHome?: boolean;
}

/** A commit that is about to be. */
export interface ComposedCommit {
  readonly generation: bigint;
  readonly journal: readonly JournalRow[];
  /** The newest entry after it. */
  readonly tail: JournalTail;
}

/**
 * Rows in memory and the files they are durable in. A row enters memory only after its commit has
 * returned and its generation was marked (S9, S11), so what memory answers is durable.
 *
 * After a failed commit they are broken, and everything that needs them is refused. A later call, at
 * most one in {@link REOPEN_INTERVAL_MS}, opens both files anew, checks and rewrites every row, and
 * only if that succeeds does anything go on. No loop of its own.
 */
export class ProvenFloors {
  readonly #deps: ProvenFloorsDeps;
  readonly #directory: string;
  #files: FloorFiles | undefined;
  #rows = new Map<string, FloorRow>();
  #generation = 0n;
  /** The newest entry of the journal. */
  #tail: JournalTail = NO_JOURNAL;
  #epoch = -1;
  /** Validators whose signature is in memory and not yet in the database. */
  readonly #unsaved = new Set<string>();
  #fault: unknown;
  #provableAtMs = 0;

  private constructor(deps: ProvenFloorsDeps, directory: string) {
    this.#deps = deps;
    this.#directory = directory;
  }

  /** @throws what {@link FloorFiles.open} throws. */
  static open(deps: ProvenFloorsDeps, directory: string): ProvenFloors {
    const floors = new ProvenFloors(deps, directory);
    floors.#open();
    return floors;
  }

  /** Every row, proven or not. */
  rows(): IterableIterator<FloorRow> {
    return this.#rows.values();
  }

  find(validator: string): FloorRow | undefined {
    return this.#rows.get(validator);
  }

  /** @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR */
  row(validator: string): FloorRow {
    const row = this.#rows.get(validator);
    if (row === undefined) throw new UnknownValidatorError(validator);
    return row;
  }

  /** A signature for what the row holds: in memory now, on the disk with a later commit. */
  keepSignature(row: FloorRow, signature: Uint8Array): void {
    const { name } = row.record;
    this.#rows.set(name, { ...row, floor: { ...row.floor, signature } });
    this.#unsaved.add(name);
  }

  /** Floors whose signature is not on the disk yet. */
  unsaved(): ReadonlyMap<string, Floor> {
    return new Map([...this.#unsaved].map((name) => [name, this.row(name).floor]));
  }

  /** Grows with each opening after the first. */
  get epoch(): number {
    return this.#epoch;
  }

  /** How much of the log's room is taken; `undefined` while broken. */
  get logShare(): number | undefined {
    return this.#files === undefined ? undefined : logShare(this.#files);
  }

  /** Why nothing is decided; `undefined` when proven. */
  get fault(): SignStateUnavailableError | undefined {
    return this.#files === undefined
      ? new SignStateUnavailableError({ cause: this.#fault })
      : undefined;
  }

  /** Moves floors of validators that are there, with their entries. */
  write(
    floors: ReadonlyMap<string, Floor>,
    compose: (journal: FloorJournal) => readonly JournalRow[],
    extra: WriteExtra = {},
  ): void {
    const files = this.proven();
    this.committing(compose, ({ generation, journal, tail }) => {
      const rows = [...floors].map(([name, floor]) => ({
        ...this.row(name),
        floor,
        generation,
        journal: tail,
      }));
      const newestTimeMs = journal.at(-1)?.timeMs ?? 0;
      const home = extra.isOfHome === true ? { generation, tail, newestTimeMs } : undefined;
      const adopted = extra.isAdopted === true ? rows : undefined;
      files.database.write({ rows, journal, writes: extra.writes, adopted, home });
      return rows;
    });
    if (logShare(files) > MAX_SHARE) this.checkpoint();
  }

  /** Runs a commit; memory learns of it only after it has returned and was marked (S9, S11). */
  committing(
    compose: (journal: FloorJournal) => readonly JournalRow[],
    commit: (composed: ComposedCommit) => readonly FloorRow[],
  ): void {
    const { mark } = this.proven();
    const { journal } = this.#deps;
    const generation = this.#generation + 1n;
    const writeMark = mark.prepare(generation);
    let rows: readonly FloorRow[];
    let tail = this.#tail;
    try {
      const entries = journal === undefined ? [] : compose(journal);
      const newest = entries.at(-1);
      if (newest !== undefined) tail = { seq: newest.seq, hash: newest.hash };
      rows = commit({ generation, journal: entries, tail });
      writeMark();
    } catch (cause) {
      journal?.failed();
      throw this.#break(cause);
    }
    this.#generation = generation;
    this.#tail = tail;
    for (const row of rows) {
      this.#rows.set(row.record.name, row);
      this.#unsaved.delete(row.record.name);
    }
    journal?.committed();
  }

  /** Runs what needs the database; a failure breaks it. */
  trying<T>(run: () => T): T {
    try {
      return run();
    } catch (cause) {
      throw this.#break(cause);
    }
  }

  #break(cause: unknown): SignStateUnavailableError {
    this.#deps.logger.error(
      { code: errorCode(cause), err: cause },
      'the floor could not be made durable: nothing is signed until it is proven again',
    );
    this.#fault = cause;
    this.#provableAtMs = this.#deps.clock.monotonicMs() + REOPEN_INTERVAL_MS;
    const files = this.#files;
    this.#files = undefined;
    try {
      files?.[Symbol.dispose]();
    } catch (err) {
      this.#deps.logger.error(
        { code: errorCode(err), err },
        'a broken floor did not close cleanly',
      );
    }
    return new SignStateUnavailableError({ cause });
  }

  /** The open files; a broken store is opened and proven first, if it was given time since (S9). */
  proven(): FloorFiles {
    if (this.#files !== undefined) return this.#files;
    const { clock, logger } = this.#deps;
    if (clock.monotonicMs() < this.#provableAtMs)
      throw new SignStateUnavailableError({ cause: this.#fault });
    try {
      const files = this.#open();
      logger.warn({ generation: this.#generation }, 'the floor was reopened and proven');
      return files;
    } catch (cause) {
      throw this.#break(cause);
    }
  }

  #open(): FloorFiles {
    const files = FloorFiles.open(this.#directory, this.#generation);
    this.#files = files;
    this.#generation = files.database.generation;
    this.#rows = new Map(files.database.rows.map((row) => [row.record.name, row]));
    this.#unsaved.clear();
    const { opening } = files.database;
    this.#tail = { seq: opening.seq, hash: opening.hash };
    this.#epoch++;
    this.#deps.journal?.opened(opening);
    return files;
  }

  /** Copies the write-ahead log. @throws {SignStateUnavailableError} ERR_SIGN_STATE_UNAVAILABLE */
  checkpoint(options: { readonly onlyIfFull?: boolean } = {}): void {
    const files = this.proven();
    if (options.onlyIfFull === true && logShare(files) <= MAX_SHARE) return;
    this.trying(() => files.database.checkpoint());
  }

  /** Closes both files. Everything is refused from then on. */
  close(): void {
    this.#files?.[Symbol.dispose]();
    this.#files = undefined;
    this.#fault = 'the store was closed';
    this.#provableAtMs = Number.POSITIVE_INFINITY;
  }
}

/** How much of the log's room is taken. */
function logShare({ database }: FloorFiles): number {
  return database.framesPending / database.walSpaceFrames;
}
