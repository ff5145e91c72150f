import type { KeyProvider } from '@privval/hsm/key-provider';
import { KeyClosedError, type SigningKey } from '@privval/hsm/signing-key';
import { SupervisedKey } from '@privval/hsm/supervised-key';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { describe, expect, test } from 'vitest';
import { FakeProvider, type FakeProviderOptions } from '../harness/fake-provider.ts';
import { opensslVerifies } from '../harness/independent-ed25519.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import { whilePassing } from '../harness/passing-time.ts';
import { RecordingLogger } from '../harness/recording-logger.ts';

const ONE = new Uint8Array([1]);
const TWO = new Uint8Array([2]);
const THREE = new Uint8Array([3]);

/** A supervised key over a fake device. */
class Rig implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly device: FakeProvider;
  readonly key: SupervisedKey;
  changes = 0;

  constructor(options: FakeProviderOptions = {}, prepare?: (device: FakeProvider) => void) {
    this.device = new FakeProvider(this, options);
    prepare?.(this.device);
    this.key = SupervisedKey.start(
      {
        provider: this.device,
        clock: this.clock,
        logger: this.logger,
        onChange: () => {
          this.changes++;
        },
      },
      { expected: this.device.publicKey },
    );
  }

  /** Lines above `info`, in short. */
  get troubles(): readonly string[] {
    return this.logger.lines
      .filter(({ level }) => level === 'error' || level === 'warn')
      .map(({ fields }) => `${fields['alarm'] === true ? 'alarm ' : ''}${String(fields['code'])}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await whilePassing(this.clock, this.key[Symbol.asyncDispose]());
  }
}

describe('a provider that cannot be opened', () => {
  test('is asked again after 0.2 s, doubled up to 5 s, for as long as it takes (S26)', async () => {
    await using rig = new Rig({}, (device) => {
      device.condition = 'unplugged';
    });
    const attemptsAt: number[] = [];
    for (let ms = 0; ms <= 21_200; ms += 100) {
      await rig.clock.advance(ms === 0 ? 0 : 100);
      while (attemptsAt.length < rig.device.attempts) attemptsAt.push(ms);
    }
    expect(attemptsAt).toEqual([0, 200, 600, 1_400, 3_000, 6_200, 11_200, 16_200, 21_200]);
    expect(rig.key.health()).toMatchObject({
      state: 'out-of-service',
      fault: { code: 'ERR_FAKE_GONE', remedy: 'wait' },
    });
    rig.device.condition = 'healthy';
    await rig.clock.advance(5_000);
    expect(rig.key.health()).toMatchObject({ state: 'in-service', fault: undefined });
  });

  test('is asked every 5 s when a person has to put it right (S26)', async () => {
    await using rig = new Rig({}, (device) => {
      device.condition = 'key-missing';
    });
    await rig.clock.advance(0);
    await rig.clock.advance(50_000);
    expect(rig.device.attempts).toBe(11);
  });

  test('is never asked again after a wrong password: tokens lock themselves (S26)', async () => {
    await using rig = new Rig({}, (device) => {
      device.condition = 'wrong-password';
    });
    await rig.clock.advance(0);
    rig.device.condition = 'healthy';
    await rig.clock.advance(3_600_000);
    expect(rig.device.attempts).toBe(1);
    expect(rig.clock.pending).toBe(0);
    await expect(rig.key.sign(ONE)).rejects.toMatchObject({
      code: 'ERR_KEY_OUT_OF_SERVICE',
      remedy: 'restart',
    });
  });

  test('is logged once for each change, not for each attempt', async () => {
    await using rig = new Rig({}, (device) => {
      device.condition = 'unplugged';
    });
    await rig.clock.advance(0);
    await rig.clock.advance(600_000);
    expect(rig.device.attempts).toBeGreaterThan(100);
    expect(rig.troubles).toEqual(['alarm ERR_FAKE_GONE']);
    rig.device.condition = 'key-missing';
    await rig.clock.advance(600_000);
    expect(rig.troubles).toEqual(['alarm ERR_FAKE_GONE', 'alarm ERR_FAKE_KEY_MISSING']);
    rig.device.condition = 'healthy';
    await rig.clock.advance(5_000);
    expect(rig.logger.named('this provider is in service')).toMatchObject([
      { level: 'info', fields: { provider: 'fake device' } },
    ]);
  });

  test('tells since when it is as it is, by the wall clock', async () => {
    await using rig = new Rig();
    const startMs = rig.clock.now();
    expect(rig.key.health()).toMatchObject({ state: 'out-of-service', sinceMs: startMs });
    await rig.clock.advance(1_000);
    rig.device.condition = 'unplugged';
    await rig.key.sign(ONE).catch(() => undefined);
    await rig.clock.advance(60_000);
    expect(rig.key.health()).toMatchObject({ state: 'out-of-service', sinceMs: startMs + 1_000 });
  });
});

describe('a device with another key', () => {
  test('is never asked to sign, is an alarm, and is looked at again every 5 s (S26)', async () => {
    await using rig = new Rig({}, (device) => {
      device.condition = 'another-key';
    });
    await rig.clock.advance(0);
    await rig.clock.advance(20_000);
    expect(rig.device.attempts).toBe(5);
    expect(rig.device.openKeys).toBe(0);
    expect(rig.troubles).toEqual(['alarm ERR_ANOTHER_KEY']);
    await expect(rig.key.sign(ONE)).rejects.toMatchObject({ code: 'ERR_KEY_OUT_OF_SERVICE' });
    expect(rig.device.taken).toEqual([]);
    rig.device.condition = 'healthy';
    await rig.clock.advance(5_000);
    await expect(rig.key.sign(ONE)).resolves.toHaveLength(64);
  });

  test('put in the place of the right one is found out before it signs (S26)', async () => {
    await using rig = new Rig();
    await rig.clock.advance(0);
    await rig.key.sign(ONE);
    rig.device.condition = 'another-key';
    await expect(rig.key.sign(TWO)).rejects.toMatchObject({ code: 'ERR_FAKE_SESSION_LOST' });
    await rig.clock.advance(0);
    expect(rig.key.health().fault?.code).toBe('ERR_ANOTHER_KEY');
    expect(rig.device.taken).toEqual([ONE]);
  });
});

describe('a device that fails while it signs', () => {
  test('has everything in its queue rejected at once, and is opened again (S26)', async () => {
    await using rig = new Rig({ signMs: 115 });
    await rig.clock.advance(0);
    const asked = [ONE, TWO, THREE].map((message) => rig.key.sign(message));
    const outcomes = Promise.allSettled(asked);
    await rig.clock.advance(0);
    await rig.clock.advance(50);
    rig.device.condition = 'unplugged';
    const { value, tookMs } = await whilePassing(rig.clock, outcomes);
    expect(value).toMatchObject([
      { reason: { code: 'ERR_FAKE_GONE' } },
      { reason: { code: 'ERR_KEY_OUT_OF_SERVICE' } },
      { reason: { code: 'ERR_KEY_OUT_OF_SERVICE' } },
    ]);
    // The message at hand, to its end; the others not at all.
    expect(tookMs).toBe(65);
    expect(rig.device.taken).toEqual([ONE]);
    rig.device.condition = 'healthy';
    await rig.clock.advance(200);
    expect(rig.key.health().state).toBe('in-service');
    expect(rig.device.openKeys).toBe(1);
  });

  test('stays in service when it was the message’s fault', async () => {
    await using rig = new Rig();
    await rig.clock.advance(0);
    const tooLong = rig.key.sign(new Uint8Array(2_020));
    await expect(tooLong).rejects.toMatchObject({ code: 'ERR_FAKE_MESSAGE_TOO_LONG' });
    expect(rig.key.health().state).toBe('in-service');
    expect(rig.device.attempts).toBe(1);
    await expect(rig.key.sign(ONE)).resolves.toHaveLength(64);
  });

  test('stays in service when its caller went away, and goes on with the next (S25)', async () => {
    await using rig = new Rig({ signMs: 115 });
    await rig.clock.advance(0);
    const abort = new AbortController();
    const gone = rig.key.sign(ONE, { signal: abort.signal });
    await rig.clock.advance(50);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(gone).rejects.toBe(reason);
    const { value } = await whilePassing(rig.clock, rig.key.sign(TWO));
    expect(opensslVerifies(rig.device.publicKey.bytes, TWO, value ?? ONE)).toBe(true);
    expect(rig.device.attempts).toBe(1);
  });

  test('is not closed for what an earlier opening of it failed at', async () => {
    await using scripted = await ScriptedKey.open();
    const { key, provider, clock } = scripted;
    const outcomes = Promise.allSettled([key.sign(ONE), key.sign(TWO)]);
    provider.asked[0]?.reject(new KeyClosedError());
    await outcomes;
    await clock.advance(0);
    expect(key.health().state).toBe('in-service');
    // The second request's own failure comes late, from a key that is closed already.
    provider.asked[1]?.reject(new KeyClosedError());
    await clock.advance(0);
    expect(key.health().state).toBe('in-service');
    expect(provider.opened).toBe(2);
  });
});

describe('a signature that does not verify', () => {
  test('is never handed out; the provider comes back with a new opening, on probation (S20, S29)', async () => {
    await using rig = new Rig();
    await rig.clock.advance(0);
    rig.device.condition = 'wrong-signature';
    await expect(rig.key.sign(ONE)).rejects.toMatchObject({ code: 'ERR_SIGNATURE_INVALID' });
    expect(rig.key.health().state).toBe('out-of-service');
    expect(rig.troubles).toEqual(['alarm ERR_SIGNATURE_INVALID']);
    rig.device.condition = 'healthy';
    await rig.clock.advance(0);
    expect(rig.device.attempts).toBe(2);
    expect(rig.key.health()).toMatchObject({
      state: 'on-probation',
      fault: { code: 'ERR_SIGNATURE_INVALID' },
    });
    await expect(rig.key.sign(ONE)).resolves.toHaveLength(64);
    expect(rig.key.health()).toMatchObject({ state: 'in-service', fault: undefined });
    expect(rig.device.taken).toEqual([ONE, ONE]);
  });

  test('and a second one end the provider until the operator has looked (S29)', async () => {
    await using rig = new Rig();
    await rig.clock.advance(0);
    rig.device.condition = 'wrong-signature';
    await rig.key.sign(ONE).catch(() => undefined);
    await rig.clock.advance(0);
    await expect(rig.key.sign(ONE)).rejects.toMatchObject({
      code: 'ERR_SIGNATURE_INVALID',
      remedy: 'restart',
    });
    rig.device.condition = 'healthy';
    await rig.clock.advance(3_600_000);
    expect(rig.device.attempts).toBe(2);
    expect(rig.key.health()).toMatchObject({
      state: 'out-of-service',
      fault: { remedy: 'restart' },
    });
    await expect(rig.key.sign(ONE)).rejects.toMatchObject({ remedy: 'restart' });
  });

  test('is one failure with all others of the same opening (S29)', async () => {
    await using scripted = await ScriptedKey.open();
    const { key, provider, clock, logger } = scripted;
    const outcomes = Promise.allSettled([key.sign(ONE), key.sign(TWO)]);
    for (const request of provider.asked) request.resolve(new Uint8Array(64));
    const wrong = { code: 'ERR_SIGNATURE_INVALID', remedy: 'wait' };
    expect(await outcomes).toMatchObject([{ reason: wrong }, { reason: wrong }]);
    await clock.advance(0);
    expect(key.health().state).toBe('on-probation');
    expect(logger.lines.map(({ level }) => level)).toEqual(['info', 'error', 'warn']);
  });

  test.each<[string, (message: Uint8Array, sign: Ed25519SecretKey) => Uint8Array]>([
    ['writes into the message it is given', (message, secret) => secret.sign(message.fill(9))],
    ['answers with too few bytes', (message, secret) => secret.sign(message).subarray(1)],
    ['answers with nothing', () => new Uint8Array(0)],
  ])('is found out in a key that %s (S20)', async (_, answer) => {
    await using scripted = await ScriptedKey.open();
    const { key, provider } = scripted;
    const message = new Uint8Array([1, 2, 3]);
    const signed = key.sign(message);
    const [request] = provider.asked;
    request?.resolve(answer(request.message, provider.secret));
    await expect(signed).rejects.toMatchObject({ code: 'ERR_SIGNATURE_INVALID' });
    expect(message).toEqual(new Uint8Array([1, 2, 3]));
  });

  test('is not made of a good one by a key that uses its array again (S20)', async () => {
    await using scripted = await ScriptedKey.open();
    const { key, provider } = scripted;
    const signed = key.sign(ONE);
    const array = Buffer.from(provider.secret.sign(ONE));
    provider.asked[0]?.resolve(array);
    const signature = await signed;
    array.fill(0);
    expect(opensslVerifies(provider.publicKey.bytes, ONE, signature)).toBe(true);
  });
});

describe('a supervised key that is disposed', () => {
  test('rejects whoever waits, closes key and provider, and leaves no timer behind', async () => {
    const rig = new Rig({ signMs: 115 });
    await rig.clock.advance(0);
    const signed = rig.key.sign(ONE);
    const outcome = expect(signed).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' });
    await rig.clock.advance(10);
    await rig[Symbol.asyncDispose]();
    await outcome;
    expect(rig.device).toMatchObject({ openKeys: 0, isDisposed: true });
    await expect(rig.key.sign(ONE)).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' });
    await rig.clock.advance(1_000);
    expect(rig.clock.pending).toBe(0);
    expect(rig.device.attempts).toBe(1);
  });

  test('does so while it waits for the next attempt, and during one', async () => {
    for (const condition of ['unplugged', 'stalled'] as const) {
      const rig = new Rig({}, (device) => {
        device.condition = condition;
      });
      await rig.clock.advance(100);
      await rig[Symbol.asyncDispose]();
      expect(rig.device).toMatchObject({ attempts: 1, openKeys: 0, isDisposed: true });
      await rig.clock.advance(1_000);
      expect(rig.clock.pending).toBe(0);
    }
  });
});

/** Opens keys that answer what a test says, when it says so. */
class ScriptedProvider implements KeyProvider {
  readonly name = 'scripted';
  readonly secret = Ed25519SecretKey.generate();
  readonly publicKey: PublicKey = this.secret.publicKey;
  readonly asked: (PromiseWithResolvers<Uint8Array> & { readonly message: Uint8Array })[] = [];
  opened = 0;

  async openKey(): Promise<SigningKey> {
    this.opened++;
    return {
      publicKey: this.publicKey,
      sign: (message) => {
        const request = { ...Promise.withResolvers<Uint8Array>(), message };
        this.asked.push(request);
        return request.promise;
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A supervised key over such a provider, open. */
class ScriptedKey implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly provider = new ScriptedProvider();
  readonly key: SupervisedKey = SupervisedKey.start(this, { expected: this.provider.publicKey });

  static async open(): Promise<ScriptedKey> {
    const scripted = new ScriptedKey();
    await scripted.clock.advance(0);
    return scripted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.key[Symbol.asyncDispose]();
  }
}
