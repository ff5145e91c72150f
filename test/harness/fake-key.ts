/** A key in a device that behaves as devices do: slow, one signature at a time, sometimes gone. */
import { KeyClosedError, type SigningKey } from '@privval/hsm/signing-key';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** What the device does with the next message it takes up. */
export type FakeKeyHealth = 'healthy' | 'failing' | 'gone' | 'wrong-signature';

/** What a device says when it does not sign. */
export class FakeDeviceError extends CodedError {
  override readonly name = 'FakeDeviceError';
  readonly code: 'ERR_FAKE_DEVICE_FAILED' | 'ERR_FAKE_DEVICE_GONE';

  constructor(code: 'ERR_FAKE_DEVICE_FAILED' | 'ERR_FAKE_DEVICE_GONE') {
    super(code);
    this.code = code;
  }
}

export interface FakeKeyOptions {
  /** Milliseconds of the clock per signature; an HSM takes 115. @default 0 */
  readonly signMs?: number;
  /** Whether an abort ends the wait of its caller. A deaf device answers when it is done. @default true */
  readonly hearsAborts?: boolean;
  /** 32 bytes; the array is zeroed. @default a fresh key */
  readonly seed?: Uint8Array;
}

/**
 * A {@link SigningKey} without {@link SigningKey.signNow}. Messages are taken up one after the
 * other, in the order asked; an abort never takes one back once the device has it.
 */
export class FakeKey implements SigningKey {
  readonly publicKey: PublicKey;
  /** Messages the device has taken up, in order, whatever came of them. */
  readonly taken: Uint8Array[] = [];
  health: FakeKeyHealth = 'healthy';
  readonly #clock: Clock;
  readonly #options: FakeKeyOptions;
  readonly #secret: Ed25519SecretKey;
  #queue: Promise<void> = Promise.resolve();
  #hold: PromiseWithResolvers<void> | undefined;
  readonly #arrivals: { readonly count: number; readonly resolve: () => void }[] = [];
  #closed = false;

  constructor(deps: { readonly clock: Clock }, options: FakeKeyOptions = {}) {
    this.#clock = deps.clock;
    this.#options = options;
    this.#secret =
      options.seed === undefined
        ? Ed25519SecretKey.generate()
        : Ed25519SecretKey.fromSeed(options.seed);
    this.publicKey = this.#secret.publicKey;
  }

  async sign(message: Uint8Array, options: AbortOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw new KeyClosedError();
    const hearsAborts = this.#options.hearsAborts ?? true;
    const signature = this.#inTurn(
      new Uint8Array(message),
      hearsAborts ? options.signal : undefined,
    );
    return abortable(signature, hearsAborts ? options : {});
  }

  /** From now on the device takes messages up and does not finish them, until {@link release}. */
  hold(): void {
    this.#hold ??= Promise.withResolvers<void>();
  }

  /** Lets everything held finish. */
  release(): void {
    this.#hold?.resolve();
    this.#hold = undefined;
  }

  /** Resolves once the device has taken up `count` messages since its beginning. */
  async untilTaken(count: number): Promise<void> {
    if (this.taken.length >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#arrivals.push({ count, resolve });
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.release();
    await this.#queue;
    this.#secret[Symbol.dispose]();
  }

  #inTurn(message: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const signature = this.#queue.then(() => {
      // Still waiting in line: it can be taken back.
      signal?.throwIfAborted();
      return this.#inDevice(message);
    });
    this.#queue = signature.then(
      () => undefined,
      () => undefined,
    );
    return signature;
  }

  async #inDevice(message: Uint8Array): Promise<Uint8Array> {
    if (this.health === 'gone') throw new FakeDeviceError('ERR_FAKE_DEVICE_GONE');
    this.taken.push(message);
    for (const arrival of this.#arrivals) {
      if (this.taken.length >= arrival.count) arrival.resolve();
    }
    await this.#hold?.promise;
    const { signMs = 0 } = this.#options;
    if (signMs > 0) await this.#clock.sleep(signMs);
    // Asked again: the device may have been unplugged, or have broken, while it was at work.
    const health = this.health as FakeKeyHealth;
    if (health === 'gone') throw new FakeDeviceError('ERR_FAKE_DEVICE_GONE');
    if (health === 'failing') throw new FakeDeviceError('ERR_FAKE_DEVICE_FAILED');
    const signature = this.#secret.sign(message);
    if (health === 'wrong-signature') signature[0] = (signature[0] ?? 0) ^ 1;
    return signature;
  }
}
