import type { Rotation } from '@privval/signer/rotation/rotation';
import type { RotationEvent } from '@privval/signer/rotation/step-rotation';
import { expect, test } from 'vitest';
import {
  alarms,
  armAt,
  CONTEXT,
  contradictionAt,
  GENERATED,
  keyOf,
  OLD_KEY,
  PROOF,
  PROVEN,
  powers,
  tell,
} from './rotation-fixtures.ts';

const IN = { newKey: 10 };
const OUT = { oldKey: 0 };
const SWITCH = powers(9, { ...IN, ...OUT });

/** At work from height 11 on. */
const SWITCHED = tell(PROVEN, [SWITCH], { ...CONTEXT, floorHeight: 5n });

test.each<{ told: readonly RotationEvent[]; at: bigint | undefined; because: string }>([
  { told: [SWITCH], at: 11n, because: 'both in block 9' },
  { told: [powers(9, IN), powers(10, OUT)], at: 12n, because: 'the removal came a block later' },
  { told: [powers(9, OUT), powers(12, IN)], at: 14n, because: 'the new key came later' },
  { told: [powers(9, IN)], at: undefined, because: 'the old key still has power' },
  { told: [powers(9, OUT)], at: undefined, because: 'a removal alone is a jail or an unbonding' },
  {
    told: [powers(9, OUT), powers(10, { oldKey: 7 }), powers(12, IN)],
    at: undefined,
    because: 'the old key is back in the set',
  },
  {
    told: [powers(9, IN), powers(10, { newKey: 0 }), powers(11, OUT)],
    at: undefined,
    because: 'the new key has gone before the old one',
  },
  {
    told: [powers(9, IN), powers(10, { newKey: 0 }), powers(11, OUT), powers(13, IN)],
    at: 15n,
    because: 'N is the block since which the new key has power',
  },
  {
    told: [SWITCH, powers(10, { newKey: 0 })],
    at: 11n,
    because: 'a jail of the new key takes no switch back',
  },
])('S40: A is $at: $because', ({ told, at }) => {
  const { rotation } = tell(PROVEN, told);
  expect(rotation.activationHeight).toBe(at);
  expect(rotation.state).toBe(at === undefined ? 'proven' : 'armed');
  expect(rotation.armedBy).toBe(at === undefined ? undefined : 'chain');
});

test('S40: found late, the switch is at the first height that no key has signed for', () => {
  const { rotation } = tell(PROVEN, [SWITCH], { ...CONTEXT, floorHeight: 40n });
  expect(rotation.activationHeight).toBe(41n);
  expect(tell(rotation, [SWITCH], { ...CONTEXT, floorHeight: 40n }).rotation).toBe(rotation);
});

test('S40: a switch comes after every earlier one', () => {
  const { rotation } = tell(PROVEN, [SWITCH], { ...CONTEXT, lastActivation: 11n });
  expect(rotation.activationHeight).toBe(12n);
});

test('S40: a set that shows both is as good as the blocks that made it', () => {
  const seen: RotationEvent = { kind: 'set-seen', height: 20n, hasNewKey: true, hasOldKey: false };
  const { rotation } = tell(PROVEN, [seen]);
  expect(rotation.activationHeight).toBe(20n);
  expect(tell(rotation, [SWITCH]).rotation.activationHeight).toBe(11n);
});

test('S38: an armed rotation changes the schedule once, and is switched when the floor is at A', () => {
  expect(SWITCHED.effects.map(({ kind }) => kind)).toEqual(['schedule-changed', 'note']);
  const armed = SWITCHED.rotation;
  expect(tell(armed, [SWITCH]).effects).toEqual([]);
  const at = (height: bigint) =>
    tell(armed, [{ kind: 'floor-moved', height }], { ...CONTEXT, floorHeight: height }).rotation;
  expect(at(10n)).toBe(armed);
  expect(at(11n).state).toBe('switched');
});

test('S39: once the floor is at A nothing takes the switch back', () => {
  const context = { ...CONTEXT, floorHeight: 11n };
  const told = tell(
    SWITCHED.rotation,
    [powers(9, { oldKey: 5, newKey: 0 }), contradictionAt(9), powers(10, { oldKey: 5 })],
    context,
  );
  expect(told.rotation).toMatchObject({ state: 'switched', activationHeight: 11n });
  expect(alarms(told)).toEqual(['ERR_ROTATION_HELD', 'ERR_OLD_KEY_BACK']);
});

