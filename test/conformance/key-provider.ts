/** What every {@link KeyProvider} must do, real or fake, in health and in each of its faults. */
import { inspect } from 'node:util';
import { FailOverKey } from '@privval/hsm/fail-over-key';
import { type KeyProvider, type Remedy, remedyOf } from '@privval/hsm/key-provider';
import type { SigningKey } from '@privval/hsm/signing-key';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { describe, expect, test } from 'vitest';
import { opensslVerifies } from '../harness/independent-ed25519.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import { describeSigningKey, expectNoTrace, type SigningKeyLimits } from './signing-key.ts';

/** A provider to try, fresh for each test, over a device in its healthy state. */
export interface KeyProviderUnderTest extends AsyncDisposable {
  /** The suite disposes it before the subject. */
  readonly provider: KeyProvider;
  /** Of the key it holds: 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The key's seed, passwords: what must not show up anywhere. At least 8 bytes each. */
  readonly secrets?: readonly Uint8Array[];
  /** What the key cannot sign. @default nothing */
  readonly limits?: SigningKeyLimits;
  /** Signatures that the device has made so far, where it can be asked. */
  readonly signatures?: (() => number) | undefined;
  /** What the suite does while it waits for a device whose time stands still otherwise. */
  readonly passTime?: (() => Promise<void>) | undefined;
  /** The faults that it can be put into, by name. */
  readonly faults?: Readonly<Record<string, FaultUnderTest>>;
}

/** Something that can be wrong with a key, a device, or the way to it. */
export interface FaultUnderTest {
  begin(): void | Promise<void>;
  /** Absent: nobody can put it right while the process runs. */
  readonly end?: () => void | Promise<void>;
  /** What becomes of an attempt to open the key meanwhile. */
  readonly opens: 'the-key' | 'another-key' | FailureToOpen;
  /** What becomes of a key that was opened before, when it is asked to sign. */
  readonly signs: 'well' | 'wrongly' | 'not-at-all';
}

/** How opening fails. */
export interface FailureToOpen {
  readonly code: string;
  readonly remedy: Remedy;
}

const message = (text: string): Uint8Array => new TextEncoder().encode(text);

/**
 * Registers the suite. `make` gives a provider in its healthy state.
 *
 * @param faults names of the faults that every subject of `make` has.
 */
export function describeKeyProvider(
  name: string,
  make: () => Promise<KeyProviderUnderTest>,
  faults: readonly string[] = [],
): void {
  describeSigningKey(`the key of ${name}`, async () => {
    const subject = await make();
    const key = await subject.provider.openKey();
    return {
      key: owning(key, subject),
      ...(subject.limits === undefined ? {} : { limits: subject.limits }),
    };
  });

  describe(`${name} is a KeyProvider`, () => {
    test('opens the key it holds, without a signature (S26)', async () => {
      await using subject = await make();
      await using provider = subject.provider;
      await using key = await provider.openKey();
      expect(key.publicKey).toEqual({ type: 'ed25519', bytes: subject.publicKey });
      expect(subject.signatures?.() ?? 0).toBe(0);
      await expectSigns(key, subject);
    });

    test('opens it again after it was closed, and twice at once; closing one leaves the other', async () => {
      await using subject = await make();
      await using provider = subject.provider;
      const first = await provider.openKey();
      await first[Symbol.asyncDispose]();
      const second = await provider.openKey();
      await using third = await provider.openKey();
      await second[Symbol.asyncDispose]();
      await expect(second.sign(message('closed'))).rejects.toBeInstanceOf(CodedError);
      await expectSigns(third, subject);
    });

    test('rejects with the reason itself when the signal was aborted before', async () => {
      await using subject = await make();
      await using provider = subject.provider;
      const reason = { gone: 'away' };
      const opened = provider.openKey({ signal: AbortSignal.abort(reason) });
      await expect(opened).rejects.toBe(reason);
      await using key = await provider.openKey();
      await expectSigns(key, subject);
    });

    test('may be disposed twice', async () => {
      await using subject = await make();
      await subject.provider[Symbol.asyncDispose]();
      await subject.provider[Symbol.asyncDispose]();
    });

    test('has a name, and shows nothing secret to inspectors, loggers and JSON (S18)', async () => {
      await using subject = await make();
      await using provider = subject.provider;
      await using key = await provider.openKey();
      expect(provider.name).toMatch(/^\S.*\S$/);
      const shown = [provider, key].flatMap((value) => [
        inspect(value, { showHidden: true, depth: 10, maxArrayLength: null, getters: true }),
        JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? '' : inner)),
        String(value),
      ]);
      for (const secret of subject.secrets ?? []) expectNoTrace([provider.name, ...shown], secret);
    });

    test('serves a supervised key, which is in service at once', async () => {
      await using subject = await make();
      await using served = supervised(subject);
      await soon(subject, served.key.waitUntilInService());
      expect(served.key.health()).toMatchObject([
        { name: subject.provider.name, state: 'in-service', isActive: true, fault: undefined },
      ]);
      await expectSigns(served.key, subject);
    });
  });

  if (faults.length === 0) return;
  describe.each(faults)(`${name}, %s,`, (fault) => {
    test('opens, or says with a code and a remedy why not (S26)', async () => {
      await using subject = await make();
      await using provider = subject.provider;
      const { begin, opens } = faultOf(subject, fault);
      await begin();
      const opened = soon(subject, provider.openKey());
      if (typeof opens === 'object') {
        const error = await opened.then(closed, (reason: unknown) => reason);
        expect(error).toBeInstanceOf(CodedError);
        expect(error).toMatchObject({ code: opens.code });
        expect(remedyOf(error)).toBe(opens.remedy);
        for (const secret of subject.secrets ?? []) expectNoTrace([inspect(error)], secret);
        return;
      }
      await using key = await opened;
      const isTheKey = opens === 'the-key';
      expect(key.publicKey.bytes.toHex() === subject.publicKey.toHex()).toBe(isTheKey);
    });

    test('signs with a key that was open, or fails with a code', async () => {
      await using subject = await make();
      await using provider = subject.provider;
      await using key = await provider.openKey();
      await expectSigns(key, subject);
      const { begin, signs } = faultOf(subject, fault);
      await begin();
      const asked = message('during the fault');
      const signed = soon(subject, key.sign(asked));
      if (signs === 'not-at-all') await expect(signed).rejects.toBeInstanceOf(CodedError);
      else {
        const isGood = opensslVerifies(subject.publicKey, asked, await signed);
        expect(isGood).toBe(signs === 'well');
      }
    });

    test('hands out no signature but a good one under supervision, and is back when it is over (S20, S29)', async () => {
      await using subject = await make();
      const { begin, end, signs } = faultOf(subject, fault);
      await using served = supervised(subject);
      await soon(subject, served.key.waitUntilInService());
      await expectSigns(served.key, subject);
      await begin();
      const asked = message('asked during the fault');
      const outcome = await served.until(
        served.key.sign(asked).catch((error: unknown) => error),
        subject,
      );
      if (signs === 'well') {
        if (!(outcome instanceof Uint8Array)) throw outcome;
        expect(opensslVerifies(subject.publicKey, asked, outcome)).toBe(true);
      } else expect(outcome).toBeInstanceOf(CodedError);
      if (end === undefined) return;
      await end();
      if (served.key.health()[0]?.fault?.remedy === 'restart') return;
      await served.until(served.key.waitUntilInService({ until: 'restart' }), subject);
      const again = await served.until(served.key.sign(asked), subject);
      expect(opensslVerifies(subject.publicKey, asked, again)).toBe(true);
      expect(served.key.health()).toMatchObject([{ state: 'in-service', fault: undefined }]);
    });
  });
}

