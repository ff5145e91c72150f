/** The floor in a home's `floor.db` and `floor.mark`: the store of a signer that stands alone. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { assertStorable } from './assert-storable.ts';
import { decideBatch } from './decide-batch.ts';
import { FLOOR_DB } from './floor-connection.ts';
import { FloorDatabase, type FloorWrite, type RaisedRow } from './floor-database.ts';
import { FLOOR_MARK, FloorFiles } from './floor-files.ts';
import {
  type FloorChange,
  type FloorJournal,
  type JournalOpening,
  type JournalRow,
  type JournalTail,
  NO_JOURNAL,
} from './floor-journal.ts';
import { FloorMark, newHomeId, syncDirectory } from './floor-mark.ts';
import type { FloorRow } from './floor-row.ts';
import type { HomeTables, HomeTransaction, SqlRow, SqlValue } from './home-transaction.ts';
import { formatPosition, type Hrs, MAX_ROUND } from './hrs.ts';
import { mergeFloors } from './merge-floors.ts';
import { RaisedFloors } from './raised-floors.ts';
import { refuseFrozen } from './refuse-by-control.ts';
import {
  DuplicateValidatorError,
  FloorExistsError,
  SignStateUnavailableError,
  UnknownValidatorError,
} from './sign-state-errors.ts';
import type {
  Decision,
  Floor,
  Reservation,
  SignStateStore,
  ValidatorRecord,
} from './sign-state-store.ts';
import type { ValidatorControl } from './validator-control.ts';

/** Least time between two attempts to prove a broken store: each may cost the disk a second. */
const REOPEN_INTERVAL_MS = 500;

/**
 * Share of the log's room from which on an idle moment is used to copy it. Late, for a node that
 * asks at once again takes no pause that could be seen coming: one request in some thousands waits.
 */
const CHECKPOINT_SHARE = 0.75;

/** Share from which on the copying does not wait for an idle moment: the log is not to outgrow its room. */
const MAX_SHARE = 0.875;

/** Who brings a floor, unless it is said. */
const LOCAL = 'local';

/** Collaborators of {@link SqliteSignStateStore}. */
export interface SqliteSignStateStoreDeps {
  /** Share of the log's room from which on {@link SqliteSignStateStore.maintain} copies it. @default 0.75 */
  readonly checkpointShare?: number | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The newest block of a validator's chain that is known, for S33. @default nothing is known */
  readonly tipOf?: ((validator: string) => bigint | undefined) | undefined;
  /** Which key signs at which height (S38). @default the validator's first key at every height */
  readonly keyAt?: ((validator: string, height: bigint) => Uint8Array) | undefined;
  /** What is written beside the floors, in their transactions. @default nothing: then {@link SqliteSignStateStore.commit} throws */
  readonly journal?: FloorJournal | undefined;
  /** Freezes and ceilings, as they are durable now. @default none */
  readonly controlOf?: ((validator: string) => ValidatorControl) | undefined;
}

/** Where the store is. */
export interface SqliteSignStateStoreOptions {
  /** The home: a folder. */
  readonly directory: string;
}

/**
 * A {@link SignStateStore} on SQLite, synchronous on purpose: check and record happen in one turn
 * of the event loop and one transaction, so that no interleaving is possible.
 *
 * Rows are kept in memory too. A row enters memory only after its commit has returned and its
 * generation was marked (S9, S11), so what memory answers is durable: a repeat costs no write.
 *
 * After a failed commit the store is broken and refuses everything. A later call, at most one in
 * {@link REOPEN_INTERVAL_MS}, opens both files anew, checks and rewrites every row, and only if
 * that succeeds is anything decided again. No loop of its own.
 */
export class SqliteSignStateStore implements SignStateStore, HomeTables {
  readonly #deps: SqliteSignStateStoreDeps;
  readonly #directory: string;
  #files: FloorFiles | undefined;
  #rows = new Map<string, FloorRow>();
  #generation = 0n;
  /** The newest entry of the journal. */
  #tail: JournalTail = NO_JOURNAL;
  #epoch = -1;
  /** Validators whose signature is in memory and not yet in the database. */
  readonly #unsaved = new Set<string>();
  readonly #raises = new RaisedFloors();
  #fault: unknown;
  #provableAtMs = 0;

