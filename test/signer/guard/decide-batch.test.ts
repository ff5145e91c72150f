/** What a store's transaction decides beside the double-sign rule: freeze, ceiling, and whose key signs. */
import { decideBatch, type Standing } from '@privval/signer/guard/decide-batch';
import type { Decision, Floor, Reservation } from '@privval/signer/guard/sign-state-store';
import type { Freeze } from '@privval/signer/guard/validator-control';
import { describe, expect, test } from 'vitest';
import { hrs, signBytesOf } from '../../harness/sign-requests.ts';

const OLD = new Uint8Array(32).fill(1);
const NEW = new Uint8Array(32).fill(2);
const A = 11n;
const FRESH: Floor = { height: 0n, round: 0, step: 'none' };
const FREEZE: Freeze = { cause: 'operator', reason: 'maintenance', atMs: 0, by: 'ops' };

/** Two keys; the second one signs from {@link A} on. */
const ROTATING: Standing = {
  floor: FRESH,
  publicKey: OLD,
  keyAt: (height) => (height >= A ? NEW : OLD),
};

function voteAt(height: bigint, more: Partial<Reservation> = {}): Reservation {
  const at = hrs(height, 0, 'precommit');
  return { validator: 'v', at, signBytes: signBytesOf({ at }), ...more };
}

function decideOne(standing: Standing, reservation: Reservation): Decision {
  const [decision] = decideBatch([reservation], () => standing).decisions;
  if (decision === undefined) throw new Error('no decision');
  return decision;
}

function codeOf(decision: Decision): string {
  return decision.kind === 'refused' ? decision.code : decision.kind;
}

describe('S38: the key is a function of the height', () => {
  test.each([
    [A - 1n, OLD],
    [A, NEW],
    [A + 1n, NEW],
  ])('at height %s', (height, key) => {
    const { decisions, moved } = decideBatch([voteAt(height)], () => ROTATING);
    expect(decisions).toMatchObject([{ kind: 'sign', publicKey: key, isRepeat: false }]);
    expect(moved.get('v')?.publicKey).toEqual(key);
  });

  test('within one batch each position has its own', () => {
    const { decisions, moved } = decideBatch([voteAt(A - 1n), voteAt(A)], () => ROTATING);
    expect(decisions).toMatchObject([{ publicKey: OLD }, { publicKey: NEW }]);
    expect(moved.get('v')).toMatchObject({ height: A, publicKey: NEW });
  });

  test('a repeat has the one that is stored, whatever the schedule says by now', () => {
    const { signBytes, at } = voteAt(A);
    const stands: Standing = { ...ROTATING, floor: { ...at, signBytes, publicKey: OLD } };
    const outcome = decideBatch([voteAt(A, { claimedKey: OLD })], () => stands);
    expect(outcome.decisions).toMatchObject([{ kind: 'sign', publicKey: OLD, isRepeat: true }]);
    expect(outcome.moves).toEqual([false]);
  });
});

describe('S43: a vote for another key of ours is refused, and the floor stays', () => {
  test.each([
    ['the old key at A', A, OLD, 'ERR_OTHER_KEY'],
    ['the new key before A', A - 1n, NEW, 'ERR_OTHER_KEY'],
    ['the new key at A', A, NEW, 'sign'],
    ['the old key before A', A - 1n, OLD, 'sign'],
    ['no known key', A, undefined, 'sign'],
  ])('%s', (_, height, claimedKey, code) => {
    const { decisions, moved } = decideBatch([voteAt(height, { claimedKey })], () => ROTATING);
    expect(decisions.map(codeOf)).toEqual([code]);
    expect(moved.size).toBe(code === 'sign' ? 1 : 0);
  });

  test('on a repeat too: the stored key is not the one claimed', () => {
    const { signBytes, at } = voteAt(A);
    const stands: Standing = { ...ROTATING, floor: { ...at, signBytes, publicKey: OLD } };
    expect(codeOf(decideOne(stands, voteAt(A, { claimedKey: NEW })))).toBe('ERR_OTHER_KEY');
  });
});

describe('S34: a frozen validator', () => {
  const frozen: Standing = { ...ROTATING, control: { freeze: FREEZE } };

  test('is refused everything new, with who froze it and how that ends', () => {
    const decision = decideOne(frozen, voteAt(5n));
    expect(decision).toMatchObject({ kind: 'refused', reason: 'frozen', code: 'ERR_FROZEN' });
    expect(decision).toMatchObject({ text: expect.stringMatching(/ops.*maintenance.*unfreeze/s) });
  });

  test('is refused what it has signed already', () => {
    const { signBytes, at } = voteAt(5n);
    const signed: Floor = { ...at, signBytes, publicKey: OLD, signature: new Uint8Array(64) };
    expect(codeOf(decideOne({ ...frozen, floor: signed }, voteAt(5n)))).toBe('ERR_FROZEN');
  });
});

test.each([
  [9n, 'sign'],
  [10n, 'sign'],
  [11n, 'ERR_HEIGHT_CEILING'],
])('under a height ceiling of 10 the answer at height %s is %s', (height, code) => {
  expect(codeOf(decideOne({ ...ROTATING, control: { heightCeiling: 10n } }, voteAt(height)))).toBe(
    code,
  );
});
