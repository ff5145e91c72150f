import { parseChainId } from '@privval/proto/types/chain-id';
import type {
  HomeTables,
  HomeTransaction,
  JournalDraft,
} from '@privval/signer/guard/home-transaction';
import { SignStateUnavailableError } from '@privval/signer/guard/sign-state-errors';
import { keyAt } from '@privval/signer/keyring/key-schedule';
import type { Rotation } from '@privval/signer/rotation/rotation';
import { stepRotation } from '@privval/signer/rotation/rotation-rules';
import { SqliteRotationStore } from '@privval/signer/rotation/sqlite-rotation-store';
import type { RotationEvent } from '@privval/signer/rotation/step-rotation';
import { expect, test } from 'vitest';
import { AuditedHome } from '../../harness/audited-home.ts';
import { SqliteHomeTables } from '../../harness/sqlite-home-tables.ts';
import {
  armAt,
  contradictionAt,
  keyOf,
  NEW_KEY,
  OLD_KEY,
  PROOF,
  powers,
} from './rotation-fixtures.ts';

const ENTRY: JournalDraft = { kind: 'rotation', validator: 'main', body: '{}' };
const VALIDATORS = [
  { name: 'main', chainId: parseChainId('chain-1'), publicKey: OLD_KEY },
  { name: 'other', chainId: parseChainId('chain-2'), publicKey: keyOf(8) },
];

/** Tables with a store on them that is opened anew as often as wanted. */
class Rig implements Disposable {
  readonly tables: SqliteHomeTables = new SqliteHomeTables(VALIDATORS);
  floorHeight = 5n;

  open(tables: HomeTables = this.tables): SqliteRotationStore {
    const store = new SqliteRotationStore({ floorHeight: () => this.floorHeight, now: () => 7 });
    store.load(tables);
    return store;
  }

  [Symbol.dispose](): void {
    this.tables[Symbol.dispose]();
  }
}

/** A step made durable, as the driver does it. */
function tellStore(store: SqliteRotationStore, event: RotationEvent, floorHeight = 5n): void {
  const rotation = store.newest('main');
  if (rotation === undefined) return;
  const lastActivation = store.lastActivation(rotation);
  const context = { floorHeight, tip: floorHeight, lastActivation, nowMs: 7 };
  const step = stepRotation(rotation, event, context);
  if (step.kind === 'stepped' && step.rotation !== rotation) store.save(step.rotation, ENTRY);
}

test('what a rotation is and was survives the process', () => {
  using rig = new Rig();
  const store = rig.open();
  store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  const events: readonly RotationEvent[] = [
    { kind: 'proved', proof: PROOF },
    contradictionAt(8),
    { kind: 'contradiction-settled', height: 8n },
    { kind: 'removal-printed' },
    powers(9, { newKey: 10, oldKey: 0 }),
    armAt(11, { isPassed: true }),
  ];
  for (const event of events) {
    tellStore(store, event);
    expect(rig.open().newest('main')).toEqual(store.newest('main'));
  }
  const again = rig.open();
  expect(again.newest('main')).toMatchObject({
    state: 'armed',
    activationHeight: 11n,
    proof: PROOF,
  });
  expect(again.scheduleOf('main')).toEqual(store.scheduleOf('main'));
  expect(again.passedAt('main')).toBe(10n);
  expect(rig.tables.entries).toHaveLength(1 + events.length);
});

test('S38: arming gives the new key its heights, in the transaction that says so', () => {
  using rig = new Rig();
  const store = rig.open();
  expect(store.scheduleOf('main')).toEqual([{ publicKey: OLD_KEY, fromHeight: 0n }]);
  store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  expect(store.scheduleOf('main')).toHaveLength(1);
  expect(store.knownKeysOf('main')).toEqual([OLD_KEY, NEW_KEY]);
  expect(store.armedAt('main')).toBeUndefined();
  tellStore(store, powers(9, { newKey: 10, oldKey: 0 }));
  expect(keyAt(store.scheduleOf('main'), 10n)).toEqual(OLD_KEY);
  expect(keyAt(store.scheduleOf('main'), 11n)).toEqual(NEW_KEY);
  expect(store.armedAt('main')).toBe(11n);
  expect(store.scheduleOf('other')).toHaveLength(1);
});

