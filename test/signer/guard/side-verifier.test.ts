import { randomBytes } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { silentLogger } from '@privval/proto/runtime/logger';
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
