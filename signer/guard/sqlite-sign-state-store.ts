/** The floor in a home's `floor.db` and `floor.mark`: the store of a signer that stands alone. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { assertStorable } from './assert-storable.ts';
import { decideBatch } from './decide-batch.ts';
import { FLOOR_DB } from './floor-connection.ts';
import { FloorDatabase, type RaisedRow } from './floor-database.ts';
import { FLOOR_MARK } from './floor-files.ts';
import type { FloorChange, FloorJournal, JournalOpening, JournalRow } from './floor-journal.ts';
import { FloorMark, newHomeId, syncDirectory } from './floor-mark.ts';
import type { FloorRow } from './floor-row.ts';
import type { HomeTables, HomeTransaction, SqlRow, SqlValue } from './home-transaction.ts';
import { formatPosition, type Hrs, MAX_ROUND } from './hrs.ts';
import { mergeFloors } from './merge-floors.ts';
import { ProvenFloors } from './proven-floors.ts';
import { RaisedFloors } from './raised-floors.ts';
import { refuseFrozen } from './refuse-by-control.ts';
import {
  DuplicateValidatorError,
  FloorExistsError,
  type SignStateUnavailableError,
} from './sign-state-errors.ts';
import type {
  Decision,
  Floor,
  Reservation,
  SignStateStore,
  ValidatorRecord,
} from './sign-state-store.ts';
import type { ValidatorControl } from './validator-control.ts';

/**
 * Share of the log's room from which on an idle moment is used to copy it. Late, for a node that
 * asks at once again takes no pause that could be seen coming: one request in some thousands waits.
 */
const CHECKPOINT_SHARE = 0.75;

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
 * What it decides about is {@link ProvenFloors}: rows in memory, so that a repeat costs no write, and
 * never ahead of the disk. While those are broken everything is refused. No loop of its own.
 */
export class SqliteSignStateStore implements SignStateStore, HomeTables {
  readonly #deps: SqliteSignStateStoreDeps;
  readonly #floors: ProvenFloors;
  readonly #raises = new RaisedFloors();

  private constructor(deps: SqliteSignStateStoreDeps, floors: ProvenFloors) {
    this.#deps = deps;
    this.#floors = floors;
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
    return new SqliteSignStateStore(deps, ProvenFloors.open(deps, directory));
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
    this.#floors.proven();
    const { decisions, moved, moves } = decideBatch(reservations, (validator) => {
      const { floor, record } = this.#floors.row(validator);
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
      this.#floors.write(moved, (journal) =>
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
    const row = this.#floors.find(validator);
    const stored = row?.floor.signBytes;
    if (row === undefined || stored === undefined || !equalBytes(stored, signBytes)) return false;
    this.#floors.keepSignature(row, signature.slice());
    return true;
  }

  validators(): readonly ValidatorRecord[] {
    return [...this.#floors.rows()].map((row) => row.record);
  }

  validator(name: string): ValidatorRecord {
    return this.#floors.row(name).record;
  }

  floor(validator: string): Floor {
    return copyFloor(this.#floors.row(validator).floor);
  }

  addValidator(record: ValidatorRecord, floor: Floor, by: string = LOCAL): void {
    assertStorable(floor, record);
    const { database } = this.#floors.proven();
    for (const row of this.#floors.rows()) {
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
    this.#floors.committing(
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
    this.#floors.proven();
    const current = this.#floors.row(validator).floor;
    const merged = mergeFloors(current, floor);
    // Before the commit: should it fail, nothing that was in the making is released either.
    this.#raises.note(validator, current, floor);
    if (merged !== current) {
      this.#floors.write(
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
    this.#floors.proven();
    if (this.#deps.journal === undefined) throw new InvariantError('a store without a journal');
    const merged = new Map<string, Floor>();
    for (const [validator, floor] of floors) {
      assertStorable(floor);
      const current = this.#floors.row(validator).floor;
      const next = mergeFloors(current, floor);
      if (next !== current) merged.set(validator, copyFloor(next));
      this.#raises.note(validator, current, floor);
    }
    const extra = { writes, isAdopted: true, isOfHome: true };
    this.#floors.write(merged, (journal) => journal.composeDrafts(entries), extra);
  }

  read(sql: string, values: readonly SqlValue[], limit: number): readonly SqlRow[] {
    const { database } = this.#floors.proven();
    return this.#floors.trying(() => database.read(sql, values, limit));
  }

  get epoch(): number {
    return this.#floors.epoch;
  }

  /** Takes entries that a segment has out of the table; at most `limit`. @returns how many. */
  forgetEntries(limit: number): number {
    const { database } = this.#floors.proven();
    const count = this.#floors.trying(() => database.forgetEntries(limit));
    this.#floors.checkpoint({ onlyIfFull: true });
    return count;
  }

  /** Why nothing is decided; `undefined` when the store is proven. For health and status. */
  get fault(): SignStateUnavailableError | undefined {
    return this.#floors.fault;
  }

  /** Makes the signatures kept so far durable, and what the journal has waiting. @throws {SignStateUnavailableError} ERR_SIGN_STATE_UNAVAILABLE */
  flush(): void {
    this.#floors.proven();
    const floors = this.#floors.unsaved();
    if (floors.size === 0 && this.#deps.journal?.hasWaiting !== true) return;
    this.#floors.write(floors, (journal) => journal.composeDrafts([]), {
      isOfHome: floors.size === 0,
    });
  }

  /** Copies the write-ahead log once it is half full, and saves signatures on the way. */
  maintain(): void {
    const { checkpointShare = CHECKPOINT_SHARE } = this.#deps;
    if ((this.#floors.logShare ?? 0) < checkpointShare) return;
    try {
      this.flush();
      this.#floors.checkpoint();
    } catch {
      // It was logged, and the next call of anybody is told.
    }
  }

  /** Saves the signatures and closes both files. Other calls are refused from then on. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#floors.fault === undefined) {
      try {
        this.flush();
      } catch {
        // It was logged; what is lost are signatures that can be made again (S6).
      }
    }
    this.#floors.close();
  }
}

function recovered({ before, after }: RaisedRow): FloorChange {
  const { name } = before.record;
  return { validator: name, by: 'state recover', before: before.floor, after: after.floor };
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