test('S42: a rotation is not armed any more once the floor is at A', () => {
  using rig = new Rig();
  const store = rig.open();
  store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  tellStore(store, powers(9, { newKey: 10, oldKey: 0 }));
  rig.floorHeight = 10n;
  expect(store.armedAt('main')).toBe(11n);
  rig.floorHeight = 11n;
  expect(store.armedAt('main')).toBeUndefined();
});

test('S38, S39: a change of keys at or below the floor is a bug and not stored', () => {
  using rig = new Rig();
  const store = rig.open();
  const rotation = store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  const armed: Rotation = { ...rotation, state: 'armed', activationHeight: 5n, armedBy: 'hand' };
  expect(() => store.save(armed, ENTRY)).toThrow(/at or below its floor 5/);
  store.save({ ...armed, activationHeight: 6n }, ENTRY);
  rig.floorHeight = 6n;
  expect(() => store.save({ ...armed, activationHeight: 7n }, ENTRY)).toThrow(/floor 6/);
  expect(() => store.save({ ...rotation, state: 'aborted' }, ENTRY)).toThrow(/floor 6/);
  expect(rig.open().scheduleOf('main')).toEqual(store.scheduleOf('main'));
  expect(rig.tables.entries).toHaveLength(2);
});

test('one rotation of a validator is open at a time', () => {
  using rig = new Rig();
  const store = rig.open();
  store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  const again = () => store.begin({ validator: 'main', newKey: keyOf(3) }, ENTRY);
  expect(again).toThrow(expect.objectContaining({ code: 'ERR_ROTATION_OPEN' }));
  store.begin({ validator: 'other', newKey: keyOf(4) }, ENTRY);
  tellStore(store, { kind: 'abort-asked' });
  expect(again().id).toBe(3n);
  expect(store.living('main').map(({ state }) => state)).toEqual(['aborted', 'generated']);
});

test('S45: an aborted rotation that the chain arms may be open beside another', () => {
  using rig = new Rig();
  const store = rig.open();
  const aborted = store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  tellStore(store, { kind: 'abort-asked' });
  store.begin({ validator: 'main', newKey: keyOf(3) }, ENTRY);
  const [first] = store.living('main');
  const context = { floorHeight: 5n, tip: 5n, lastActivation: 0n, nowMs: 7 };
  const step = stepRotation(first ?? aborted, powers(9, { newKey: 1, oldKey: 0 }), context);
  if (step.kind === 'stepped') store.save(step.rotation, ENTRY);
  expect(
    rig
      .open()
      .living('main')
      .map(({ state }) => state),
  ).toEqual(['armed', 'generated']);
  expect(keyAt(rig.open().scheduleOf('main'), 11n)).toEqual(NEW_KEY);
});

test.each([
  { key: OLD_KEY, because: 'it is the key that is replaced' },
  { key: keyOf(8), because: 'another validator has it' },
  { key: NEW_KEY, because: 'it was in a rotation before' },
])('S1: a key is refused when $because', ({ key }) => {
  using rig = new Rig();
  const store = rig.open();
  store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  tellStore(store, { kind: 'abort-asked' });
  expect(() => store.begin({ validator: 'main', newKey: key }, ENTRY)).toThrow(
    expect.objectContaining({ code: 'ERR_DUPLICATE_VALIDATOR' }),
  );
});

test('the next rotation replaces the newest key, and keys say what they are', () => {
  using rig = new Rig();
  const store = rig.open();
  const seen = (height: bigint): RotationEvent => ({ kind: 'new-key-seen', height });
  store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  tellStore(store, powers(9, { newKey: 10, oldKey: 0 }));
  rig.floorHeight = 13n;
  for (const height of [11n, 12n, 13n]) tellStore(store, seen(height), 13n);
  const second = store.begin({ validator: 'main', newKey: keyOf(3) }, ENTRY);
  expect(second.oldKey).toEqual(NEW_KEY);
  expect(store.lastActivation(second)).toBe(11n);
  tellStore(store, powers(20, { newKey: 10, oldKey: 0 }), 13n);
  expect(rig.open().keysOf('main')).toEqual([
    { publicKey: OLD_KEY, fromHeight: 0n, state: 'retiring' },
    { publicKey: NEW_KEY, fromHeight: 11n, state: 'current' },
    { publicKey: keyOf(3), fromHeight: 22n, state: 'staged' },
  ]);
});

