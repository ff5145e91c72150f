/** Rotations and the keys by height as they are on the disk: read by the store before each decision. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { HomeTables, JournalDraft, SqlRow, TableWrite } from '../guard/home-transaction.ts';
import { DuplicateValidatorError, UnknownValidatorError } from '../guard/sign-state-errors.ts';
import type { KeySchedule } from '../keyring/key-schedule.ts';
import { isOpen, type Rotation } from './rotation.ts';
import { RotationDamagedError, RotationOpenError } from './rotation-errors.ts';
import { rotationOfRow, rotationValues, SELECT_ROTATIONS, WRITE_ROTATION } from './rotation-row.ts';
import type { NewRotation, RotationStore } from './rotation-store.ts';
import { scheduleOfKeys, type ValidatorKey, validatorKeys } from './validator-keys.ts';

/** Rows read at once. */
const PAGE = 200;

/** Collaborators of a {@link SqliteRotationStore}. */
export interface SqliteRotationStoreDeps {
  /** Height of a validator's floor, asked in the same turn in which the schedule changes. */
  readonly floorHeight: (validator: string) => bigint;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
}

/** One validator in memory. */
interface Keys {
  readonly chainId: string;
  readonly rotations: readonly Rotation[];
  readonly keys: readonly ValidatorKey[];
  readonly schedule: KeySchedule;
  readonly knownKeys: readonly Uint8Array[];
  readonly firstKey: Uint8Array;
}

/**
 * A {@link RotationStore} on the tables of a home.
 *
 * Memory follows the disk (S9): it changes after a transaction is durable, and after a store was
 * reopened everything is read anew, for a commit that failed may be on the disk all the same. The
 * floor's store asks in its transaction, so this one is made before it and given it by {@link load}.
 */
export class SqliteRotationStore implements RotationStore {
  readonly #deps: SqliteRotationStoreDeps;
  #tables: HomeTables | undefined;
  #epoch = -1;
  #homeId: Uint8Array = new Uint8Array(0);
  #validators = new Map<string, Keys>();
  #nextId = 1n;
  readonly #committed = new Map<string, Map<string, bigint>>();
  readonly #unsaved = new Map<string, Set<string>>();

  constructor(deps: SqliteRotationStoreDeps) {
    this.#deps = deps;
  }

  /**
   * Reads the tables. To be called once, before anything is decided.
   *
   * @throws {RotationDamagedError} ERR_ROTATION_DAMAGED
   */
  load(tables: HomeTables): void {
    this.#tables = tables;
    this.#read(tables);
    for (const { name, node, committed } of pages(tables, SELECT_PROGRESS, 'row')) {
      if (typeof committed === 'bigint') this.#raise(String(name), String(node), committed);
    }
  }

  scheduleOf(validator: string): KeySchedule {
    return this.#of(validator).schedule;
  }

  knownKeysOf(validator: string): readonly Uint8Array[] {
    return this.#of(validator).knownKeys;
  }

  armedAt(validator: string): bigint | undefined {
    const armed = this.#of(validator).rotations.find(({ state }) => state === 'armed');
    const at = armed?.activationHeight;
    return at === undefined || this.#deps.floorHeight(validator) >= at ? undefined : at;
  }