test('a removal together with a stranger’s power holds the rotation: the transaction named another key', () => {
  const strange = powers(9, { oldKey: 0, hasStranger: true });
  const held = tell(PROVEN, [strange]);
  expect(held.rotation).toMatchObject({ state: 'held', activationHeight: undefined });
  expect(alarms(held)).toEqual(['ERR_ROTATION_STRANGER']);
  expect(tell(held.rotation, [strange])).toMatchObject({ rotation: held.rotation, effects: [] });
  // Our key after all; or whoever knows better.
  expect(tell(held.rotation, [powers(12, IN)]).rotation.activationHeight).toBe(14n);
  expect(tell(held.rotation, [armAt(13)]).rotation).toMatchObject({
    state: 'armed',
    armedBy: 'hand',
  });
  // With our key in the block it is somebody else's business.
  const both = tell(PROVEN, [powers(9, { ...IN, ...OUT, hasStranger: true })]);
  expect(both.rotation.state).toBe('armed');
});

test('S46: contradiction holds an armed rotation, and the true powers arm it again', () => {
  const held = tell(SWITCHED.rotation, [contradictionAt(9)]);
  expect(held.rotation).toMatchObject({ state: 'held', activationHeight: undefined, powers: [] });
  expect(held.effects.map(({ kind }) => kind)).toEqual(['schedule-changed', 'alarm']);
  // Other blocks are noted, and arm nothing meanwhile.
  expect(tell(held.rotation, [powers(10, { ...IN, ...OUT })]).rotation.state).toBe('held');
  const settled: RotationEvent = { kind: 'contradiction-settled', height: 9n };
  expect(tell(held.rotation, [settled]).rotation.state).toBe('proven');
  expect(tell(held.rotation, [settled, SWITCH]).rotation).toMatchObject({
    state: 'armed',
    activationHeight: 11n,
    contradiction: undefined,
  });
});

test('S46: a settled lower block does not settle a higher one', () => {
  const held = tell(PROVEN, [contradictionAt(9), contradictionAt(10)]).rotation;
  const settle = (height: bigint) =>
    tell(held, [{ kind: 'contradiction-settled', height }]).rotation.state;
  expect(settle(9n)).toBe('held');
  expect(settle(10n)).toBe('proven');
});

test('S46: what an operator armed by hand is not held', () => {
  const armed = tell(PROVEN, [armAt(11)]).rotation;
  const told = tell(armed, [contradictionAt(9)]);
  expect(told.rotation).toBe(armed);
  expect(alarms(told)).toEqual(['ERR_ROTATION_HELD']);
});

const held = tell(PROVEN, [contradictionAt(9)]).rotation;
const armed = tell(PROVEN, [armAt(11)]).rotation;

test.each<{ from: Rotation; event: RotationEvent; ends: string; because: string }>([
  { from: PROVEN, event: armAt(6), ends: 'armed', because: 'above the floor' },
  { from: PROVEN, event: armAt(5), ends: 'ERR_ARM_HEIGHT', because: 'the floor is there' },
  { from: held, event: armAt(6), ends: 'armed', because: 'the operator knows better' },
  { from: GENERATED, event: armAt(6), ends: 'ERR_ROTATION_STATE', because: 'nothing is proven' },
  {
    from: { ...held, proof: undefined },
    event: armAt(6),
    ends: 'ERR_ROTATION_STATE',
    because: 'nothing is proven',
  },
  { from: PROVEN, event: armAt(100_005), ends: 'armed', because: 'within 100,000 of the tip' },
  {
    from: PROVEN,
    event: armAt(100_006),
    ends: 'ERR_CONFIRMATION_REQUIRED',
    because: 'one digit too many',
  },
  {
    from: PROVEN,
    event: armAt(100_006, { isConfirmed: true }),
    ends: 'armed',
    because: 'it is confirmed',
  },
  { from: armed, event: armAt(11), ends: 'armed', because: 'the same again' },
  { from: armed, event: armAt(12), ends: 'ERR_ROTATION_ARMED', because: 'at another height' },
  {
    from: tell(PROVEN, [{ kind: 'abort-asked' }]).rotation,
    event: armAt(11),
    ends: 'ERR_ROTATION_STATE',
    because: 'it is aborted',
  },
])('S44: arm by hand ends in $ends: $because', ({ from, event, ends }) => {
  const told = tell(from, [event]);
  expect(told.refusals[0] ?? told.rotation.state).toBe(ends);
  if (told.refusals.length > 0 || from === armed) expect(told.rotation).toBe(from);
});