  private constructor(deps: SqliteSignStateStoreDeps, directory: string) {
    this.#deps = deps;
    this.#directory = directory;
  }

  /**
   * Makes an empty store in a home that has none, and opens it.
   *
   * @throws {FloorExistsError} ERR_FLOOR_EXISTS when there is one: a floor is never overwritten (S4).
   * @throws {FloorUnwritableError} ERR_FLOOR_UNWRITABLE
   */
  static create(
    deps: SqliteSignStateStoreDeps,
    { directory }: SqliteSignStateStoreOptions,
  ): SqliteSignStateStore {
    if (statSync(join(directory, FLOOR_DB), { throwIfNoEntry: false }) !== undefined) {
      throw new FloorExistsError(directory);
    }
    const homeId = newHomeId();
    FloorMark.create(join(directory, FLOOR_MARK), { homeId, generation: 0n });
    FloorDatabase.create(directory, homeId);
    syncDirectory(directory);
    return SqliteSignStateStore.open(deps, { directory });
  }

  /**
   * Opens a home's store, checked and proven.
   *
   * @throws {FloorMissingError} ERR_FLOOR_MISSING
   * @throws {FloorDamagedError} ERR_FLOOR_DAMAGED
   * @throws {FloorChecksumError} ERR_FLOOR_CHECKSUM
   * @throws {FloorRolledBackError} ERR_FLOOR_ROLLED_BACK (S11)
   * @throws {FloorMarkMissingError} ERR_FLOOR_MARK_MISSING (S11)
   * @throws {FloorMarkDamagedError} ERR_FLOOR_MARK_DAMAGED
   * @throws {ForeignFloorError} ERR_FLOOR_FOREIGN
   * @throws {FloorSchemaNewerError} ERR_FLOOR_SCHEMA_NEWER
   * @throws {FloorLockedError} ERR_FLOOR_LOCKED
   * @throws {FloorUnwritableError} ERR_FLOOR_UNWRITABLE
   */
  static open(
    deps: SqliteSignStateStoreDeps,
    { directory }: SqliteSignStateStoreOptions,
  ): SqliteSignStateStore {
    const store = new SqliteSignStateStore(deps, directory);
    store.#open();
    return store;
  }

  /**
   * Opens a store whose mark is missing, damaged or ahead, with every floor raised to the last
   * position of `floorHeight`, and makes a new mark: what an operator does after a restored backup.
   *
   * @throws as {@link SqliteSignStateStore.open}, but for the three of the mark; and what
   *   `floorHeight` throws, with nothing changed.
   */
  static recover(
    deps: SqliteSignStateStoreDeps,
    options: SqliteSignStateStoreOptions & {
      /** For all, or for each. */
      readonly floorHeight: bigint | ((record: ValidatorRecord, floor: Floor) => bigint);
    },
  ): SqliteSignStateStore {
    const { directory, floorHeight } = options;
    const raised = ({ record, floor }: FloorRow): Floor => {
      const height = typeof floorHeight === 'bigint' ? floorHeight : floorHeight(record, floor);
      const wanted: Floor = { height, round: MAX_ROUND, step: 'precommit' };
      assertStorable(wanted);
      return mergeFloors(floor, wanted);
    };
    const { journal } = deps;
    const compose =
      journal &&
      ((opening: JournalOpening, rows: readonly RaisedRow[]): readonly JournalRow[] => {
        journal.opened(opening);
        return journal.composeDrafts(rows.map((row) => journal.draftOfFloor(recovered(row))));
      });
    try {
      const database = FloorDatabase.open(directory, undefined, { floorOf: raised, compose });
      try {
        const { homeId, generation } = database;
        FloorMark.create(join(directory, FLOOR_MARK), { homeId, generation });
      } finally {
        database.close();
      }
    } finally {
      // What became of it is read at the opening below.
      journal?.failed();
    }
    return SqliteSignStateStore.open(deps, { directory });
  }

