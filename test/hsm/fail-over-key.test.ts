import type { ProvidedKey, ProviderHealth } from '@privval/hsm/key-provider';
import { MemoryKeyProvider } from '@privval/hsm/memory/memory-provider';
import { openProvidedKey } from '@privval/hsm/open-provided-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { describe, expect, test } from 'vitest';
import { type FakeCondition, FakeProvider } from '../harness/fake-provider.ts';
import { opensslVerifies } from '../harness/independent-ed25519.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import { whilePassing } from '../harness/passing-time.ts';
import { RecordingLogger } from '../harness/recording-logger.ts';

const ONE = new Uint8Array([1]);
const TWO = new Uint8Array([2]);
/** What a YubiHSM takes for an Ed25519 signature. */
const SIGN_MS = 115;

/** A key in one device or two. */
class Rig implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly devices: readonly FakeProvider[];
  readonly key: ProvidedKey;

  private constructor(conditions: readonly FakeCondition[], graceMs: number | undefined) {
    const seed = new Uint8Array(32).fill(5);
    this.devices = conditions.map(
      (_, index) => new FakeProvider(this, { name: `device ${index}`, seed, signMs: SIGN_MS }),
    );
    for (const [index, condition] of conditions.entries()) this.set(index, condition);
    this.key = openProvidedKey(this, {
      providers: this.devices,
      expected: this.device(0).publicKey,
      graceMs,
    });
  }

  /** The first attempts to open them have ended when it resolves. */
  static async open(
    conditions: readonly FakeCondition[],
    options: { readonly graceMs?: number } = {},
  ): Promise<Rig> {
    const rig = new Rig(conditions, options.graceMs);
    await rig.clock.advance(0);
    return rig;
  }

  device(index: number): FakeProvider {
    const device = this.devices[index];
    if (device === undefined) throw new Error('no such device');
    return device;
  }

  set(index: number, condition: FakeCondition): void {
    this.device(index).condition = condition;
  }

  health(index: number): ProviderHealth | undefined {
    return this.key.health()[index];
  }

  /** The providers' states in short, the active one marked. */
  get states(): readonly string[] {
    return this.key.health().map(({ state, isActive }) => `${state}${isActive ? ' *' : ''}`);
  }

  async sign(message: Uint8Array, signal?: AbortSignal) {
    const outcome = await whilePassing(this.clock, this.key.sign(message, { signal }));
    const { value } = outcome;
    if (value !== undefined) {
      expect(opensslVerifies(this.key.publicKey.bytes, message, value)).toBe(true);
    }
    return outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await whilePassing(this.clock, this.key[Symbol.asyncDispose]());
  }
}

