/** Freezes, ceilings and hand-overs over the real tables. */

import { parseFilePvState } from '@privval/hsm/file/file-pv-state';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { StoredControlDesk } from '@privval/signer/controls/control-desk';
import { ControlDamagedError, FloorTooLowError } from '@privval/signer/controls/control-errors';
import { ValidatorControls } from '@privval/signer/controls/validator-controls';
import type { Freezable } from '@privval/signer/guard/validator-control';
import { expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { MemorySignStateStore } from '../../harness/memory-sign-state-store.ts';
import { CHAIN, hrs, signBytesOf } from '../../harness/sign-requests.ts';
import { SqliteHomeTables } from '../../harness/sqlite-home-tables.ts';

const RECORD = { name: 'v', chainId: CHAIN, publicKey: new Uint8Array(32).fill(7) };
const ACT = { name: 'validator.freeze', by: 'ops' };

/** A desk over a store whose validator stands at height 5. */
class Bench implements Disposable {
  readonly tables = new SqliteHomeTables([RECORD]);
  readonly controls = new ValidatorControls();
  readonly store = new MemorySignStateStore({ controlOf: (name) => this.controls.of(name) });
  readonly desk: StoredControlDesk;

  constructor(freezable?: Freezable) {
    this.controls.load(this.tables);
    this.store.addValidator(RECORD, { height: 5n, round: 0, step: 'precommit' });
    const deps = { controls: this.controls, store: this.store, freezable };
    this.desk = new StoredControlDesk({ ...deps, clock: new ManualClock(), logger: silentLogger });
  }

  /** What a request at this height is answered. */
  ask(height: number): string {
    const at = hrs(height, 0, 'prevote');
    const [decision] = this.store.reserve([{ validator: 'v', at, signBytes: signBytesOf({ at }) }]);
    return decision?.kind === 'refused' ? decision.code : (decision?.kind ?? 'nothing');
  }

  /** The same tables, read by another process. */
  reread(): ValidatorControls {
    const controls = new ValidatorControls();
    controls.load(this.tables);
    return controls;
  }

  [Symbol.dispose](): void {
    this.tables[Symbol.dispose]();
  }
}

test('S34: a freeze is on the disk, refuses everything, and returns when nothing can leave any more', async () => {
  const drained = Promise.withResolvers<void>();
  using bench = new Bench({ drained: () => drained.promise });
  let hasReturned = false;
  const freezing = bench.desk.freeze('v', 'maintenance', ACT).then((control) => {
    hasReturned = true;
    return control;
  });
  expect(bench.reread().of('v').freeze).toMatchObject({ cause: 'operator', by: 'ops' });
  expect(bench.ask(6)).toBe('ERR_FROZEN');
  await Promise.resolve();
  expect(hasReturned).toBe(false);
  drained.resolve();
  expect((await freezing).freeze?.reason).toBe('maintenance');
});

test('a second freeze leaves the first one as it is', async () => {
  using bench = new Bench();
  await bench.desk.freeze('v', 'first', ACT);
  const again = await bench.desk.freeze('v', 'second', ACT);
  expect(again.freeze?.reason).toBe('first');
  expect(bench.tables.entries).toHaveLength(1);
});

test('an unfreeze is durable and immediate, and repeated changes nothing', async () => {
  using bench = new Bench();
  await bench.desk.freeze('v', 'first', ACT);
  bench.desk.unfreeze('v', ACT);
  bench.desk.unfreeze('v', ACT);
  expect(bench.reread().of('v').freeze).toBeUndefined();
  expect(bench.ask(6)).toBe('sign');
  expect(bench.tables.entries.map(({ body }) => JSON.parse(body).isFrozen)).toEqual([true, false]);
});

test('S36: after the chain witness the floor has to be raised before an unfreeze', async () => {
  using bench = new Bench();
  bench.desk.freezeByWitness('v', { reason: 'a signature at 9', raiseFloorTo: 9n });
  expect(() => bench.desk.unfreeze('v', ACT)).toThrow(FloorTooLowError);
  expect(bench.ask(10)).toBe('ERR_FROZEN');
  bench.store.raiseFloor('v', { height: 9n, round: 0, step: 'precommit' });
  bench.desk.unfreeze('v', ACT);
  expect(bench.ask(10)).toBe('sign');
});

test('S36: the witness stands over an operator’s freeze, and a lower finding over nothing', async () => {
  using bench = new Bench();
  await bench.desk.freeze('v', 'maintenance', ACT);
  bench.desk.freezeByWitness('v', { reason: 'a signature at 9', raiseFloorTo: 9n });
  bench.desk.freezeByWitness('v', { reason: 'a signature at 8', raiseFloorTo: 8n });
  expect(bench.reread().of('v').freeze).toMatchObject({ cause: 'chain-witness', raiseFloorTo: 9n });
});

test('S34: a hand-over freezes for good and gives a state file that is not stale, the same each time', async () => {
  using bench = new Bench();
  const at = hrs(6, 0, 'prevote');
  bench.store.reserve([{ validator: 'v', at, signBytes: signBytesOf({ at }) }]);
  const file = await bench.desk.handOver('v', ACT);
  const state = parseFilePvState(file);
  expect(state).toMatchObject({ height: 6n, step: 'prevote', isStale: false });
  expect(bench.ask(7)).toBe('ERR_FROZEN');
  expect(await bench.desk.handOver('v', ACT)).toEqual(file);
  expect(bench.reread().of('v').freeze?.cause).toBe('hand-over');
  expect(bench.tables.entries).toHaveLength(1);
});

test('a floor that the chain has passed is not handed over', async () => {
  using bench = new Bench();
  bench.desk.freezeByWitness('v', { reason: 'a signature at 9', raiseFloorTo: 9n });
  await expect(bench.desk.handOver('v', ACT)).rejects.toBeInstanceOf(FloorTooLowError);
});

test('a height ceiling is set, lowered, raised and taken away', () => {
  using bench = new Bench();
  for (const [ceiling, at7] of [
    [6n, 'ERR_HEIGHT_CEILING'],
    [5n, 'ERR_HEIGHT_CEILING'],
    [7n, 'sign'],
    [undefined, 'sign'],
  ] as const) {
    bench.desk.setHeightCeiling('v', ceiling, ACT);
    expect(bench.reread().of('v').heightCeiling).toBe(ceiling);
    expect(bench.ask(7)).toBe(at7);
  }
});

test('S9: a freeze that could not be made durable is none, and is said to be none', async () => {
  using bench = new Bench();
  bench.tables.failing = 0;
  await expect(bench.desk.freeze('v', 'maintenance', ACT)).rejects.toMatchObject({
    code: 'ERR_SIGN_STATE_UNAVAILABLE',
  });
  expect(bench.ask(6)).toBe('sign');
});

test.each(['{', '{}', '{"cause":"whim","reason":"","atMs":0,"by":"x"}', '[1]'])(
  'a freeze that cannot be read (%s) is not ignored',
  (text) => {
    using bench = new Bench();
    bench.tables.db
      .prepare('INSERT INTO controls (validator_id, freeze) SELECT id, ? FROM validators')
      .run(text);
    expect(() => bench.reread()).toThrow(ControlDamagedError);
  },
);

test('an unknown validator is refused before anything is written', async () => {
  using bench = new Bench();
  const failure = bench.desk.freeze('w', 'maintenance', ACT).catch(errorCode);
  expect(await failure).toBe('ERR_UNKNOWN_VALIDATOR');
  expect(bench.tables.entries).toEqual([]);
});
