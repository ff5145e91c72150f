import { MemoryKey } from '@privval/hsm/memory/memory-key';
import type { SigningKey } from '@privval/hsm/signing-key';
import { voteExtensionSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { Gate, type GateResult } from '@privval/signer/guard/gate';
import type { SignatureVerifier } from '@privval/signer/guard/side-verifier';
import type { KeyFault } from '@privval/signer/guard/signing-flights';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { MemorySignStateStore } from '../../harness/memory-sign-state-store.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { CHAIN, hrs, type Message, signBytesOf } from '../../harness/sign-requests.ts';

const PREVOTE = hrs(5, 0, 'prevote');
const PRECOMMIT = hrs(5, 0, 'precommit');
const EXTENSION = voteExtensionSignBytes(CHAIN, {
  height: 5n,
  round: 0,
  extension: new TextEncoder().encode('prices'),
});

/** Something that was begun elsewhere. */
interface Begun {
  readonly message: Uint8Array;
  /** Where the floor stood then. */
  readonly height: bigint;
  /** What was handed out, not a copy. */
  signature: Uint8Array | undefined;
}

/** A gate over a memory store, and a place elsewhere that signs with the key in memory, as far as it is told to. */
class Bench implements AsyncDisposable {
  readonly store = new MemorySignStateStore();
  readonly faults: KeyFault[] = [];
  readonly begun: Begun[] = [];
  /** Called when a signature is asked for; `undefined` as answer: none was made. */
  onAsked: (message: Uint8Array) => 'make' | undefined = () => 'make';
  readonly key = MemoryKey.fromSecretKey(Ed25519SecretKey.generate());
  readonly #elsewhere: SignatureVerifier = {
    begin: (key, message, signature) => ({ verdict: () => verifyStrict(key, message, signature) }),
    beginSigning: (key, message) => {
      const begun: Begun = {
        message,
        height: this.store.floor('v').height,
        signature: undefined,
      };
      this.begun.push(begun);
      return {
        signature: () => {
          if (this.onAsked(message) === undefined) return undefined;
          begun.signature = key.signNow?.(message);
          return begun.signature;
        },
      };
    },
  };
  readonly gate = new Gate({
    store: this.store,
    clock: new ManualClock(),
    logger: new RecordingLogger(),
    onKeyFault: (fault) => this.faults.push(fault),
    verifier: this.#elsewhere,
  });

  constructor() {
    this.store.addValidator(
      { name: 'v', chainId: CHAIN, publicKey: this.key.publicKey.bytes },
      { height: 0n, round: 0, step: 'none' },
    );
  }

  sign(
    message: Message,
    extensionBytes?: Uint8Array,
    options: { readonly key?: SigningKey; readonly signal?: AbortSignal } = {},
  ): Promise<GateResult> {
    const { key = this.key, signal } = options;
    return this.gate.sign(
      { validator: 'v', at: message.at, signBytes: signBytesOf(message), key, extensionBytes },
      { signal },
    );
  }

  /** What became of the extension: `undefined` when it was never begun or nobody asked. */
  get extension(): Begun | undefined {
    return this.begun.find(({ message }) => message === EXTENSION);
  }

  verifies(message: Uint8Array, signature: Uint8Array | undefined): boolean {
    return signature !== undefined && verifyStrict(this.key.publicKey, message, signature);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gate[Symbol.asyncDispose]();
    await this.key[Symbol.asyncDispose]();
  }
}

const DESTROYED = new Uint8Array(64);

describe('a vote signed elsewhere', () => {
  test('S5, S20: is begun before its floor is durable, with the decided bytes, and stored', async () => {
    await using bench = new Bench();
    const result = await bench.sign({ at: PREVOTE });
    expect(bench.begun).toMatchObject([{ message: signBytesOf({ at: PREVOTE }), height: 0n }]);
    const { signature } = bench.store.floor('v');
    expect(result).toMatchObject({ kind: 'signed', signature });
    expect(bench.verifies(signBytesOf({ at: PREVOTE }), signature)).toBe(true);
  });

  test('is signed here when none was made there', async () => {
    await using bench = new Bench();
    bench.onAsked = () => undefined;
    const result = await bench.sign({ at: PREVOTE });
    const signature = result.kind === 'signed' ? result.signature : undefined;
    expect(bench.verifies(signBytesOf({ at: PREVOTE }), signature)).toBe(true);
    expect(bench.faults).toEqual([]);
  });

  test('S5: is destroyed when the sync fails', async () => {
    await using bench = new Bench();
    bench.store.failSyncWith('EIO');
    const result = await bench.sign({ at: PRECOMMIT }, EXTENSION);
    expect(result).toMatchObject({ code: 'ERR_SIGN_STATE_UNAVAILABLE' });
    expect(bench.begun.map(({ signature }) => signature)).toEqual([DESTROYED, DESTROYED]);
    expect(bench.store.floor('v')).toMatchObject({ height: 0n });
  });
});