  passedAt(validator: string): bigint | undefined {
    const heights = this.#of(validator).rotations.flatMap(({ isPassed, activationHeight }) =>
      isPassed && activationHeight !== undefined ? activationHeight - 1n : [],
    );
    return heights.reduce<bigint | undefined>(
      (max, height) => (max === undefined || height > max ? height : max),
      undefined,
    );
  }

  keysOf(validator: string): readonly ValidatorKey[] {
    return this.#of(validator).keys;
  }

  newest(validator: string): Rotation | undefined {
    return this.#of(validator).rotations.at(-1);
  }

  living(validator: string): readonly Rotation[] {
    return this.#of(validator).rotations.filter(({ state }) => state !== 'finished');
  }

  rotations(validator: string): readonly Rotation[] {
    return this.#of(validator).rotations;
  }

  lastActivation(rotation: Rotation): bigint {
    return this.scheduleOf(rotation.validator)
      .filter(({ publicKey }) => !equalBytes(publicKey, rotation.newKey))
      .reduce((max, { fromHeight }) => (fromHeight > max ? fromHeight : max), 0n);
  }

  begin({ validator, newKey }: NewRotation, entry: JournalDraft): Rotation {
    const of = this.#of(validator);
    const open = of.rotations.find(({ state }) => isOpen(state));
    if (open !== undefined) throw new RotationOpenError(validator, open.state);
    for (const [name, { knownKeys }] of this.#validators) {
      if (knownKeys.some((known) => equalBytes(known, newKey))) {
        throw new DuplicateValidatorError(name, 'key');
      }
    }
    const newest = of.schedule.at(-1) ?? of.schedule[0];
    const rotation: Rotation = {
      id: this.#nextId,
      validator,
      state: 'generated',
      oldKey: newest.publicKey,
      newKey: newKey.slice(),
      newKeyIn: undefined,
      oldKeyOut: undefined,
      activationHeight: undefined,
      armedBy: undefined,
      isPassed: false,
      proof: undefined,
      contradiction: undefined,
      seenAt: [],
      missedAt: [],
      retiresAfter: undefined,
      powers: [],
      strangerAt: undefined,
      isRemovalPrinted: false,
      entered: { generated: this.#deps.now() },
    };
    this.#write(rotation, [...of.rotations, rotation], entry);
    return rotation;
  }

  save(rotation: Rotation, entry: JournalDraft): void {
    const { rotations } = this.#of(rotation.validator);
    const at = rotations.findIndex(({ id }) => id === rotation.id);
    if (at < 0) throw new InvariantError(`there is no rotation ${rotation.id}`);
    this.#write(rotation, rotations.with(at, rotation), entry);
  }

  committedHeights(validator: string): ReadonlyMap<string, bigint> {
    return this.#committed.get(validator) ?? new Map();
  }

  noteCommitted(validator: string, node: string, height: bigint): void {
    if (!this.#raise(validator, node, height)) return;
    const unsaved = this.#unsaved.get(validator) ?? new Set();
    this.#unsaved.set(validator, unsaved.add(node));
  }

  #write(rotation: Rotation, rotations: readonly Rotation[], entry: JournalDraft): void {
    const { validator } = rotation;
    const tables = this.#loaded();
    const before = this.#of(validator);
    const after = keysOf(before, rotations);
    this.#assertAboveFloor(validator, before.schedule, after.schedule);
    const progress = this.#progressWrites();
    tables.commit({
      writes: [
        { sql: WRITE_ROTATION, values: rotationValues(rotation, this.#homeId) },
        ...keyWrites(validator, before, after, this.#deps.now()),
        ...progress.writes,
      ],
      entries: [entry],
    });
    progress.saved();
    if (tables.epoch !== this.#epoch) this.#read(tables);
    else this.#validators.set(validator, after);
    if (rotation.id >= this.#nextId) this.#nextId = rotation.id + 1n;
  }

  /** The last look before a key gets heights or loses them: what was signed for stays as it is (S38, S39). */
  #assertAboveFloor(validator: string, before: KeySchedule, after: KeySchedule): void {
    if (isSameSchedule(before, after)) return;
    const floorHeight = this.#deps.floorHeight(validator);
    const upTo = (schedule: KeySchedule): KeySchedule => {
      const [first, ...later] = schedule;
      return [first, ...later.filter(({ fromHeight }) => fromHeight <= floorHeight)];
    };
    if (isSameSchedule(upTo(before), upTo(after))) return;
    throw new InvariantError(
      `the keys of ${validator} at or below its floor ${floorHeight} would change`,
    );
  }

  #progressWrites(): { readonly writes: readonly TableWrite[]; readonly saved: () => void } {
    const unsaved = [...this.#unsaved].flatMap(([validator, nodes]) =>
      [...nodes].map((node) => ({
        validator,
        node,
        height: this.#committed.get(validator)?.get(node) ?? 0n,
      })),
    );
    return {
      writes: unsaved.map(({ validator, node, height }) => ({
        sql: WRITE_PROGRESS,
        values: [node, height, validator],
      })),
      saved: () => this.#unsaved.clear(),
    };
  }

  /** Never goes down. @returns whether it went up. */
  #raise(validator: string, node: string, height: bigint): boolean {
    const nodes = this.#committed.get(validator) ?? new Map<string, bigint>();
    const known = nodes.get(node);
    if (known !== undefined && known >= height) return false;
    this.#committed.set(validator, nodes.set(node, height));
    return true;
  }

  #of(validator: string): Keys {
    const tables = this.#loaded();
    if (tables.epoch !== this.#epoch) this.#read(tables);
    const known = this.#validators.get(validator);
    if (known !== undefined) return known;
    // One that was added since.
    this.#read(tables);
    const added = this.#validators.get(validator);
    if (added === undefined) throw new UnknownValidatorError(validator);
    return added;
  }

  #loaded(): HomeTables {
    if (this.#tables === undefined) {
      throw new InvariantError('keys by height were asked for before they were read');
    }
    return this.#tables;
  }

  #read(tables: HomeTables): void {
    const [home] = tables.read('SELECT home_id FROM home', [], 1);
    const homeId = home?.['home_id'];
    this.#homeId = homeId instanceof Uint8Array ? homeId : new Uint8Array(16);
    const rotations = new Map<string, Rotation[]>();
    let lastId = 0n;
    for (const row of pages(tables, SELECT_ROTATIONS, 'id')) {
      const rotation = rotationOfRow(row, this.#homeId);
      rotations.set(rotation.validator, [...(rotations.get(rotation.validator) ?? []), rotation]);
      lastId = rotation.id;
    }
    const stored = Map.groupBy(pages(tables, SELECT_KEYS, 'id'), (row) => String(row['name']));
    const validators = new Map<string, Keys>();
    for (const row of pages(tables, SELECT_VALIDATORS, 'id')) {
      const { name, chain_id, public_key } = row;
      const validator = String(name);
      if (!(public_key instanceof Uint8Array)) throw new InvariantError('a validator has no key');
      const keys = keysOf(
        { chainId: String(chain_id), firstKey: new Uint8Array(public_key) },
        rotations.get(validator) ?? [],
      );
      checkStored(validator, keys.keys, stored.get(validator) ?? []);
      validators.set(validator, keys);
    }
    this.#validators = validators;
    this.#nextId = lastId + 1n;
    this.#epoch = tables.epoch;
  }
}

const SELECT_VALIDATORS =
  'SELECT id, name, chain_id, public_key FROM validators WHERE id > ? ORDER BY id';

const SELECT_KEYS = `
  SELECT k.id, v.name, k.public_key, k.from_height, k.state FROM validator_keys k
  JOIN validators v ON v.id = k.validator_id WHERE k.id > ? ORDER BY k.id`;

const SELECT_PROGRESS = `
  SELECT p.rowid AS row, v.name, p.node, p.committed FROM node_progress p
  JOIN validators v ON v.id = p.validator_id WHERE p.rowid > ? ORDER BY p.rowid`;

const WRITE_KEY = `
  INSERT INTO validator_keys (validator_id, chain_id, public_key, from_height, state, made_at_ms)
  SELECT id, chain_id, ?, ?, ?, ? FROM validators WHERE name = ?
  ON CONFLICT (chain_id, public_key) DO UPDATE
  SET from_height = excluded.from_height, state = excluded.state`;

const WRITE_PROGRESS = `
  INSERT INTO node_progress (validator_id, node, committed) SELECT id, ?, ? FROM validators WHERE name = ?
  ON CONFLICT (validator_id, node) DO UPDATE SET committed = max(committed, excluded.committed)`;

/** Every row of a statement that takes the last row's number and goes on after it. */
function* pages(tables: HomeTables, sql: string, by: string): Generator<SqlRow> {
  for (let after = 0n; ; ) {
    const rows = tables.read(sql, [after], PAGE);
    yield* rows;
    const last = rows.at(-1)?.[by];
    if (rows.length < PAGE || typeof last !== 'bigint') return;
    after = last;
  }
}

function keysOf(
  { chainId, firstKey }: Pick<Keys, 'chainId' | 'firstKey'>,
  rotations: readonly Rotation[],
): Keys {
  const keys = validatorKeys(firstKey, rotations);
  const knownKeys = keys.map(({ publicKey }) => publicKey);
  return { chainId, firstKey, rotations, keys, schedule: scheduleOfKeys(keys), knownKeys };
}

/** The keys that are others than before. */
function keyWrites(
  validator: string,
  before: Keys,
  after: Keys,
  nowMs: number,
): readonly TableWrite[] {
  return after.keys
    .filter((key) => !before.keys.some((known) => isSameKey(known, key)))
    .map(({ publicKey, fromHeight, state }) => ({
      sql: WRITE_KEY,
      values: [publicKey, fromHeight ?? null, state, BigInt(nowMs), validator],
    }));
}

/**
 * The table says what the rotations say, or somebody has edited one of them.
 *
 * @throws {RotationDamagedError} ERR_ROTATION_DAMAGED
 */
function checkStored(
  validator: string,
  expected: readonly ValidatorKey[],
  rows: readonly SqlRow[],
): void {
  const isThere = (key: ValidatorKey): boolean =>
    rows.some(
      ({ public_key, from_height, state }) =>
        public_key instanceof Uint8Array &&
        equalBytes(public_key, key.publicKey) &&
        (typeof from_height === 'bigint' ? from_height : undefined) === key.fromHeight &&
        state === key.state,
    );
  if (rows.length === expected.length && expected.every(isThere)) return;
  throw new RotationDamagedError(validator, 'its keys are not the ones of its rotations');
}

function isSameKey(a: ValidatorKey, b: ValidatorKey): boolean {
  return (
    a.fromHeight === b.fromHeight && a.state === b.state && equalBytes(a.publicKey, b.publicKey)
  );
}

function isSameSchedule(a: KeySchedule, b: KeySchedule): boolean {
  return (
    a.length === b.length &&
    a.every(({ fromHeight, publicKey }, at) => {
      const other = b[at];
      return other?.fromHeight === fromHeight && equalBytes(other.publicKey, publicKey);
    })
  );
}