  reserve(
    reservations: readonly Reservation[],
    onDecided?: (decisions: readonly Decision[]) => void,
  ): readonly Decision[] {
    this.#proven();
    const { decisions, moved, moves } = decideBatch(reservations, (validator) => {
      const { floor, record } = this.#row(validator);
      const { tipOf, keyAt, controlOf } = this.#deps;
      return {
        floor,
        publicKey: record.publicKey,
        keyAt: keyAt && ((height) => keyAt(validator, height)),
        control: controlOf?.(validator),
        tip: tipOf?.(validator),
      };
    });
    if (moved.size > 0) {
      onDecided?.(decisions);
      this.#write(moved, (journal) =>
        journal.compose(
          reservations.flatMap((reservation, index) => {
            const decision = decisions[index];
            const isMove = moves[index] === true && decision?.kind === 'sign';
            return isMove ? [{ reservation, decision }] : [];
          }),
        ),
      );
    }
    return decisions;
  }

  recordSignature(validator: string, signBytes: Uint8Array, signature: Uint8Array): boolean {
    const row = this.#rows.get(validator);
    const stored = row?.floor.signBytes;
    if (row === undefined || stored === undefined || !equalBytes(stored, signBytes)) return false;
    this.#rows.set(validator, { ...row, floor: { ...row.floor, signature: signature.slice() } });
    this.#unsaved.add(validator);
    return true;
  }

  validators(): readonly ValidatorRecord[] {
    return [...this.#rows.values()].map((row) => row.record);
  }

  validator(name: string): ValidatorRecord {
    return this.#row(name).record;
  }

  floor(validator: string): Floor {
    return copyFloor(this.#row(validator).floor);
  }

  addValidator(record: ValidatorRecord, floor: Floor, by: string = LOCAL): void {
    assertStorable(floor, record);
    const { database } = this.#proven();
    for (const row of this.#rows.values()) {
      if (row.record.name === record.name) throw new DuplicateValidatorError(record.name, 'name');
      if (
        row.record.chainId === record.chainId &&
        equalBytes(row.record.publicKey, record.publicKey)
      ) {
        throw new DuplicateValidatorError(row.record.name, 'key');
      }
    }
    const holder = database.holdsKey(record.chainId, record.publicKey);
    if (holder !== undefined) throw new DuplicateValidatorError(holder, 'key');
    const own = { ...record, publicKey: record.publicKey.slice() };
    this.#committing(
      (journal) => {
        const change = { validator: record.name, by, before: undefined, after: floor };
        return journal.composeDrafts([journal.draftOfFloor(change)]);
      },
      ({ generation, tail, journal }) => [
        database.insert(own, copyFloor(floor), { generation, tail, newestTimeMs: 0 }, journal),
      ],
    );
    this.#deps.logger.info(
      { validator: record.name, floor: formatPosition(floor) },
      'validator added',
    );
  }

  raiseFloor(validator: string, floor: Floor, by: string = LOCAL): Floor {
    assertStorable(floor);
    this.#proven();
    const current = this.#row(validator).floor;
    const merged = mergeFloors(current, floor);
    // Before the commit: should it fail, nothing that was in the making is released either.
    this.#raises.note(validator, current, floor);
    if (merged !== current) {
      this.#write(
        new Map([[validator, copyFloor(merged)]]),
        (journal) => {
          const change = { validator, by, before: current, after: merged };
          return journal.composeDrafts([journal.draftOfFloor(change)]);
        },
        { isAdopted: true },
      );
      this.#deps.logger.info({ validator, floor: formatPosition(merged) }, 'floor raised');
    }
    return copyFloor(merged);
  }

  releaseRefusal(validator: string, at: Hrs): Refusal | undefined {
    const freeze = this.#deps.controlOf?.(validator).freeze;
    if (freeze !== undefined) return refuseFrozen(validator, freeze);
    return this.#raises.refusalOf(validator, at);
  }

  commit({ floors = new Map(), writes, entries }: HomeTransaction): void {
    this.#proven();
    if (this.#deps.journal === undefined) throw new InvariantError('a store without a journal');
    const merged = new Map<string, Floor>();
    for (const [validator, floor] of floors) {
      assertStorable(floor);
      const current = this.#row(validator).floor;
      const next = mergeFloors(current, floor);
      if (next !== current) merged.set(validator, copyFloor(next));
      this.#raises.note(validator, current, floor);
    }
    const extra = { writes, isAdopted: true, isOfHome: true };
    this.#write(merged, (journal) => journal.composeDrafts(entries), extra);
  }

  read(sql: string, values: readonly SqlValue[], limit: number): readonly SqlRow[] {
    const { database } = this.#proven();
    return this.#trying(() => database.read(sql, values, limit));
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Takes entries that a segment has out of the table; at most `limit`. @returns how many. */
  forgetEntries(limit: number): number {
    const files = this.#proven();
    const count = this.#trying(() => files.database.forgetEntries(limit));
    if (logShare(files) > MAX_SHARE) this.#trying(() => files.database.checkpoint());
    return count;
  }

  /** Why nothing is decided; `undefined` when the store is proven. For health and status. */
  get fault(): SignStateUnavailableError | undefined {
    return this.#files === undefined
      ? new SignStateUnavailableError({ cause: this.#fault })
      : undefined;
  }

  /** Makes the signatures kept so far durable, and what the journal has waiting. @throws {SignStateUnavailableError} ERR_SIGN_STATE_UNAVAILABLE */
  flush(): void {
    this.#proven();
    if (this.#unsaved.size === 0 && this.#deps.journal?.hasWaiting !== true) return;
    const floors = new Map([...this.#unsaved].map((name) => [name, this.#row(name).floor]));
    this.#write(floors, (journal) => journal.composeDrafts([]), { isOfHome: floors.size === 0 });
  }

  /** Copies the write-ahead log once it is half full, and saves signatures on the way. */
  maintain(): void {
    if (
      this.#files === undefined ||
      logShare(this.#files) < (this.#deps.checkpointShare ?? CHECKPOINT_SHARE)
    )
      return;
    try {
      this.flush();
      const { database } = this.#proven();
      this.#trying(() => database.checkpoint());
    } catch {
      // #break has logged it, and the next call of anybody is told.
    }
  }

  /** Saves the signatures and closes both files. Other calls are refused from then on. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#files !== undefined) {
      try {
        this.flush();
      } catch {
        // #break has logged it; what is lost are signatures that can be made again (S6).
      }
    }
    this.#files?.[Symbol.dispose]();
    this.#files = undefined;
    this.#fault = 'the store was closed';
    this.#provableAtMs = Number.POSITIVE_INFINITY;
  }

  #row(validator: string): FloorRow {
    const row = this.#rows.get(validator);
    if (row === undefined) throw new UnknownValidatorError(validator);
    return row;
  }

  #write(
    floors: ReadonlyMap<string, Floor>,
    compose: (journal: FloorJournal) => readonly JournalRow[],
    extra: WriteExtra = {},
  ): void {
    const files = this.#proven();
    this.#committing(compose, ({ generation, journal, tail }) => {
      const rows = [...floors].map(([name, floor]) => ({
        ...this.#row(name),
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
    if (logShare(files) > MAX_SHARE) this.#trying(() => files.database.checkpoint());
  }

  /** Runs a commit; memory learns of it only after it has returned and was marked (S9, S11). */
  #committing(
    compose: (journal: FloorJournal) => readonly JournalRow[],
    commit: (composed: ComposedCommit) => readonly FloorRow[],
  ): void {
    const { mark } = this.#proven();
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

  #trying<T>(run: () => T): T {
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
  #proven(): FloorFiles {
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
}

/** What goes with floors into their commit. */
interface WriteExtra extends Pick<FloorWrite, 'writes'> {
  /** The floors come from outside (S36). */
  readonly isAdopted?: boolean;
  /** The home's own row is written too: needed where no floor is. */
  readonly isOfHome?: boolean;
}

/** A commit that is about to be. */
interface ComposedCommit {
  readonly generation: bigint;
  readonly journal: readonly JournalRow[];
  /** The newest entry after it. */
  readonly tail: JournalTail;
}

function recovered({ before, after }: RaisedRow): FloorChange {
  const { name } = before.record;
  return { validator: name, by: 'state recover', before: before.floor, after: after.floor };
}

/** How much of the log's room is taken. */
function logShare({ database }: FloorFiles): number {
  return database.framesPending / database.walSpaceFrames;
}

/** Rows are nobody's but the store's: what goes in and out are copies. */
function copyFloor(floor: Floor): Floor {
  return {
    height: floor.height,
    round: floor.round,
    step: floor.step,
    signBytes: floor.signBytes?.slice(),
    signature: floor.signature?.slice(),
    publicKey: floor.publicKey?.slice(),
  };
}