describe('a key in two devices', () => {
  test('is signed with by the first, and the other is not asked', async () => {
    await using rig = await Rig.open(['healthy', 'healthy']);
    expect(rig.states).toEqual(['in-service *', 'in-service']);
    expect(await rig.sign(ONE)).toMatchObject({ tookMs: SIGN_MS });
    expect(rig.device(1).taken).toEqual([]);
  });

  test.each<[FakeCondition, number]>([
    ['unplugged', 0],
    ['failing', SIGN_MS],
    ['wrong-signature', SIGN_MS],
    ['stalled', 700],
    ['another-key', 0],
    ['key-missing', 0],
    ['wrong-password', 0],
  ])(
    'is signed with by the other, over the same bytes, when the first is %s (S28)',
    async (condition, extraMs) => {
      await using rig = await Rig.open(['healthy', 'healthy']);
      await rig.sign(ONE);
      rig.set(0, condition);
      const { value, tookMs } = await rig.sign(TWO);
      expect(value).toHaveLength(64);
      // Steps of the clock are 5 ms.
      expect(tookMs).toBeLessThanOrEqual(SIGN_MS + extraMs + 5);
      expect(rig.device(1).taken).toEqual([TWO]);
      expect(rig.health(1)).toMatchObject({ isActive: true, state: 'in-service' });
    },
  );

  test('takes under 1.5 s for that, with a stalled device at its deadline (S28)', async () => {
    await using rig = await Rig.open(['healthy', 'healthy']);
    rig.set(0, 'stalled');
    expect((await rig.sign(ONE)).tookMs).toBe(700 + SIGN_MS);
    // From then on nothing waits for it.
    expect((await rig.sign(TWO)).tookMs).toBe(SIGN_MS);
  });

  test('does not go back by itself, nor while the other one signs (S28)', async () => {
    await using rig = await Rig.open(['healthy', 'healthy']);
    rig.set(0, 'unplugged');
    await rig.sign(ONE);
    rig.set(0, 'healthy');
    await rig.clock.advance(60_000);
    expect(rig.states).toEqual(['in-service', 'in-service *']);
    await rig.sign(TWO);
    expect(rig.device(0).taken).toEqual([]);
    // Until there is need.
    rig.set(1, 'unplugged');
    await rig.sign(ONE);
    expect(rig.states).toEqual(['in-service *', 'out-of-service']);
    expect(rig.logger.lines.filter(({ fields }) => fields['before'] !== undefined)).toMatchObject([
      { level: 'error', fields: { alarm: true, before: 'device 0', provider: 'device 1' } },
      { level: 'error', fields: { alarm: true, before: 'device 1', provider: 'device 0' } },
    ]);
  });

  test('is not failed over for time in the queue: 16 signatures of 115 ms are 1.84 s (S28)', async () => {
    await using rig = await Rig.open(['healthy', 'healthy']);
    const messages = Array.from({ length: 16 }, (_, i) => new Uint8Array([i]));
    const all = Promise.all(messages.map((message) => rig.key.sign(message)));
    expect((await whilePassing(rig.clock, all)).tookMs).toBe(16 * SIGN_MS);
    expect(rig.device(0).taken).toEqual(messages);
    expect(rig.device(1).taken).toEqual([]);
    expect(rig.states).toEqual(['in-service *', 'in-service']);
  });

  test('is not failed over for a message that no device would sign', async () => {
    await using rig = await Rig.open(['healthy', 'healthy']);
    const { error } = await rig.sign(new Uint8Array(2_020));
    expect(error).toMatchObject({ code: 'ERR_FAKE_MESSAGE_TOO_LONG' });
    expect(rig.states).toEqual(['in-service *', 'in-service']);
  });

  test('is served by the second alone when the first cannot be opened at the start (S28)', async () => {
    await using rig = await Rig.open(['unplugged', 'healthy']);
    await rig.key.waitUntilInService();
    expect(rig.states).toEqual(['out-of-service *', 'in-service']);
    expect(await rig.sign(ONE)).toMatchObject({ tookMs: SIGN_MS });
    expect(rig.states).toEqual(['out-of-service', 'in-service *']);
  });

  test('is not signed with by a second device that holds another key (S28)', async () => {
    await using rig = await Rig.open(['healthy', 'another-key']);
    expect(rig.health(1)).toMatchObject({
      state: 'out-of-service',
      fault: { code: 'ERR_ANOTHER_KEY', remedy: 'repair' },
    });
    rig.set(0, 'unplugged');
    const { error } = await rig.sign(ONE);
    expect(error).toMatchObject({ code: 'ERR_KEY_OUT_OF_SERVICE' });
    expect((error as Error).message).toMatch(
      /device 0: .*ERR_FAKE_GONE.*device 1: .*ERR_ANOTHER_KEY/,
    );
    expect(rig.device(1).taken).toEqual([]);
  });

  test('drops the late signature of the first: the caller has the other’s (S28)', async () => {
    await using rig = await Rig.open(['healthy', 'healthy']);
    rig.set(0, 'stalled');
    const signed = rig.key.sign(ONE);
    await rig.clock.advance(0);
    await rig.clock.advance(700);
    rig.set(0, 'healthy');
    await rig.clock.advance(SIGN_MS);
    expect(opensslVerifies(rig.key.publicKey.bytes, ONE, await signed)).toBe(true);
    expect([rig.device(0).taken, rig.device(1).taken]).toEqual([[ONE], [ONE]]);
    expect(rig.health(1)?.isActive).toBe(true);
  });

  test('asks nobody else once its caller has gone away (S25)', async () => {
    await using rig = await Rig.open(['healthy', 'healthy']);
    rig.set(0, 'stalled');
    const abort = new AbortController();
    const signed = rig.key.sign(ONE, { signal: abort.signal });
    await rig.clock.advance(0);
    await rig.clock.advance(300);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(signed).rejects.toBe(reason);
    await rig.clock.advance(5_000);
    expect(rig.device(1).taken).toEqual([]);
    expect(rig.states).toEqual(['in-service *', 'in-service']);
  });

  test('asks the second for the bytes that the first was asked for, whatever the caller’s array has become (S28)', async () => {
    await using rig = await Rig.open(['healthy', 'healthy']);
    rig.set(0, 'stalled');
    const message = new Uint8Array([1, 2, 3]);
    const signed = rig.key.sign(message);
    message.fill(9);
    await whilePassing(rig.clock, signed);
    expect(rig.device(1).taken).toEqual([new Uint8Array([1, 2, 3])]);
  });

  test('has no signature at once: two providers take turns, which takes time', async () => {
    await using rig = await Rig.open(['healthy', 'healthy']);
    expect(rig.key.signNow).toBeUndefined();
  });

  test('cannot be had in three', () => {
    const clock = new ManualClock();
    const providers = [1, 2, 3].map(() => new FakeProvider({ clock }));
    const expected = new FakeProvider({ clock }).publicKey;
    const deps = { clock, logger: new RecordingLogger() };
    expect(() => openProvidedKey(deps, { providers, expected })).toThrow(InvariantError);
    expect(() => openProvidedKey(deps, { providers: [], expected })).toThrow(InvariantError);
  });
});