describe('S21: the extension of a precommit', () => {
  test('is signed with the vote, by the same key, over the content asked', async () => {
    await using bench = new Bench();
    const result = await bench.sign({ at: PRECOMMIT }, EXTENSION);
    expect(bench.extension?.height).toBe(0n);
    const made = result.kind === 'signed' ? result : undefined;
    expect(bench.verifies(signBytesOf({ at: PRECOMMIT }), made?.signature)).toBe(true);
    expect(bench.verifies(EXTENSION, made?.extension?.signature)).toBe(true);
  });

  test('is left to the caller when none was made, and on a repeat, which syncs nothing', async () => {
    await using bench = new Bench();
    bench.onAsked = (message) => (message === EXTENSION ? undefined : 'make');
    const first = await bench.sign({ at: PRECOMMIT }, EXTENSION);
    const again = await bench.sign({ at: PRECOMMIT, seconds: 9 }, EXTENSION);
    for (const result of [first, again]) {
      expect(result).toMatchObject({ kind: 'signed', extension: undefined });
    }
  });

  test('is not begun when the vote is refused, nor for a device', async () => {
    await using bench = new Bench();
    await bench.sign({ at: PRECOMMIT });
    bench.begun.length = 0;
    const other = await bench.sign({ at: PRECOMMIT, block: 'B' }, EXTENSION);
    expect(other).toMatchObject({ code: 'ERR_CONFLICTING_SIGN_BYTES' });
    const below = await bench.sign({ at: hrs(4, 0, 'precommit') }, EXTENSION);
    expect(below).toMatchObject({ code: 'ERR_HEIGHT_REGRESSION' });
    const device: SigningKey = {
      publicKey: bench.key.publicKey,
      sign: (message) => bench.key.sign(message),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const result = await bench.sign({ at: hrs(6, 0, 'precommit') }, EXTENSION, { key: device });
    expect(result).toMatchObject({ kind: 'signed', extension: undefined });
    expect(bench.begun).toEqual([]);
  });

  test('is destroyed when the vote is kept back: the floor was raised over it meanwhile (S3)', async () => {
    await using bench = new Bench();
    bench.onAsked = (message) => {
      if (message !== EXTENSION) {
        bench.store.raiseFloor('v', { height: 9n, round: 0, step: 'precommit' });
      }
      return 'make';
    };
    const result = await bench.sign({ at: PRECOMMIT }, EXTENSION);
    expect(result).toMatchObject({ code: 'ERR_FLOOR_RAISED' });
    expect(bench.extension?.signature).toEqual(DESTROYED);
  });

  test('is destroyed when its asker gave up; the vote is kept for the next one (S7, S25)', async () => {
    await using bench = new Bench();
    const asker = new AbortController();
    const reason = { gone: 'away' };
    bench.onAsked = (message) => {
      if (message !== EXTENSION) asker.abort(reason);
      return 'make';
    };
    const asked = bench.sign({ at: PRECOMMIT }, EXTENSION, { signal: asker.signal });
    await expect(asked).rejects.toBe(reason);
    expect(bench.extension?.signature).toEqual(DESTROYED);
    expect(bench.store.floor('v').signature).toHaveLength(64);
  });

  test('is a bug with anything but a precommit', async () => {
    await using bench = new Bench();
    await expect(bench.sign({ at: PREVOTE }, EXTENSION)).rejects.toMatchObject({
      code: 'ERR_INVARIANT',
    });
    expect(bench.store.batchSizes).toEqual([]);
  });
});
