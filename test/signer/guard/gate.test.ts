import { MemoryKey } from '@privval/hsm/memory/memory-key';
import type { SigningKey } from '@privval/hsm/signing-key';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { systemClock } from '@privval/proto/runtime/clock';
import { parseChainId } from '@privval/proto/types/chain-id';
import { Gate, type GateRequest, type GateResult } from '@privval/signer/guard/gate';
import type { Hrs } from '@privval/signer/guard/hrs';
import type { KeyFault } from '@privval/signer/guard/signing-flights';
import { describe, expect, test } from 'vitest';
import { FakeDeviceError, FakeKey, type FakeKeyOptions } from '../../harness/fake-key.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { MemorySignStateStore } from '../../harness/memory-sign-state-store.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { CHAIN, hrs, type Message, signBytesOf } from '../../harness/sign-requests.ts';

const LATE_KEPT = 'late signature kept for the next asker';
const LATE_DROPPED = 'late signature dropped: the floor moved on';
const HSM_MS = 115;

/** A gate over a memory store and one device. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly store = new MemorySignStateStore();
  readonly faults: KeyFault[] = [];
  readonly gate: Gate;
  readonly key: FakeKey;

  constructor(options: FakeKeyOptions & { readonly maxPending?: number } = {}) {
    this.gate = new Gate(
      {
        store: this.store,
        clock: this.clock,
        logger: this.logger,
        onKeyFault: (fault) => this.faults.push(fault),
      },
      { maxPending: options.maxPending },
    );
    this.key = new FakeKey({ clock: this.clock }, options);
    this.addValidator('v', this.key);
  }

  addValidator(name: string, key: SigningKey): void {
    this.store.addValidator(
      { name, chainId: CHAIN, publicKey: key.publicKey.bytes },
      { height: 0n, round: 0, step: 'none' },
    );
  }

  request(message: Message, change: Partial<GateRequest> = {}): GateRequest {
    const signBytes = signBytesOf(message);
    return { validator: 'v', at: message.at, signBytes, key: this.key, ...change };
  }

  sign(message: Message, signal?: AbortSignal): Promise<GateResult> {
    return this.gate.sign(this.request(message), { signal });
  }

  /** Lets whatever can go on go on. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await this.clock.advance(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.key.release();
    await this.gate[Symbol.asyncDispose]();
    await this.key[Symbol.asyncDispose]();
  }
}

/** A gate over a memory store and a key in memory, whose signatures can be watched. */
class EarlyBench implements AsyncDisposable {
  readonly store = new MemorySignStateStore();
  readonly faults: KeyFault[] = [];
  /** The arrays that went to the verifier, not copies. */
  readonly begun: Uint8Array[] = [];
  readonly floorsWhenSigning: unknown[] = [];
  verdict: boolean | undefined;
  readonly #key = MemoryKey.fromSecretKey(Ed25519SecretKey.generate());
  readonly #gate = new Gate({
    store: this.store,
    clock: new ManualClock(),
    logger: new RecordingLogger(),
    onKeyFault: (fault) => this.faults.push(fault),
    verifier: {
      begin: (key, message, signature) => {
        this.begun.push(signature);
        return { verdict: () => this.verdict ?? verifyStrict(key, message, signature) };
      },
    },
  });

  constructor() {
    this.store.addValidator(
      { name: 'v', chainId: CHAIN, publicKey: this.publicKey.bytes },
      { height: 0n, round: 0, step: 'none' },
    );
  }

  get publicKey(): SigningKey['publicKey'] {
    return this.#key.publicKey;
  }

  sign(): Promise<GateResult> {
    const key: SigningKey = {
      publicKey: this.publicKey,
      sign: (message) => this.#key.sign(message),
      signNow: (message) => {
        this.floorsWhenSigning.push(this.store.floor('v'));
        return this.#key.signNow(message);
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const signBytes = signBytesOf({ at: PREVOTE });
    return this.#gate.sign({ validator: 'v', at: PREVOTE, signBytes, key });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gate[Symbol.asyncDispose]();
    await this.#key[Symbol.asyncDispose]();
  }
}

function signatureOf(result: GateResult): Uint8Array {
  if (result.kind === 'refused') throw new Error(`refused: ${result.text}`);
  return result.signature;
}

const PREVOTE = hrs(5, 0, 'prevote');
const PRECOMMIT = hrs(5, 0, 'precommit');

describe('a request for a new position', () => {
  test('S5, S20: is reserved, then signed, then verified, over its own bytes', async () => {
    await using bench = new Bench();
    const result = await bench.sign({ at: PREVOTE });
    const signBytes = signBytesOf({ at: PREVOTE });
    expect(result).toMatchObject({ kind: 'signed', signBytes });
    expect(verifyStrict(bench.key.publicKey, signBytes, signatureOf(result))).toBe(true);
    expect(bench.store.floor('v')).toMatchObject({ ...PREVOTE, signature: signatureOf(result) });
  });

  test('S5: a key sees nothing of a position whose reservation failed', async () => {
    await using bench = new Bench();
    bench.store.failWith('disk full');
    expect(await bench.sign({ at: PREVOTE })).toMatchObject({
      kind: 'refused',
      reason: 'unavailable',
      code: 'ERR_SIGN_STATE_UNAVAILABLE',
      text: expect.stringContaining('disk full'),
    });
    expect(bench.key.taken).toEqual([]);
  });

  test('S8: has its floor in the store before a device is asked', async () => {
    await using bench = new Bench();
    let floorWhenSigning: Hrs | undefined;
    const watching: SigningKey = {
      publicKey: bench.key.publicKey,
      sign: (message, options) => {
        floorWhenSigning = bench.store.floor('v') as Hrs;
        return bench.key.sign(message, options);
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    await bench.gate.sign(bench.request({ at: PREVOTE }, { key: watching }));
    expect(floorWhenSigning).toMatchObject(PREVOTE);
  });

  test('S5: a key in memory signs the decided bytes while the sync runs; nothing is answered before it has returned', async () => {
    await using bench = new EarlyBench();
    const result = await bench.sign();
    expect(bench.floorsWhenSigning).toMatchObject([{ height: 0n }]);
    expect(verifyStrict(bench.publicKey, signBytesOf({ at: PREVOTE }), signatureOf(result))).toBe(
      true,
    );
    expect(bench.store.floor('v')).toMatchObject({ ...PREVOTE, signature: signatureOf(result) });
  });

  test('S5: the early signature is destroyed when the sync fails, and the position is still to be had', async () => {
    await using bench = new EarlyBench();
    bench.store.failSyncWith('EIO');
    expect(await bench.sign()).toMatchObject({ code: 'ERR_SIGN_STATE_UNAVAILABLE' });
    expect(bench.begun).toEqual([new Uint8Array(64)]);
    expect(bench.store.floor('v')).toMatchObject({ height: 0n });
    bench.store.failSyncWith(undefined);
    expect((await bench.sign()).kind).toBe('signed');
  });

  test('S20: an early signature that does not verify is a fault of the key, and never released', async () => {
    await using bench = new EarlyBench();
    bench.verdict = false;
    await expect(bench.sign()).rejects.toMatchObject({ code: 'ERR_SIGNATURE_INVALID' });
    expect(bench.faults).toHaveLength(1);
    expect(bench.store.floor('v').signature).toBeUndefined();
  });

  test('S6, S7: a repeat of an early signature gets the stored one without asking the key', async () => {
    await using bench = new EarlyBench();
    const first = signatureOf(await bench.sign());
    expect(signatureOf(await bench.sign())).toEqual(first);
    expect(bench.begun).toHaveLength(1);
  });

  test('tells where the time went', async () => {
    await using bench = new Bench({ signMs: HSM_MS });
    const asked = bench.sign({ at: PREVOTE });
    await bench.clock.untilPending();
    await bench.clock.advance(HSM_MS);
    expect(await asked).toMatchObject({ timings: { queueMs: 0, signMs: HSM_MS, verifyMs: 0 } });
  });

  test('shares one transaction with all requests of its turn', async () => {
    await using bench = new Bench();
    const names = Array.from({ length: 8 }, (_, i) => `v${i}`);
    await using keys = new AsyncDisposableStack();
    await Promise.all(
      names.map((validator) => {
        const key = keys.use(MemoryKey.fromSecretKey(Ed25519SecretKey.generate()));
        bench.addValidator(validator, key);
        return bench.gate.sign(bench.request({ at: PREVOTE }, { validator, key }));
      }),
    );
    expect(bench.store.batchSizes).toEqual([8]);
  });

  test('is a bug when its bytes are those of another position or chain', async () => {
    await using bench = new Bench();
    const lies: Message[] = [
      { at: hrs(6, 0, 'prevote') },
      { at: hrs(5, 1, 'prevote') },
      { at: PRECOMMIT },
      { at: hrs(5, 0, 'propose') },
      { at: PREVOTE, chainId: parseChainId('elsewhere') },
    ];
    for (const message of lies) {
      const request = bench.request(message, { at: PREVOTE });
      await expect(bench.gate.sign(request)).rejects.toMatchObject({ code: 'ERR_INVARIANT' });
    }
    const raw = bench.request({ at: PREVOTE }, { signBytes: new Uint8Array([1, 2]) });
    await expect(bench.gate.sign(raw)).rejects.toMatchObject({ code: 'ERR_INVALID_SIGN_BYTES' });
    expect(bench.store.batchSizes).toEqual([]);
  });

  test('names a validator that the store knows', async () => {
    await using bench = new Bench();
    const request = bench.request({ at: PREVOTE }, { validator: 'nobody' });
    await expect(bench.gate.sign(request)).rejects.toMatchObject({ code: 'ERR_UNKNOWN_VALIDATOR' });
  });
});

describe('a request for a position that is taken', () => {
  test('gets the stored signature for the same message, and the device is left alone', async () => {
    await using bench = new Bench();
    const first = await bench.sign({ at: PREVOTE, seconds: 100 });
    const again = await bench.sign({ at: PREVOTE, seconds: 999 });
    expect(signatureOf(again)).toEqual(signatureOf(first));
    expect(again).toMatchObject({ signBytes: signBytesOf({ at: PREVOTE, seconds: 100 }) });
    expect(bench.key.taken).toHaveLength(1);
  });

  test('is refused for another message', async () => {
    await using bench = new Bench();
    await bench.sign({ at: PREVOTE });
    expect(await bench.sign({ at: PREVOTE, block: 'B' })).toMatchObject({
      code: 'ERR_CONFLICTING_SIGN_BYTES',
    });
  });

  test('S6: after a device fault the stored bytes are signed, not the ones asked', async () => {
    await using bench = new Bench();
    bench.key.health = 'failing';
    await expect(bench.sign({ at: PREVOTE, seconds: 100 })).rejects.toMatchObject({
      code: 'ERR_FAKE_DEVICE_FAILED',
    });
    bench.key.health = 'healthy';
    expect(await bench.sign({ at: PREVOTE, block: 'B' })).toMatchObject({
      code: 'ERR_CONFLICTING_SIGN_BYTES',
    });
    const stored = signBytesOf({ at: PREVOTE, seconds: 100 });
    expect(await bench.sign({ at: PREVOTE, seconds: 999 })).toMatchObject({ signBytes: stored });
    expect(bench.key.taken).toEqual([stored, stored]);
  });

  test('S20: a stored signature that does not verify is made anew', async () => {
    await using bench = new Bench();
    const signBytes = signBytesOf({ at: PREVOTE });
    bench.store.reserve([{ validator: 'v', at: PREVOTE, signBytes }]);
    bench.store.recordSignature('v', signBytes, new Uint8Array(64));
    const result = await bench.sign({ at: PREVOTE });
    expect(verifyStrict(bench.key.publicKey, signBytes, signatureOf(result))).toBe(true);
  });

  test('is signed by the key of the row, whichever key the height would choose', async () => {
    await using bench = new Bench();
    await using other = new FakeKey({ clock: bench.clock });
    bench.key.health = 'gone';
    await expect(bench.sign({ at: PREVOTE })).rejects.toMatchObject({
      code: 'ERR_FAKE_DEVICE_GONE',
    });
    const request = bench.request({ at: PREVOTE }, { key: other });
    expect(await bench.gate.sign(request)).toMatchObject({ code: 'ERR_KEY_NOT_IN_SERVICE' });
    bench.key.health = 'healthy';
    const result = await bench.gate.sign({ ...request, keyFor: () => bench.key });
    expect(verifyStrict(bench.key.publicKey, request.signBytes, signatureOf(result))).toBe(true);
    expect(other.taken).toEqual([]);
  });

  test('is not signed by a key that keyFor gives for another', async () => {
    await using bench = new Bench();
    await using other = new FakeKey({ clock: bench.clock });
    bench.key.health = 'failing';
    await expect(bench.sign({ at: PREVOTE })).rejects.toThrow();
    const request = bench.request({ at: PREVOTE }, { key: other, keyFor: () => other });
    expect(await bench.gate.sign(request)).toMatchObject({ code: 'ERR_KEY_NOT_IN_SERVICE' });
  });
});

describe('S10: single flight per validator and position', () => {
  test('two nodes that ask for one vote at two times put one message before the device', async () => {
    await using bench = new Bench();
    bench.key.hold();
    const first = bench.sign({ at: PREVOTE, seconds: 100 });
    await bench.key.untilTaken(1);
    const second = bench.sign({ at: PREVOTE, seconds: 200 });
    await bench.settle();
    expect(bench.key.taken).toHaveLength(1);
    bench.key.release();
    expect(await second).toMatchObject({ signBytes: signBytesOf({ at: PREVOTE, seconds: 100 }) });
    expect(signatureOf(await second)).toEqual(signatureOf(await first));
    expect(bench.key.taken).toHaveLength(1);
  });

  test('two that ask in one turn as well', async () => {
    await using bench = new Bench();
    const both = [
      bench.sign({ at: PREVOTE, seconds: 100 }),
      bench.sign({ at: PREVOTE, seconds: 200 }),
    ];
    const [first, second] = await Promise.all(both);
    expect(second).toMatchObject({ signBytes: signBytesOf({ at: PREVOTE, seconds: 100 }) });
    expect(first?.kind).toBe('signed');
    expect(bench.key.taken).toHaveLength(1);
  });

  test('another message at the position is refused while the first is being signed', async () => {
    await using bench = new Bench();
    bench.key.hold();
    const first = bench.sign({ at: PREVOTE });
    await bench.key.untilTaken(1);
    expect(await bench.sign({ at: PREVOTE, block: 'B' })).toMatchObject({
      code: 'ERR_CONFLICTING_SIGN_BYTES',
    });
    bench.key.release();
    expect((await first).kind).toBe('signed');
  });

  test("one node's disconnect does not fail the other's vote", async () => {
    await using bench = new Bench();
    bench.key.hold();
    const leaving = new AbortController();
    const first = bench.sign({ at: PREVOTE }, leaving.signal);
    await bench.key.untilTaken(1);
    const second = bench.sign({ at: PREVOTE, seconds: 7 });
    await bench.settle();
    leaving.abort(new Error('node left'));
    await expect(first).rejects.toThrow('node left');
    bench.key.release();
    expect((await second).kind).toBe('signed');
    expect(bench.key.taken).toHaveLength(1);
  });

  test('the key is told to stop when the last asker has left, and not before', async () => {
    await using bench = new Bench();
    const signals: (AbortSignal | undefined)[] = [];
    const { promise } = Promise.withResolvers<Uint8Array>();
    const key: SigningKey = {
      publicKey: bench.key.publicKey,
      sign: (_message, options) => {
        signals.push(options?.signal);
        return Promise.race([
          promise,
          new Promise<never>((_resolve, reject) =>
            options?.signal?.addEventListener('abort', () => reject(options.signal?.reason)),
          ),
        ]);
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const nodes = [new AbortController(), new AbortController()];
    const request = bench.request({ at: PREVOTE }, { key });
    const asked = nodes.map(({ signal }) => bench.gate.sign(request, { signal }));
    const outcomes = Promise.allSettled(asked);
    await bench.settle();
    nodes[0]?.abort(new Error('first left'));
    await bench.settle();
    expect(signals.map((signal) => signal?.aborted)).toEqual([false]);
    nodes[1]?.abort(new Error('second left'));
    await bench.settle();
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test("a later asker gets an attempt of its own when the first one's fails", async () => {
    await using bench = new Bench();
    let attempts = 0;
    const hiccup = Promise.withResolvers<void>();
    const key: SigningKey = {
      publicKey: bench.key.publicKey,
      sign: async (message, options) => {
        if (++attempts > 1) return await bench.key.sign(message, options);
        await hiccup.promise;
        throw new FakeDeviceError('ERR_FAKE_DEVICE_FAILED');
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const first = bench.gate.sign(bench.request({ at: PREVOTE, seconds: 100 }, { key }));
    const failed = expect(first).rejects.toMatchObject({ code: 'ERR_FAKE_DEVICE_FAILED' });
    await bench.settle();
    const second = bench.gate.sign(bench.request({ at: PREVOTE, seconds: 200 }, { key }));
    await bench.settle();
    hiccup.resolve();
    await failed;
    expect(await second).toMatchObject({ signBytes: signBytesOf({ at: PREVOTE, seconds: 100 }) });
    expect(attempts).toBe(2);
  });

  test('who comes while a forsaken signature is still in the device waits for it, and then signs', async () => {
    await using bench = new Bench({ hearsAborts: false });
    bench.key.hold();
    const leaving = new AbortController();
    const first = bench.sign({ at: PREVOTE, seconds: 100 }, leaving.signal);
    await bench.key.untilTaken(1);
    leaving.abort(new Error('node left'));
    await expect(first).rejects.toThrow('node left');
    const second = bench.sign({ at: PREVOTE, seconds: 200 });
    await bench.settle();
    expect(bench.key.taken).toHaveLength(1);
    bench.key.release();
    expect(await second).toMatchObject({ signBytes: signBytesOf({ at: PREVOTE, seconds: 100 }) });
    expect(bench.key.taken).toHaveLength(1);
  });

  test('two positions of one validator are signed side by side, and both are released', async () => {
    await using bench = new Bench();
    bench.key.hold();
    const prevote = bench.sign({ at: PREVOTE });
    await bench.key.untilTaken(1);
    const precommit = bench.sign({ at: PRECOMMIT });
    await bench.settle();
    bench.key.release();
    expect((await prevote).kind).toBe('signed');
    expect((await precommit).kind).toBe('signed');
    expect(bench.store.floor('v')).toMatchObject({
      step: 'precommit',
      signature: signatureOf(await precommit),
    });
  });
});

describe('S25: an abort stops the waiting, never the safety', () => {
  test('before the transaction nothing is reserved', async () => {
    await using bench = new Bench();
    const node = new AbortController();
    const asked = bench.sign({ at: PREVOTE }, node.signal);
    node.abort(new Error('gone'));
    await expect(asked).rejects.toThrow('gone');
    expect(bench.store.floor('v').height).toBe(0n);
    expect((await bench.sign({ at: PREVOTE, block: 'B' })).kind).toBe('signed');
  });

  test('an asker that is gone already is not asked for', async () => {
    await using bench = new Bench();
    await expect(bench.sign({ at: PREVOTE }, AbortSignal.abort(new Error('gone')))).rejects.toThrow(
      'gone',
    );
    expect(bench.store.batchSizes).toEqual([]);
  });

  test('after the transaction the position stays reserved', async () => {
    await using bench = new Bench();
    bench.key.hold();
    const node = new AbortController();
    const asked = bench.sign({ at: PREVOTE }, node.signal);
    await bench.key.untilTaken(1);
    node.abort(new Error('gone'));
    await expect(asked).rejects.toThrow('gone');
    bench.key.release();
    expect(await bench.sign({ at: PREVOTE, block: 'B' })).toMatchObject({
      code: 'ERR_CONFLICTING_SIGN_BYTES',
    });
  });
});

describe('S7: a late signature', () => {
  async function forsake(bench: Bench): Promise<void> {
    bench.key.hold();
    const node = new AbortController();
    const asked = bench.sign({ at: PREVOTE }, node.signal);
    await bench.key.untilTaken(1);
    node.abort(new Error('gave up'));
    await expect(asked).rejects.toThrow('gave up');
  }

  test('is verified and kept, and the next asker gets it without the device', async () => {
    await using bench = new Bench({ hearsAborts: false });
    await forsake(bench);
    bench.key.release();
    await bench.settle();
    expect(bench.logger.named(LATE_KEPT)).toHaveLength(1);
    expect((await bench.sign({ at: PREVOTE })).kind).toBe('signed');
    expect(bench.key.taken).toHaveLength(1);
  });

  test('is dropped, with a line in the log, when the floor has moved on', async () => {
    await using bench = new Bench({ hearsAborts: false });
    await forsake(bench);
    const precommit = bench.sign({ at: PRECOMMIT });
    await bench.settle();
    bench.key.release();
    expect((await precommit).kind).toBe('signed');
    await bench.settle();
    expect(bench.logger.named(LATE_DROPPED)).toHaveLength(1);
    expect(bench.store.floor('v')).toMatchObject({
      step: 'precommit',
      signature: signatureOf(await precommit),
    });
  });

  test('that does not verify is not kept', async () => {
    await using bench = new Bench({ hearsAborts: false });
    await forsake(bench);
    bench.key.health = 'wrong-signature';
    bench.key.release();
    await bench.settle();
    expect(bench.store.floor('v').signature).toBeUndefined();
    expect(bench.faults).toHaveLength(1);
  });

  test('is waited for when the gate is closed', async () => {
    const bench = new Bench({ hearsAborts: false });
    await forsake(bench);
    const closed = bench.gate[Symbol.asyncDispose]();
    bench.key.release();
    await closed;
    expect(bench.store.floor('v').signature).toHaveLength(64);
    expect(await bench.sign({ at: PRECOMMIT })).toMatchObject({ code: 'ERR_GATE_CLOSED' });
    await bench.key[Symbol.asyncDispose]();
  });
});

describe('S20: a signature that does not verify', () => {
  test('is a fault for all who wait, is never released nor stored, and the owner hears of the key', async () => {
    await using bench = new Bench();
    bench.key.hold();
    bench.key.health = 'wrong-signature';
    const asked = [bench.sign({ at: PREVOTE }), bench.sign({ at: PREVOTE })];
    const outcomes = Promise.allSettled(asked);
    await bench.key.untilTaken(1);
    bench.key.release();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: expect.objectContaining({ code: 'ERR_SIGNATURE_INVALID', validator: 'v' }),
      });
    }
    expect(bench.store.floor('v').signature).toBeUndefined();
    expect(bench.faults).toMatchObject([{ validator: 'v', publicKey: bench.key.publicKey }]);
  });

  test('is one over a message that the key has changed', async () => {
    await using bench = new Bench();
    const secret = Ed25519SecretKey.generate();
    await using honest = MemoryKey.fromSecretKey(secret);
    const forger: SigningKey = {
      publicKey: honest.publicKey,
      sign: async (message) => {
        message.fill(0);
        return honest.signNow(message);
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    bench.addValidator('f', forger);
    const request = bench.request({ at: PREVOTE }, { validator: 'f', key: forger });
    await expect(bench.gate.sign(request)).rejects.toMatchObject({ code: 'ERR_SIGNATURE_INVALID' });
  });

  test('cannot be slipped in after the verification', async () => {
    await using bench = new Bench();
    await using honest = MemoryKey.fromSecretKey(Ed25519SecretKey.generate());
    const own = new Uint8Array(64);
    const reuser: SigningKey = {
      publicKey: honest.publicKey,
      sign: async (message) => {
        own.set(honest.signNow(message));
        return own;
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    bench.addValidator('r', reuser);
    const request = bench.request({ at: PREVOTE }, { validator: 'r', key: reuser });
    const result = await bench.gate.sign(request);
    own.fill(0);
    expect(verifyStrict(reuser.publicKey, request.signBytes, signatureOf(result))).toBe(true);
  });
});

describe('S3: a floor that comes in from outside', () => {
  test.each([
    ['over the position that is being signed', { height: 9n, round: 0, step: 'precommit' }],
    ['at the very position, with no message', { ...PREVOTE }],
  ] as const)('%s keeps the signature back', async (_where, floor) => {
    await using bench = new Bench();
    bench.key.hold();
    const asked = bench.sign({ at: PREVOTE });
    await bench.key.untilTaken(1);
    bench.store.raiseFloor('v', floor);
    bench.key.release();
    expect(await asked).toMatchObject({ kind: 'refused', code: 'ERR_FLOOR_RAISED' });
  });
});

describe('slow keys', () => {
  test("hold up nobody else: a second validator signs while the first one's device is busy", async () => {
    await using bench = new Bench({ signMs: HSM_MS });
    await using quick = MemoryKey.fromSecretKey(Ed25519SecretKey.generate());
    bench.addValidator('q', quick);
    const slow = bench.sign({ at: PREVOTE });
    const result = await bench.gate.sign(
      bench.request({ at: PREVOTE }, { validator: 'q', key: quick }),
    );
    expect(result.kind).toBe('signed');
    expect(bench.store.floor('v').signature).toBeUndefined();
    await bench.clock.advance(HSM_MS);
    expect((await slow).kind).toBe('signed');
  });
});

describe('too many requests', () => {
  test('are refused, and room is there again when some were answered', async () => {
    await using bench = new Bench({ maxPending: 2 });
    bench.key.hold();
    const asked = [bench.sign({ at: PREVOTE }), bench.sign({ at: PREVOTE })];
    expect(await bench.sign({ at: PRECOMMIT })).toMatchObject({
      reason: 'unavailable',
      code: 'ERR_GATE_BUSY',
    });
    await bench.key.untilTaken(1);
    bench.key.release();
    await Promise.all(asked);
    expect((await bench.sign({ at: PRECOMMIT })).kind).toBe('signed');
  });
});

test("a gate runs on the machine's own clock too", async () => {
  await using store = new MemorySignStateStore();
  await using key = MemoryKey.fromSecretKey(Ed25519SecretKey.generate());
  await using gate = new Gate({ store, clock: systemClock, logger: new RecordingLogger() });
  store.addValidator(
    { name: 'v', chainId: CHAIN, publicKey: key.publicKey.bytes },
    { height: 0n, round: 0, step: 'none' },
  );
  const signBytes = signBytesOf({ at: PREVOTE });
  const result = await gate.sign({ validator: 'v', at: PREVOTE, signBytes, key });
  if (result.kind !== 'signed') throw new Error(result.text);
  const { queueMs, reserveMs, signMs, verifyMs } = result.timings;
  for (const ms of [queueMs, reserveMs, signMs, verifyMs]) expect(ms).toBeGreaterThanOrEqual(0);
});