describe('a request during an outage', () => {
  test('waits for a device that is replugged, and gets the signature it asked for (S30)', async () => {
    await using rig = await Rig.open(['healthy']);
    const signed = rig.key.sign(ONE);
    await rig.clock.advance(0);
    await rig.clock.advance(50);
    rig.set(0, 'unplugged');
    await rig.clock.advance(1_000);
    rig.set(0, 'healthy');
    const { value } = await whilePassing(rig.clock, signed);
    expect(opensslVerifies(rig.key.publicKey.bytes, ONE, value ?? ONE)).toBe(true);
    expect(rig.device(0).taken).toEqual([ONE, ONE]);
  });

  test('does so no longer than 3 s, and is told the device’s own fault then', async () => {
    await using rig = await Rig.open(['healthy']);
    await rig.sign(ONE);
    rig.set(0, 'unplugged');
    const { error, tookMs } = await rig.sign(TWO);
    expect(error).toMatchObject({ code: 'ERR_FAKE_GONE' });
    expect(tookMs).toBe(3_000);
  });

  test('does not wait when the outage has lasted that long already: a node stands still meanwhile', async () => {
    await using rig = await Rig.open(['healthy']);
    rig.set(0, 'unplugged');
    await rig.sign(ONE);
    expect(await rig.sign(TWO)).toMatchObject({
      error: { code: 'ERR_KEY_OUT_OF_SERVICE' },
      tookMs: 0,
    });
  });

  test('waits only for what is left of it', async () => {
    await using rig = await Rig.open(['healthy']);
    rig.set(0, 'unplugged');
    const first = rig.key.sign(ONE).catch((error: unknown) => error);
    await rig.clock.advance(0);
    await rig.clock.advance(2_000);
    expect((await rig.sign(TWO)).tookMs).toBe(1_000);
    expect(await first).toMatchObject({ code: 'ERR_FAKE_GONE' });
  });

  test.each<FakeCondition>(['key-missing', 'another-key', 'wrong-password'])(
    'does not wait for what time does not heal: %s',
    async (condition) => {
      await using rig = await Rig.open(['healthy']);
      await rig.sign(ONE);
      rig.set(0, condition);
      expect((await rig.sign(TWO)).tookMs).toBeLessThanOrEqual(5);
    },
  );

  test('outlives a single answer that looks as if time did not heal it', async () => {
    await using rig = await Rig.open(['healthy']);
    rig.set(0, 'key-missing-once');
    const { value } = await rig.sign(ONE);
    expect(opensslVerifies(rig.key.publicKey.bytes, ONE, value ?? ONE)).toBe(true);
  });

  test('does not wait for a device that was never there', async () => {
    await using rig = await Rig.open(['unplugged']);
    expect(await rig.sign(ONE)).toMatchObject({
      error: { code: 'ERR_KEY_OUT_OF_SERVICE' },
      tookMs: 0,
    });
  });

  test('does not wait where it is told so', async () => {
    await using rig = await Rig.open(['healthy'], { graceMs: 0 });
    rig.set(0, 'unplugged');
    expect(await rig.sign(ONE)).toMatchObject({ error: { code: 'ERR_FAKE_GONE' }, tookMs: 0 });
  });

  test('ends with its caller, or with the key', async () => {
    await using rig = await Rig.open(['healthy']);
    rig.set(0, 'unplugged');
    const abort = new AbortController();
    const gone = rig.key.sign(ONE, { signal: abort.signal });
    const closed = rig.key.sign(TWO);
    const rejected = expect(closed).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' });
    await rig.clock.advance(1_000);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(gone).rejects.toBe(reason);
    await rig.key[Symbol.asyncDispose]();
    await rejected;
    expect(rig.clock.pending).toBe(0);
  });

  test('gives a device on probation its chance over the same bytes (S29)', async () => {
    await using rig = await Rig.open(['healthy']);
    rig.set(0, 'wrong-signature');
    const signed = rig.key.sign(ONE);
    await rig.clock.advance(0);
    await rig.clock.advance(SIGN_MS);
    rig.set(0, 'healthy');
    expect(rig.states).toEqual(['on-probation *']);
    expect((await whilePassing(rig.clock, signed)).value).toHaveLength(64);
    expect(rig.states).toEqual(['in-service *']);
    expect(rig.device(0).taken).toEqual([ONE, ONE]);
  });

  test('and no second one (S29)', async () => {
    await using rig = await Rig.open(['healthy']);
    rig.set(0, 'wrong-signature');
    const { error } = await rig.sign(ONE);
    expect(error).toMatchObject({ code: 'ERR_SIGNATURE_INVALID', remedy: 'restart' });
    expect(rig.device(0).taken).toEqual([ONE, ONE]);
    await rig.clock.advance(60_000);
    expect((await rig.sign(ONE)).error).toMatchObject({ code: 'ERR_KEY_OUT_OF_SERVICE' });
    expect(rig.device(0).taken).toHaveLength(2);
  });
});

