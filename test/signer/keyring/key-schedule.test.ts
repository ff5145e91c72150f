import { isScheduled, type KeySchedule, keyAt } from '@privval/signer/keyring/key-schedule';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const ROTATED: KeySchedule = [
  { publicKey: key(1), fromHeight: 0n },
  { publicKey: key(2), fromHeight: 11n },
  { publicKey: key(3), fromHeight: 12n },
];

test.each([
  { height: 0n, signs: 1, because: 'the first key begins at 0' },
  { height: 10n, signs: 1, because: 'A − 1 is the old key’s' },
  { height: 11n, signs: 2, because: 'A is the new key’s' },
  { height: 12n, signs: 3, because: 'a second rotation may follow at once' },
  { height: 9_223_372_036_854_775_807n, signs: 3, because: 'the newest key has no end' },
])('S38: at height $height key $signs signs: $because', ({ height, signs }) => {
  expect(keyAt(ROTATED, height)).toEqual(key(signs));
});

test('S38: the key at a height is that of the last era that has begun', () => {
  const heights = fc.uniqueArray(fc.bigInt({ min: 1n, max: 1_000n }), { maxLength: 5 });
  fc.assert(
    fc.property(heights, fc.bigInt({ min: 0n, max: 1_100n }), (starts, height) => {
      const sorted = [...starts].sort((a, b) => Number(a - b));
      const later = sorted.map((fromHeight, at) => ({ publicKey: key(at + 2), fromHeight }));
      const begun = sorted.filter((start) => start <= height).length;
      expect(keyAt([{ publicKey: key(1), fromHeight: 0n }, ...later], height)).toEqual(
        key(begun + 1),
      );
    }),
  );
});

test('a key without an era is not scheduled', () => {
  expect(isScheduled(ROTATED, key(3))).toBe(true);
  expect(isScheduled(ROTATED, key(4))).toBe(false);
});
