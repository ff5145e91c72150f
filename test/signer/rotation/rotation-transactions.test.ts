import {
  kvstoreTransactions,
  sdkTransactions,
} from '@privval/signer/rotation/rotation-transactions';
import { expect, test } from 'vitest';
import { NEW_KEY, OLD_KEY } from './rotation-fixtures.ts';

const KEYS = { oldKey: OLD_KEY, newKey: NEW_KEY };
const OLD = 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=';
const NEW = 'AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=';
const FRESH = { power: 10n, isNewKeyIn: false, isOldKeyOut: false };

test('kvstore: the new key with its power first, then the old one with none', () => {
  expect(kvstoreTransactions(KEYS, FRESH)).toEqual([
    `val=ed25519!${NEW}!10`,
    `val=ed25519!${OLD}!0`,
  ]);
});

test('kvstore before v0.38 reads no type', () => {
  expect(kvstoreTransactions(KEYS, { ...FRESH, isUntyped: true })).toEqual([
    `val:${NEW}!10`,
    `val:${OLD}!0`,
  ]);
});

test('S48: what the chain has already is left out, so that no removal is sent twice', () => {
  expect(kvstoreTransactions(KEYS, { ...FRESH, isNewKeyIn: true })).toEqual([
    `val=ed25519!${OLD}!0`,
  ]);
  expect(kvstoreTransactions(KEYS, { ...FRESH, isOldKeyOut: true })).toEqual([
    `val=ed25519!${NEW}!10`,
  ]);
  expect(kvstoreTransactions(KEYS, { ...FRESH, isNewKeyIn: true, isOldKeyOut: true })).toEqual([]);
});

test('SDK: the public key as its command takes it, and a message that nobody has signed', () => {
  const [key, transaction] = sdkTransactions(KEYS, 'cosmosvaloper1abc');
  expect(JSON.parse(key)).toEqual({ '@type': '/cosmos.crypto.ed25519.PubKey', key: NEW });
  expect(JSON.parse(transaction)).toMatchObject({
    body: {
      messages: [
        {
          '@type': '/cosmos.staking.v1beta1.MsgRotateConsPubKey',
          validator_address: 'cosmosvaloper1abc',
          new_pubkey: { '@type': '/cosmos.crypto.ed25519.PubKey', key: NEW },
        },
      ],
    },
    signatures: [],
  });
});