describe('waiting until a key is in service', () => {
  test('ends when one of its providers is (S26)', async () => {
    await using rig = await Rig.open(['unplugged', 'unplugged']);
    const waiting = rig.key.waitUntilInService();
    await rig.clock.advance(2_000);
    rig.set(1, 'healthy');
    expect((await whilePassing(rig.clock, waiting)).tookMs).toBeLessThanOrEqual(2_000);
    await rig.key.waitUntilInService();
  });

  test.each<[FakeCondition, string]>([
    ['wrong-password', 'ERR_FAKE_WRONG_PASSWORD'],
    ['key-missing', 'ERR_FAKE_KEY_MISSING'],
    ['another-key', 'ERR_ANOTHER_KEY'],
  ])(
    'ends at once with the fault itself when waiting heals nothing: %s (S26)',
    async (condition, code) => {
      await using rig = await Rig.open([condition]);
      await expect(rig.key.waitUntilInService()).rejects.toMatchObject({ code });
      expect(rig.clock.monotonicMs()).toBe(0);
    },
  );

  test('goes on for what a person can repair, where that is asked for', async () => {
    await using rig = await Rig.open(['key-missing']);
    const waiting = rig.key.waitUntilInService({ until: 'restart' });
    await rig.clock.advance(60_000);
    rig.set(0, 'healthy');
    await whilePassing(rig.clock, waiting);
    expect(rig.states).toEqual(['in-service *']);
  });

  test('goes on while one of two may come back, and names both when neither will (S26)', async () => {
    await using rig = await Rig.open(['wrong-password', 'unplugged']);
    const waiting = rig.key.waitUntilInService();
    await rig.clock.advance(10_000);
    rig.set(1, 'key-missing');
    const { error } = await whilePassing(rig.clock, waiting);
    expect(error).toMatchObject({ code: 'ERR_KEY_OUT_OF_SERVICE', remedy: 'repair' });
    expect((error as Error).message).toMatch(/WRONG_PASSWORD.*KEY_MISSING/);
  });

  test('ends with its caller, or with the key', async () => {
    await using rig = await Rig.open(['unplugged']);
    const reason = new Error('enough');
    const abort = new AbortController();
    const gone = rig.key.waitUntilInService({ signal: abort.signal });
    const closed = rig.key.waitUntilInService();
    const rejected = expect(closed).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' });
    abort.abort(reason);
    await expect(gone).rejects.toBe(reason);
    await rig.key[Symbol.asyncDispose]();
    await rejected;
    const late = rig.key.waitUntilInService();
    await expect(late).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' });
  });
});

