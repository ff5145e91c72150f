import { countedTip } from '@privval/signer/chain/known-tip';
import { expect, test } from 'vitest';

test.each([
  ['nothing is known', undefined, 1_000n, undefined],
  ['a fresh home beside a chain', 50_000_000n, 0n, 50_000_000n],
  ['the chain is a little ahead', 1_010n, 1_000n, 1_010n],
  ['the chain is behind', 900n, 1_000n, 900n],
  ['a source lies far ahead: one jump counts', 2n ** 62n, 1_000n, 10_001_000n],
])('S33: %s', (_what, told, floorHeight, expected) => {
  expect(countedTip(told, floorHeight)).toBe(expected);
});