test('S44: that A − 1 is committed may be stated with the arming and after it', () => {
  expect(armed.isPassed).toBe(false);
  for (const from of [PROVEN, held, armed, SWITCHED.rotation]) {
    expect(tell(from, [armAt(11, { isPassed: true })]).rotation).toMatchObject({
      state: 'armed',
      isPassed: true,
    });
  }
});

test('S44: the chain overrules a height armed by hand, while no floor has reached either', () => {
  const told = tell(armed, [powers(20, { ...IN, ...OUT })]);
  expect(told.rotation).toMatchObject({ activationHeight: 22n, armedBy: 'chain' });
  expect(alarms(told)).toEqual(['ERR_ROTATION_REARMED']);
});

const ABORT: RotationEvent = { kind: 'abort-asked' };

test.each<{ from: Rotation; ends: string; because: string }>([
  { from: GENERATED, ends: 'aborted', because: 'nothing was sent' },
  { from: PROVEN, ends: 'aborted', because: 'nothing is in a block' },
  { from: held, ends: 'aborted', because: 'nothing is known to be in a block' },
  { from: armed, ends: 'aborted', because: 'a hand armed it, no block' },
  {
    from: tell(PROVEN, [powers(9, OUT)]).rotation,
    ends: 'aborted',
    because: 'a jail is no rotation',
  },
  {
    from: tell(PROVEN, [powers(9, IN)]).rotation,
    ends: 'ERR_ROTATION_IN_BLOCK',
    because: 'it is in a block',
  },
  { from: SWITCHED.rotation, ends: 'ERR_ROTATION_IN_BLOCK', because: 'it is in a block' },
])('S45: abort ends in $ends: $because', ({ from, ends }) => {
  const told = tell(from, [ABORT]);
  expect(told.refusals[0] ?? told.rotation.state).toBe(ends);
  expect(told.effects.some(({ kind }) => kind === 'destroy-key')).toBe(false);
  if (told.rotation.state === 'aborted') {
    expect(told.rotation.activationHeight).toBeUndefined();
    expect(tell(told.rotation, [ABORT]).rotation).toBe(told.rotation);
  }
});

test('S45: an aborted key that appears in the set is armed all the same, with an alarm', () => {
  const aborted = tell(PROVEN, [ABORT]).rotation;
  const told = tell(aborted, [SWITCH]);
  expect(told.rotation).toMatchObject({ state: 'armed', activationHeight: 11n });
  expect(alarms(told)).toEqual(['ERR_ROTATION_UNASKED']);
});

test('S45: so is an unproven one', () => {
  const told = tell(GENERATED, [SWITCH]);
  expect(told.rotation).toMatchObject({ state: 'armed', activationHeight: 11n });
  expect(alarms(told)).toEqual(['ERR_ROTATION_UNASKED']);
});

test('S45: an aborted rotation replaces the key that signs now, not the one of its day', () => {
  const aborted = tell(PROVEN, [ABORT, powers(9, OUT)]).rotation;
  const told = tell(aborted, [{ kind: 'old-key-replaced', oldKey: keyOf(7) }, powers(20, IN)]);
  expect(told.rotation).toMatchObject({ state: 'aborted', oldKey: keyOf(7), oldKeyOut: undefined });
  expect(tell(told.rotation, [powers(21, OUT)]).rotation.activationHeight).toBe(23n);
});

test('S47: only a key that was never active proves that somebody has it', () => {
  const prove: RotationEvent = { kind: 'proved', proof: PROOF };
  expect(tell(GENERATED, [prove]).rotation).toMatchObject({ state: 'proven', proof: PROOF });
  const other = { kind: 'proved', proof: { ...PROOF, message: keyOf(9) } } as const;
  expect(tell(PROVEN, [other]).rotation).toBe(PROVEN);
  const inBlock = tell(GENERATED, [powers(9, IN)]).rotation;
  expect(tell(inBlock, [prove]).refusals).toEqual(['ERR_ROTATION_IN_BLOCK']);
  expect(tell(tell(GENERATED, [SWITCH]).rotation, [prove]).refusals).toEqual([
    'ERR_ROTATION_STATE',
  ]);
});

