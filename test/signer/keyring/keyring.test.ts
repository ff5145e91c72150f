import { addressFromPublicKey } from '@privval/proto/crypto/public-key';
import { Keyring } from '@privval/signer/keyring/keyring';
import { expect, test } from 'vitest';
import { FakeKey } from '../../harness/fake-key.ts';
import { ManualClock } from '../../harness/manual-clock.ts';

test('the key is chosen by the height in the request and nothing else (S38)', async () => {
  await using key = new FakeKey({ clock: new ManualClock() });
  const keyring = new Keyring(key);
  for (const height of [0n, 1n, 2n ** 63n - 1n]) {
    expect(keyring.keyFor(height)).toBe(key);
    expect(keyring.addressFor(height)).toEqual(addressFromPublicKey(key.publicKey));
    expect(keyring.publicKeyFor(height)).toBe(key.publicKey);
  }
  expect(keyring.publicKeyFor()).toBe(key.publicKey);
});

test('a key is found by its public key, and no other is', async () => {
  await using key = new FakeKey({ clock: new ManualClock() });
  const keyring = new Keyring(key);
  expect(keyring.byPublicKey(new Uint8Array(key.publicKey.bytes))).toBe(key);
  expect(keyring.byPublicKey(new Uint8Array(32))).toBeUndefined();
});