test.each([
  { edit: "UPDATE rotations SET state = 'proven'", because: 'the state' },
  { edit: 'UPDATE rotations SET activation_height = 12', because: 'the height' },
  { edit: "UPDATE rotations SET facts = replace(facts, '9', '8')", because: 'the facts' },
  { edit: 'UPDATE rotations SET validator_id = 2', because: 'the validator' },
  { edit: 'UPDATE rotations SET is_open = 0', because: 'the openness' },
  { edit: 'DELETE FROM rotations', because: 'the row, taken out' },
  { edit: 'UPDATE validator_keys SET from_height = 12 WHERE id = 3', because: "a key's height" },
  { edit: "UPDATE validator_keys SET state = 'current' WHERE id = 3", because: "a key's state" },
  { edit: 'DELETE FROM validator_keys WHERE id = 3', because: 'a key, taken out' },
  { edit: 'UPDATE validator_keys SET validator_id = 2 WHERE id = 3', because: 'whose key it is' },
  { edit: "UPDATE home SET home_id = x'00112233445566778899aabbccddeeff'", because: 'the home' },
])('an edited row is noticed: $because', ({ edit }) => {
  using rig = new Rig();
  rig.tables.db.exec(
    'INSERT OR IGNORE INTO home (id, home_id, generation) VALUES (1, zeroblob(16), 0)',
  );
  const store = rig.open();
  store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  tellStore(store, powers(9, { newKey: 10, oldKey: 0 }));
  rig.tables.db.exec(edit);
  expect(() => rig.open()).toThrow(expect.objectContaining({ code: 'ERR_ROTATION_DAMAGED' }));
});

test('S41: what a node has proven never goes down, and is durable with the next transaction', () => {
  using rig = new Rig();
  const store = rig.open();
  store.noteCommitted('main', 'tcp://a:1', 10n);
  store.noteCommitted('main', 'tcp://a:1', 9n);
  expect(store.committedHeights('main').get('tcp://a:1')).toBe(10n);
  expect(rig.open().committedHeights('main').size).toBe(0);
  store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  store.noteCommitted('main', 'tcp://a:1', 11n);
  expect(rig.open().committedHeights('main').get('tcp://a:1')).toBe(10n);
  expect(rig.open().committedHeights('other').size).toBe(0);
});

/** A whole rotation: what is told, in order, and where the floor is by then. */
const STORY: readonly (readonly [bigint, RotationEvent | 'begin'])[] = [
  [5n, 'begin'],
  [5n, { kind: 'proved', proof: PROOF }],
  [6n, { kind: 'removal-printed' }],
  [8n, powers(8, { newKey: 10 })],
  [9n, contradictionAt(9)],
  [9n, { kind: 'contradiction-settled', height: 9n }],
  [9n, powers(9, { oldKey: 0 })],
  [10n, { kind: 'floor-moved', height: 10n }],
  [11n, { kind: 'floor-moved', height: 11n }],
  [11n, { kind: 'new-key-seen', height: 11n }],
  [12n, { kind: 'block-missed', height: 12n }],
  [13n, { kind: 'new-key-seen', height: 13n }],
  [14n, { kind: 'new-key-seen', height: 14n }],
  [14n, { kind: 'evidence-window-known', untilHeight: 20n, untilTimeMs: 100 }],
  [21n, { kind: 'finish-asked', tip: { height: 21n, timeMs: 101 }, isWindowOver: false }],
];

/** A disk that fails once: before the commit has reached it, or after. */
class FailingOnce implements HomeTables {
  readonly #tables: SqliteHomeTables;
  readonly #moment: 'before' | 'after';
  #left: number;

