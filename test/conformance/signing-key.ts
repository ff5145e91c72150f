/** What every {@link SigningKey} must do, real or fake. */
import { inspect } from 'node:util';
import type { SigningKey } from '@privval/hsm/signing-key';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { opensslVerifies } from '../harness/independent-ed25519.ts';

/** A key to try, fresh for each test. */
export interface SigningKeyUnderTest {
  readonly key: SigningKey;
  /** Its 32-byte seed where the test knows it: it must not show up anywhere. */
  readonly seed?: Uint8Array;
  /** What the device behind it cannot sign. @default nothing */
  readonly limits?: SigningKeyLimits;
}

/** Messages a key refuses, each with a code, and goes on working. Sign bytes (1 to 1,024 bytes) are never among them. */
export interface SigningKeyLimits {
  /** Messages below `bytes` are refused. */
  readonly shortest?: MessageLimit;
  /** Messages above `bytes` are refused. */
  readonly longest?: MessageLimit;
}

/** A length in bytes that is still signed, and the code of the error beyond it. */
export interface MessageLimit {
  readonly bytes: number;
  readonly code: `ERR_${string}`;
}

/** The code with which `limits` has a message of this length refused; `undefined`: it is signed. */
function refusalOf(limits: SigningKeyLimits, length: number): string | undefined {
  const { shortest, longest } = limits;
  if (shortest !== undefined && length < shortest.bytes) return shortest.code;
  if (longest !== undefined && length > longest.bytes) return longest.code;
  return undefined;
}

const message = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Registers the suite. `make` gives a key in its healthy state; the suite disposes it. */
export function describeSigningKey(name: string, make: () => Promise<SigningKeyUnderTest>): void {
  describe(`${name} is a SigningKey`, () => {
    let subject: SigningKeyUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(async () => {
      await subject.key[Symbol.asyncDispose]();
    });

    test('has an Ed25519 public key of 32 bytes that stays the same', async () => {
      const { key } = subject;
      expect(key.publicKey.type).toBe('ed25519');
      expect(key.publicKey.bytes).toHaveLength(32);
      const before = key.publicKey.bytes.toHex();
      await key.sign(message('one'));
      expect(key.publicKey.bytes.toHex()).toBe(before);
    });

    test.each([
      ['an empty message', 0],
      ['one byte', 1],
      ['sign bytes', 115],
      ['more than any sign bytes', 1_024],
      ['an extension of 1 MiB', 1_048_576],
    ])(
      'signs %s as it is, or refuses it as its limits say, and OpenSSL agrees',
      async (_, length) => {
        const { key, limits = {} } = subject;
        const bytes = new Uint8Array(length).fill(7);
        const refusal = refusalOf(limits, length);
        if (refusal !== undefined) {
          const refused = await key.sign(bytes).catch((reason: unknown) => reason);
          expect(refused).toBeInstanceOf(CodedError);
          expect(refused).toMatchObject({ code: refusal });
          await expect(key.sign(message('one'))).resolves.toHaveLength(64);
          return;
        }
        const signature = await key.sign(bytes);
        expect(signature).toHaveLength(64);
        expect(opensslVerifies(key.publicKey.bytes, bytes, signature)).toBe(true);
        expect(bytes.every((byte) => byte === 7)).toBe(true);
      },
    );

    test('has no limits that touch sign bytes', () => {
      const { limits = {} } = subject;
      expect(limits.shortest?.bytes ?? 0).toBeLessThanOrEqual(1);
      expect(limits.longest?.bytes ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(1_024);
    });

    test('gives the same bytes for the same message, other bytes for another', async () => {
      const { key } = subject;
      const first = await key.sign(message('one'));
      expect(await key.sign(message('one'))).toEqual(first);
      expect(await key.sign(message('two'))).not.toEqual(first);
    });

    test('gives each of many callers at once the signature over its own message', async () => {
      const { key } = subject;
      const messages = Array.from({ length: 20 }, (_, i) => message(`message ${i}`));
      const signatures = await Promise.all(messages.map((bytes) => key.sign(bytes)));
      for (const [i, bytes] of messages.entries()) {
        const signature = signatures[i] ?? new Uint8Array(0);
        expect(opensslVerifies(key.publicKey.bytes, bytes, signature)).toBe(true);
      }
    });

    test('signs at once as it signs in time, where it can sign at once', async () => {
      const { key } = subject;
      const { signNow } = key;
      if (signNow === undefined) return;
      expect(signNow(message('one'))).toEqual(await key.sign(message('one')));
    });

    test('rejects with the reason itself when the signal was aborted before', async () => {
      const reason = { gone: 'away' };
      const asked = subject.key.sign(message('one'), { signal: AbortSignal.abort(reason) });
      await expect(asked).rejects.toBe(reason);
      await expect(subject.key.sign(message('one'))).resolves.toHaveLength(64);
    });

    test('refuses with a code once disposed, and may be disposed twice', async () => {
      const { key } = subject;
      await key[Symbol.asyncDispose]();
      await key[Symbol.asyncDispose]();
      await expect(key.sign(message('one'))).rejects.toBeInstanceOf(CodedError);
      if (key.signNow !== undefined)
        expect(() => key.signNow?.(message('one'))).toThrow(CodedError);
    });

    test('shows nothing secret to inspectors, loggers and JSON (S18)', async () => {
      const { key, seed } = subject;
      const closed = await make();
      await closed.key[Symbol.asyncDispose]();
      const error = await closed.key.sign(message('one')).catch((reason: unknown) => reason);
      const shown = [key, closed.key, error].flatMap((value) => [
        inspect(value, { showHidden: true, depth: 10, maxArrayLength: null, getters: true }),
        JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? '' : inner)),
        String(value),
      ]);
      expect(shown.join('\n')).not.toMatch(/seed|secret/i);
      if (seed !== undefined) expectNoTrace(shown, seed);
    });
  });
}

/** Fails when any of `texts` holds `secret` in a spelling a person or program could read back. */
export function expectNoTrace(texts: readonly string[], secret: Uint8Array): void {
  const bytes = [...secret];
  // Half of it would be too much already.
  const half = secret.subarray(0, secret.length / 2);
  const spellings = [
    half.toHex(),
    half.toHex().toUpperCase(),
    secret.toBase64().slice(0, 20),
    bytes.slice(0, 8).join(','),
    bytes.slice(0, 8).join(', '),
    [...half].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
    Buffer.from(secret).toString('latin1').slice(0, 16),
  ];
  for (const text of texts) {
    for (const spelling of spellings) expect(text.includes(spelling)).toBe(false);
    // util.inspect breaks long arrays into lines.
    expect(text.replaceAll(/\s+/g, '')).not.toContain(bytes.slice(0, 8).join(','));
  }
}