test('S48: that the removal was printed is remembered', () => {
  const told = tell(PROVEN, [{ kind: 'removal-printed' }]).rotation;
  expect(told.isRemovalPrinted).toBe(true);
  expect(tell(told, [{ kind: 'removal-printed' }]).rotation).toBe(told);
});

const AFTER = { ...CONTEXT, floorHeight: 14n };
const seen = (height: bigint): RotationEvent => ({ kind: 'new-key-seen', height });
const verified = tell(SWITCHED.rotation, [seen(11n), seen(12n), seen(14n)], AFTER).rotation;

test('a rotation is verified when the new key was seen at work at three heights', () => {
  const twice = tell(
    SWITCHED.rotation,
    [seen(10n), seen(11n), seen(12n), seen(11n)],
    AFTER,
  ).rotation;
  expect(twice).toMatchObject({ state: 'switched', seenAt: [11n, 12n] });
  expect(verified).toMatchObject({ state: 'verified', seenAt: [11n, 12n, 14n] });
});

test('heights around the switch without a signature are noted, others are not', () => {
  const missed = (height: bigint): RotationEvent => ({ kind: 'block-missed', height });
  const told = tell(verified, [9n, 12n, 10n, 13n, 12n].map(missed), AFTER);
  expect(told.rotation.missedAt).toEqual([10n, 12n]);
});

const WINDOW: RotationEvent = {
  kind: 'evidence-window-known',
  untilHeight: 100n,
  untilTimeMs: 9_000,
};
const retiring = tell(verified, [WINDOW], AFTER).rotation;

test('the evidence window makes a verified rotation retire, and only grows', () => {
  expect(retiring).toMatchObject({
    state: 'retiring',
    retiresAfter: { height: 100n, timeMs: 9_000 },
  });
  const shorter: RotationEvent = {
    kind: 'evidence-window-known',
    untilHeight: 90n,
    untilTimeMs: 9_500,
  };
  expect(tell(retiring, [shorter], AFTER).rotation.retiresAfter).toEqual({
    height: 100n,
    timeMs: 9_500,
  });
  const early = tell(SWITCHED.rotation, [WINDOW, seen(11n), seen(12n), seen(13n)], AFTER).rotation;
  expect(early.state).toBe('retiring');
});

test.each<{
  from: Rotation;
  tip: { height: bigint; timeMs: number } | undefined;
  isWindowOver?: true;
  ends: string;
  because: string;
}>([
  {
    from: retiring,
    tip: { height: 101n, timeMs: 9_001 },
    ends: 'finished',
    because: 'both are over',
  },
  {
    from: retiring,
    tip: { height: 100n, timeMs: 9_001 },
    ends: 'ERR_EVIDENCE_WINDOW',
    because: 'blocks are missing',
  },
  {
    from: retiring,
    tip: { height: 101n, timeMs: 9_000 },
    ends: 'ERR_EVIDENCE_WINDOW',
    because: 'time is missing',
  },
  {
    from: retiring,
    tip: { height: 100n, timeMs: 9_001 },
    isWindowOver: true,
    ends: 'ERR_EVIDENCE_WINDOW',
    because: 'the chain says otherwise than the operator',
  },
  {
    from: retiring,
    tip: undefined,
    ends: 'ERR_EVIDENCE_WINDOW',
    because: 'nobody tells the height',
  },
  {
    from: verified,
    tip: undefined,
    ends: 'ERR_EVIDENCE_WINDOW',
    because: 'nobody tells the window',
  },
  {
    from: verified,
    tip: undefined,
    isWindowOver: true,
    ends: 'finished',
    because: 'the operator states it',
  },
  {
    from: armed,
    tip: undefined,
    isWindowOver: true,
    ends: 'ERR_ROTATION_STATE',
    because: 'the old key signs',
  },
])('finish ends in $ends: $because', ({ from, tip, isWindowOver = false, ends }) => {
  const event: RotationEvent = { kind: 'finish-asked', tip, isWindowOver };
  const context = from === armed ? CONTEXT : AFTER;
  const told = tell(from, [event], context);
  expect(told.refusals[0] ?? told.rotation.state).toBe(ends);
  const destroyed = ends === 'finished' ? [{ kind: 'destroy-key', publicKey: OLD_KEY }] : [];
  expect(told.effects).toEqual(destroyed);
  // The process may have ended before the key was destroyed.
  if (ends === 'finished') expect(tell(told.rotation, [event], context).effects).toEqual(destroyed);
});
