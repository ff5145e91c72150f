import { addressFromPublicKey } from '@privval/proto/crypto/public-key';
import { KeyNotInServiceError, Keyring } from '@privval/signer/keyring/keyring';
import { expect, test } from 'vitest';
import { FakeKey } from '../../harness/fake-key.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { MemoryKeySchedules } from '../../harness/memory-key-schedules.ts';

test('the key is chosen by the height in the request and nothing else (S38)', async () => {
  await using key = new FakeKey({ clock: new ManualClock() });
  const keyring = new Keyring(key);
  for (const height of [0n, 1n, 2n ** 63n - 1n]) {
    expect(keyring.keyFor(height)).toBe(key);
    expect(keyring.addressFor(height)).toEqual(addressFromPublicKey(key.publicKey));
    expect(keyring.publicKeyFor(height)).toEqual(key.publicKey);
  }
  expect(keyring.publicKeyFor()).toEqual(key.publicKey);
});

test('a key is found by its public key, and no other is', async () => {
  await using key = new FakeKey({ clock: new ManualClock() });
  const keyring = new Keyring(key);
  expect(keyring.byPublicKey(new Uint8Array(key.publicKey.bytes))).toBe(key);
  expect(keyring.byPublicKey(new Uint8Array(32))).toBeUndefined();
});

/** Two keys that change at height 11, and a third one that is staged. */
async function rotating(stack: AsyncDisposableStack): Promise<{
  readonly keys: readonly [FakeKey, FakeKey, FakeKey];
  readonly schedules: MemoryKeySchedules;
  readonly keyring: Keyring;
}> {
  const clock = new ManualClock();
  const [first, second, third] = [1, 2, 3].map(() => stack.use(new FakeKey({ clock })));
  if (first === undefined || second === undefined || third === undefined) throw new Error('keys');
  const schedules = new MemoryKeySchedules({
    main: {
      schedule: [
        { publicKey: first.publicKey.bytes, fromHeight: 0n },
        { publicKey: second.publicKey.bytes, fromHeight: 11n },
      ],
      others: [third.publicKey.bytes],
      armedAt: 11n,
    },
  });
  const keyring = new Keyring(first, { validator: 'main', schedules });
  keyring.add(second);
  return { keys: [first, second, third], schedules, keyring };
}

test('S38, S39: below A the old key signs, from A on the new one', async () => {
  await using stack = new AsyncDisposableStack();
  const { keys, keyring } = await rotating(stack);
  expect(keyring.keyFor(10n)).toBe(keys[0]);
  expect(keyring.keyFor(11n)).toBe(keys[1]);
  expect(keyring.addressFor(10n)).toEqual(addressFromPublicKey(keys[0].publicKey));
  expect(keyring.addressFor(11n)).toEqual(addressFromPublicKey(keys[1].publicKey));
});

test('S41: a node is answered by the height it signs next', async () => {
  await using stack = new AsyncDisposableStack();
  const { keys, keyring } = await rotating(stack);
  expect(keyring.publicKeyFor(10n)).toEqual(keys[0].publicKey);
  expect(keyring.publicKeyFor(11n)).toEqual(keys[1].publicKey);
});

test('S42: a node of which nothing is known is answered with the old key while a rotation is armed', async () => {
  await using stack = new AsyncDisposableStack();
  const { keys, keyring, schedules } = await rotating(stack);
  expect(keyring.publicKeyFor()).toEqual(keys[0].publicKey);
  schedules.set('main', { schedule: schedules.scheduleOf('main') });
  expect(keyring.publicKeyFor()).toEqual(keys[1].publicKey);
});

test('S43: an address is looked for among all keys of the validator, staged ones too', async () => {
  await using stack = new AsyncDisposableStack();
  const { keys, keyring } = await rotating(stack);
  for (const key of keys) {
    expect(keyring.claimedKey(addressFromPublicKey(key.publicKey))).toEqual(key.publicKey.bytes);
  }
  expect(keyring.claimedKey(new Uint8Array(20))).toBeUndefined();
  expect(keyring.claimedKey(new Uint8Array(0))).toBeUndefined();
});

test('a key that is not on the ring signs nothing, at no height', async () => {
  await using stack = new AsyncDisposableStack();
  const { keys, keyring } = await rotating(stack);
  keyring.remove(keys[0]);
  expect(() => keyring.keyFor(10n)).toThrow(KeyNotInServiceError);
  expect(keyring.byPublicKey(keys[0].publicKey.bytes)).toBeUndefined();
  expect(keyring.keyFor(11n)).toBe(keys[1]);
  // Another key with the same public key has come meanwhile: it stays.
  const other = stack.use(new FakeKey({ clock: new ManualClock() }));
  keyring.remove(other);
  expect(keyring.keyFor(11n)).toBe(keys[1]);
});
