import { validatorsHash } from '@privval/proto/codec/validators-hash';
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import type { HeaderFacts, SetMember } from '@privval/signer/chain/node-rpc';
import { changesBetween, hasHash, provenUpdates } from '@privval/signer/chain/set-changes';
import { expect, test } from 'vitest';
import { keyOf } from './follower-rig.ts';

function member(byte: number, power: bigint): SetMember {
  const bytes = keyOf(byte);
  return {
    address: addressFromPublicKey(ed25519PublicKey(bytes)),
    publicKey: bytes,
    key: { type: 'tendermint/PubKeyEd25519', bytes },
    power,
  };
}

const hashOf = (set: readonly SetMember[]) =>
  validatorsHash(
    set.map(({ address, key, power }) => ({
      address,
      key: { type: 'tendermint/PubKeyEd25519' as const, bytes: key.bytes },
      power,
    })),
  );

const before = [member(1, 10n), member(3, 5n)];
const after = [member(2, 10n), member(3, 6n)];
const next: HeaderFacts = {
  chainId: 'chain',
  height: 8n,
  timeMs: 0,
  validatorsHash: hashOf(before),
  nextValidatorsHash: hashOf(after),
};

test('changes are new keys, other powers, and keys that are gone', () => {
  expect(changesBetween(before, after)).toEqual([
    { publicKey: keyOf(2), power: 10n },
    { publicKey: keyOf(3), power: 6n },
    { publicKey: keyOf(1), power: 0n },
  ]);
  expect(changesBetween(before, before)).toEqual([]);
});

test('S46: sets that have the hashes of the next header prove the updates', () => {
  expect(provenUpdates(next, { before, after })).toEqual(changesBetween(before, after));
});

test.each([
  ['the set after it is another', { before, after: [member(4, 10n)] }],
  ['the set after it has another power', { before, after: [member(2, 11n), member(3, 6n)] }],
  ['the set before it is another', { before: [member(1, 10n)], after }],
])('S46: nothing is proven when %s', (_what, sets) => {
  expect(provenUpdates(next, sets)).toBeUndefined();
});

test('a set with a key of a type nobody knows has no hash', () => {
  const strange = { ...member(1, 1n), key: { type: 'future/PubKey', bytes: keyOf(1) } };
  expect(hasHash([strange], hashOf(before))).toBeUndefined();
  expect(provenUpdates(next, { before: [strange], after })).toBeUndefined();
});