  constructor(tables: SqliteHomeTables, at: number, moment: 'before' | 'after') {
    this.#tables = tables;
    this.#left = at;
    this.#moment = moment;
  }

  get epoch(): number {
    return this.#tables.epoch;
  }

  read(...args: Parameters<HomeTables['read']>): ReturnType<HomeTables['read']> {
    return this.#tables.read(...args);
  }

  commit(transaction: HomeTransaction): void {
    const isNow = this.#left === 0;
    this.#left -= 1;
    if (!isNow || this.#moment === 'after') this.#tables.commit(transaction);
    if (!isNow) return;
    this.#tables.epoch += 1;
    throw new SignStateUnavailableError({ cause: 'EIO' });
  }
}

/** Tells the story up to each of its lines; a failure is followed by the story from its start, with what is known. */
function live(
  store: SqliteRotationStore,
  rig: Rig,
  reopened: () => SqliteRotationStore,
): SqliteRotationStore {
  let current = store;
  for (let line = 0; line < STORY.length; line++) {
    try {
      tellLine(current, rig, line);
    } catch (error) {
      if (!(error instanceof SignStateUnavailableError)) throw error;
      current = reopened();
      // Facts come again from their beginning; the floor is where it is.
      for (let again = 0; again <= line; again++) tellLine(current, rig, again, line);
    }
  }
  return current;
}

function tellLine(store: SqliteRotationStore, rig: Rig, line: number, floorOf = line): void {
  const [, event] = STORY[line] ?? [];
  const [floorHeight = 5n] = STORY[floorOf] ?? [];
  rig.floorHeight = floorHeight;
  if (event === undefined) return;
  if (event !== 'begin') tellStore(store, event, floorHeight);
  else if (store.newest('main') === undefined) {
    store.begin({ validator: 'main', newKey: NEW_KEY }, ENTRY);
  }
}

const untroubled = (() => {
  using rig = new Rig();
  const store = live(rig.open(), rig, () => rig.open());
  return { newest: store.newest('main'), keys: store.keysOf('main') };
})();

test('the whole story ends with the old key’s end', () => {
  expect(untroubled.newest).toMatchObject({
    state: 'finished',
    activationHeight: 11n,
    seenAt: [11n, 13n, 14n],
    missedAt: [12n],
  });
  expect(untroubled.keys.map(({ state }) => state)).toEqual(['destroyed', 'current']);
});

for (const moment of ['before', 'after'] as const) {
  for (const reopening of ['a new process', 'the same process'] as const) {
    test.each(STORY.map((_, at) => ({ at })))(
      `a commit that fails ${moment} it is durable changes no outcome, by ${reopening}: commit $at`,
      ({ at }) => {
        using rig = new Rig();
        const tables = new FailingOnce(rig.tables, at, moment);
        const store = rig.open(tables);
        const end = live(store, rig, () =>
          reopening === 'a new process' ? rig.open(tables) : store,
        );
        expect(end.newest('main')).toEqual(untroubled.newest);
        expect(end.keysOf('main')).toEqual(untroubled.keys);
        const onDisk = rig.open();
        expect(onDisk.newest('main')).toEqual(untroubled.newest);
      },
    );
  }
}

test('the rows live in a home’s floor.db, beside the floors', async () => {
  await using home = await AuditedHome.make();
  const open = (tables: HomeTables): SqliteRotationStore => {
    const store = new SqliteRotationStore({ floorHeight: () => 5n, now: () => 7 });
    store.load(tables);
    return store;
  };
  {
    await using opened = home.open();
    const store = open(opened.store);
    const begun = store.begin({ validator: 'v0', newKey: NEW_KEY }, { ...ENTRY, validator: 'v0' });
    const armed: Rotation = { ...begun, state: 'armed', activationHeight: 6n, armedBy: 'hand' };
    store.save(armed, { ...ENTRY, validator: 'v0' });
  }
  await using opened = home.open();
  const store = open(opened.store);
  expect(store.scheduleOf('v0').map(({ fromHeight }) => fromHeight)).toEqual([0n, 6n]);
  expect(store.newest('v0')).toMatchObject({ state: 'armed', newKey: NEW_KEY });
});
