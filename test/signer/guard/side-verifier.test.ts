import { randomBytes } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';
import { MemoryKey } from '@privval/hsm/memory/memory-key';
import type { SigningKey } from '@privval/hsm/signing-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { silentLogger } from '@privval/proto/runtime/logger';
import { SideSecrets } from '@privval/signer/guard/side-secrets';
import {
  PHASE_OF_THREAD,
  SECRET_STATE,
  SIDE_ROOM,
  sharedSlots,
  WORD,
} from '@privval/signer/guard/side-slots';
import { SideVerifier } from '@privval/signer/guard/side-verifier';
import { expect, test } from 'vitest';

interface Case {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly isGood: boolean;
}

/** Signatures by `key`, every other one damaged, over messages of every length up to past a slot's. */
function cases(key: Ed25519SecretKey, count: number): readonly Case[] {
  return Array.from({ length: count }, (_, i) => {
    const message = new Uint8Array(randomBytes(1 + ((i * 7) % 500)));
    const signature = key.sign(message);
    const isGood = i % 2 === 0;
    if (!isGood) signature[i % 64] = (signature[i % 64] ?? 0) ^ 1;
    return { message, signature, isGood };
  });
}

test('S20: says what strict verification says: before its thread is up, while it is, and after it is gone', async () => {
  using key = Ed25519SecretKey.generate();
  const verifier = new SideVerifier({ logger: silentLogger });
  const check = ({ message, signature, isGood }: Case): void => {
    expect(verifier.begin(key.publicKey, message, signature).verdict()).toBe(isGood);
  };
  for (const input of cases(key, 200)) {
    check(input);
    await immediate();
  }
  for (let round = 0; round < 5; round++) {
    // More at once than there are slots, asked for in another order than begun.
    const begun = cases(key, 300).map((input) => ({
      input,
      verification: verifier.begin(key.publicKey, input.message, input.signature),
    }));
    for (const { input, verification } of begun.reverse()) {
      expect(verification.verdict()).toBe(input.isGood);
    }
    await immediate();
  }
  await verifier[Symbol.asyncDispose]();
  for (const input of cases(key, 20)) check(input);
});

/** Lets the other thread get on until it signs with `key`. */
async function untilSigning(verifier: SideVerifier, key: MemoryKey): Promise<void> {
  for (;;) {
    const making = verifier.beginSigning(key, MESSAGE);
    if (making?.signature() !== undefined) return;
    verifier.begin(key.publicKey, MESSAGE, key.signNow(MESSAGE)).verdict();
    await immediate();
  }
}

const MESSAGE = new Uint8Array(110).fill(7);

test('S20: signs as the key itself signs, or not at all: before its thread is up, while it is, and after it is gone', async () => {
  await using keys = new AsyncDisposableStack();
  const pair = [1, 2].map(() => keys.use(MemoryKey.fromSecretKey(Ed25519SecretKey.generate())));
  const verifier = new SideVerifier({ logger: silentLogger });
  let made = 0;
  for (const key of pair) expect(verifier.beginSigning(key, MESSAGE)).toBeUndefined();
  for (const key of pair) await untilSigning(verifier, key);
  for (let round = 0; round < 5; round++) {
    const begun = Array.from({ length: 200 }, (_, i) => {
      const key = pair[i % 2] as MemoryKey;
      const message = new Uint8Array(randomBytes(1 + ((i * 13) % 1200)));
      return { key, message, making: verifier.beginSigning(key, message) };
    });
    for (const { key, message, making } of begun.reverse()) {
      const signature = making?.signature();
      if (signature === undefined) continue;
      made += 1;
      expect(signature).toEqual(key.signNow(message));
    }
    await immediate();
  }
  // A thread that a busy machine never runs makes few; none at all would be this test seeing nothing.
  expect(made).toBeGreaterThan(0);
  await verifier[Symbol.asyncDispose]();
  for (const key of pair) expect(verifier.beginSigning(key, MESSAGE)).toBeUndefined();
});

test('S20: a secret that is not the one of the public key makes nothing', async () => {
  await using key = MemoryKey.fromSecretKey(Ed25519SecretKey.generate());
  await using other = MemoryKey.fromSecretKey(Ed25519SecretKey.generate());
  await using verifier = new SideVerifier({ logger: silentLogger });
  await untilSigning(verifier, key);
  const mixed: SigningKey = {
    publicKey: other.publicKey,
    lendable: key.lendable,
    sign: (message) => other.sign(message),
    [Symbol.asyncDispose]: async () => undefined,
  };
  for (let i = 0; i < 20; i++) {
    const making = verifier.beginSigning(mixed, MESSAGE);
    await immediate();
    expect(making?.signature()).toBeUndefined();
  }
});

test('S18: a secret stays in the shared memory no longer than the thread needs to take it, and with the thread no longer than its key', async () => {
  const memory = new SharedArrayBuffer(SIDE_ROOM.bytes);
  const secret = Ed25519SecretKey.generate();
  const seed = secret.exportSeed((bytes) => new Uint8Array(bytes));
  const key = MemoryKey.fromSecretKey(secret);
  await using verifier = new SideVerifier({ logger: silentLogger, memory });
  await untilSigning(verifier, key);
  expect(Buffer.from(memory).includes(seed)).toBe(false);
  const states = Array.from({ length: SIDE_ROOM.secrets }, (_, i) => WORD.secret(i));
  const { words } = sharedSlots(memory);
  const heldNow = (): number =>
    states.filter((word) => Atomics.load(words, word) !== SECRET_STATE.none).length;
  expect(heldNow()).toBe(1);
  await key[Symbol.asyncDispose]();
  while (heldNow() > 0) await immediate();
  expect(verifier.beginSigning(key, MESSAGE)).toBeUndefined();
  expect(Buffer.from(memory).includes(seed)).toBe(false);
});

test('S18: a key that is closed before the thread has taken its secret leaves none behind', async () => {
  const memory = new SharedArrayBuffer(SIDE_ROOM.bytes);
  const slots = sharedSlots(memory);
  // As if the thread were up, and never came to look.
  Atomics.store(slots.words, WORD.phase, PHASE_OF_THREAD.running);
  const secrets = new SideSecrets(slots);
  const secret = Ed25519SecretKey.generate();
  const seed = secret.exportSeed((bytes) => new Uint8Array(bytes));
  const key = MemoryKey.fromSecretKey(secret);
  expect(secrets.numberOf(key.lendable)).toBeUndefined();
  expect(Buffer.from(memory).includes(seed)).toBe(true);
  await key[Symbol.asyncDispose]();
  expect(Buffer.from(memory).includes(seed)).toBe(false);
  expect(() => key.lendable.lend(() => undefined)).toThrow('closed');
});
