import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HashedMember, validatorsHash } from '@privval/proto/codec/validators-hash';
import { merkleRoot } from '@privval/proto/crypto/merkle';
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { bytesFromBase64, bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import { expect, test } from 'vitest';

test.each([
  [[], 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [[''], '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  [['010203'], '054edec1d0211f624fed0cbca9d4f9400b0e491c43742af2c5b0abebf0c990d8'],
  [['010203', '040506'], '82e6cfce00453804379b53962939eaa7906b39904be0813fcadd31b100773c4b'],
  [
    ['0102', '0304', '0506', '0708', '090a'],
    'f326493eceab4f2d9ffbc78c59432a0a005d6ea98392045c74df5d14a113be18',
  ],
  [
    ['00', '01', '02', '03', '04'],
    'b855b42d6c30f5b087e05266783fbd6e394f7b926013ccaa67700a8b0c5a596f',
  ],
])('the Merkle root over %j is upstream’s (spec/consensus.md 11.1)', (leaves, root) => {
  expect(hexFromBytes(merkleRoot(leaves.map(bytesFromHex)))).toBe(root);
});

function member(publicKey: string, power: bigint): HashedMember {
  const bytes = bytesFromHex(publicKey);
  return {
    address: addressFromPublicKey(ed25519PublicKey(bytes)),
    key: { type: 'tendermint/PubKeyEd25519', bytes },
    power,
  };
}

const V0 = 'e0e9f8e88a68d78726d9789517121a4c168a416a95baf6cfca951c725a86f96c';
const V1 = 'd3bfb03c5ea8aa2884363bf4d68ebd5e38059b03b8a1519b0e0f5abb627e3bd2';
const V2 = 'fd4e5b7347d2f3c6abd2fb5401400b7de3f3ca1d56fa5c7cf0498b204e3ebac9';
const V3 = 'cf17e30a16383db33ec3bc181b697d8ca3c5a8c27d7c8ad4f0e33451f3549f98';

test('the hash of a set is upstream’s, in whatever order its members come (spec/consensus.md 11.4)', () => {
  const set = [member(V0, 10n), member(V1, 20n), member(V2, 30n), member(V3, 30n)];
  const hash = '683bb36bfe4b5dcec5de190495fdad941fece888cdd5323f562460675677afe5';
  expect(hexFromBytes(validatorsHash(set))).toBe(hash);
  expect(hexFromBytes(validatorsHash(set.toReversed()))).toBe(hash);
});

test.each([
  'tendermint-0.34.24',
  'tendermint-0.35.9',
  'cometbft-0.37.18',
  'cometbft-0.38.25',
  'cometbft-0.39.4',
  'cometbft-0.40.0',
  'cometbft-1.0.1',
])('the set %s tells of has the hash in its header', (node) => {
  const path = join(import.meta.dirname, '../../vectors/rpc', `${node}.json`);
  const { answers } = JSON.parse(readFileSync(path, 'utf8'));
  const { validators } = answers.validatorsAtReplacement.body.result;
  const { header } = answers.commit.body.result.signed_header;
  const set = validators.map(
    (one: { pub_key: { value: string }; voting_power: string }): HashedMember =>
      member(hexFromBytes(bytesFromBase64(one.pub_key.value)), BigInt(one.voting_power)),
  );
  expect(hexFromBytes(validatorsHash(set)).toUpperCase()).toBe(header.validators_hash);
});

test('a key of another type has its own field (spec/cometbft-0.40.md 1.7)', () => {
  // A leaf of 1,960 bytes: 1,952 of the key behind tags and lengths, then the power.
  const bytes = new Uint8Array(1952);
  const address = new Uint8Array(20);
  const set = [{ address, key: { type: 'cometbft/PubKeyMlDsa65' as const, bytes }, power: 10n }];
  const leaf = new Uint8Array(1960);
  leaf.set(bytesFromHex('0aa30f22a00f'));
  leaf.set([0x10, 10], 1958);
  expect(validatorsHash(set)).toEqual(merkleRoot([leaf]));
});