describe('a key in this process’s memory', () => {
  async function openMemoryKey() {
    const secret = Ed25519SecretKey.generate();
    const expected = secret.publicKey;
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const provider = new MemoryKeyProvider({ secret }, { name: 'memory' });
    const key = openProvidedKey({ clock, logger }, { providers: [provider], expected });
    await key.waitUntilInService();
    return { key, clock };
  }

  test('signs at once, by its own function and nothing around it (S5)', async () => {
    const { key } = await openMemoryKey();
    await using _ = key;
    const { signNow } = key;
    expect(signNow).toBeDefined();
    expect(signNow).toBe(key.signNow);
    expect(key.lendable?.ended.aborted).toBe(false);
    expect(opensslVerifies(key.publicKey.bytes, ONE, signNow?.(ONE) ?? ONE)).toBe(true);
    expect(await key.sign(ONE)).toEqual(signNow?.(ONE));
  });

  test('no longer does so once a signature of it was found wrong, until a verified one was good (S29)', async () => {
    const { key, clock } = await openMemoryKey();
    await using _ = key;
    const { signNow } = key;
    key.reportInvalidSignature();
    expect(key.signNow).toBeUndefined();
    await clock.advance(0);
    expect(key.health()).toMatchObject([{ state: 'on-probation' }]);
    expect(key.signNow).toBeUndefined();
    expect(() => signNow?.(ONE)).toThrow('closed');
    await key.sign(ONE);
    expect(key.health()).toMatchObject([{ state: 'in-service' }]);
    expect(key.signNow).toBeDefined();
    key.reportInvalidSignature();
    await clock.advance(0);
    key.reportInvalidSignature();
    await clock.advance(60_000);
    expect(key.health()).toMatchObject([{ state: 'out-of-service', fault: { remedy: 'restart' } }]);
  });

  test('does not sign at once after it was disposed', async () => {
    const { key } = await openMemoryKey();
    await key[Symbol.asyncDispose]();
    expect(key.signNow).toBeUndefined();
    await expect(key.sign(ONE)).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' });
  });
});