function faultOf(subject: KeyProviderUnderTest, name: string): FaultUnderTest {
  const fault = subject.faults?.[name];
  if (fault === undefined) throw new Error(`the subject has no fault "${name}"`);
  return fault;
}

async function expectSigns(key: SigningKey, subject: KeyProviderUnderTest): Promise<void> {
  const asked = message('a message');
  const signature = await soon(subject, key.sign(asked));
  expect(opensslVerifies(subject.publicKey, asked, signature)).toBe(true);
}

async function closed(key: SigningKey): Promise<string> {
  await key[Symbol.asyncDispose]();
  return 'it opened';
}

/** The outcome of `promise`, with time passing for the device meanwhile. */
async function soon<T>(subject: KeyProviderUnderTest, promise: Promise<T>): Promise<T> {
  const { passTime } = subject;
  if (passTime === undefined) return promise;
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined);
  while (!isSettled) await passTime();
  return settled;
}

/** A key served from the subject's provider alone, under a clock of its own. */
function supervised(subject: KeyProviderUnderTest): AsyncDisposable & {
  readonly key: FailOverKey;
  /** The outcome of `promise`, with time passing for supervision and device meanwhile. */
  until<T>(promise: Promise<T>, subject: KeyProviderUnderTest): Promise<T>;
} {
  const clock = new ManualClock();
  const key = FailOverKey.start(
    { clock, logger: silentLogger },
    { providers: [subject.provider], expected: ed25519PublicKey(subject.publicKey), graceMs: 0 },
  );
  return {
    key,
    until: (promise) =>
      soon(
        {
          ...subject,
          passTime: async () => {
            await clock.advance(200);
            await subject.passTime?.();
          },
        },
        promise,
      ),
    [Symbol.asyncDispose]: () => soon(subject, key[Symbol.asyncDispose]()),
  };
}

/** `key`, which takes its provider and subject with it when it is disposed. */
function owning(key: SigningKey, subject: KeyProviderUnderTest): SigningKey {
  const { signNow, lendable } = key;
  return {
    publicKey: key.publicKey,
    sign: (asked, options) => soon(subject, key.sign(asked, options)),
    ...(signNow === undefined ? {} : { signNow }),
    ...(lendable === undefined ? {} : { lendable }),
    [Symbol.asyncDispose]: async () => {
      await key[Symbol.asyncDispose]();
      await subject.provider[Symbol.asyncDispose]();
      await subject[Symbol.asyncDispose]();
    },
  };
}
