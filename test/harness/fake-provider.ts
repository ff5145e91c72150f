/** A device with one key in it that behaves as devices do, and the provider that opens it. */
import type { KeyProvider, Remedy } from '@privval/hsm/key-provider';
import { KeyClosedError, type SigningKey } from '@privval/hsm/signing-key';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** How a device is. */
export type FakeCondition =
  | 'healthy'
  /** Not there: every session is lost for good, opening and signing fail at once. */
  | 'unplugged'
  /** Takes up what it is asked and does not answer. */
  | 'stalled'
  /** Opens, and fails to sign. */
  | 'failing'
  | 'wrong-signature'
  /** The next signature is wrong, and then it is healthy again. */
  | 'wrong-signature-once'
  /** Another device with another key is in its place. */
  | 'another-key'
  /** The key is not in it. */
  | 'key-missing'
  /** It says so to one question, and is healthy from then on. */
  | 'key-missing-once'
  | 'wrong-password';

/** What a device, or the way to it, says when it does not do what it is asked. */
export class FakeProviderError extends CodedError {
  override readonly name = 'FakeProviderError';
  readonly code: `ERR_FAKE_${string}`;
  readonly remedy: Remedy;
  /** A message that is too long says nothing against the device. */
  readonly blamesKey: boolean;

  constructor(
    what: {
      readonly code: `ERR_FAKE_${string}`;
      readonly remedy: Remedy;
      readonly blamesKey?: boolean;
    },
    options?: ErrorOptions,
  ) {
    const { code, remedy, blamesKey = true } = what;
    super(`the fake device says ${code}`, options);
    this.code = code;
    this.remedy = remedy;
    this.blamesKey = blamesKey;
  }
}

/** What it is like. */
export interface FakeProviderOptions {
  readonly name?: string;
  /** Milliseconds of the clock per signature; an HSM takes 115. @default 0 */
  readonly signMs?: number;
  /** Milliseconds from dispatch after which a stalled device is given up. @default 700 */
  readonly deadlineMs?: number;
  /** Longer messages are refused. @default 2019 */
  readonly maxMessageBytes?: number;
  /** 32 bytes. @default a fresh key */
  readonly seed?: Uint8Array;
}

/** A {@link KeyProvider} whose device the test holds in its hand. Signs one message at a time, in the order asked. */
export class FakeProvider implements KeyProvider {
  readonly name: string;
  readonly publicKey: PublicKey;
  /** Messages the device has taken up, in order, whatever came of them. */
  readonly taken: Uint8Array[] = [];
  /** Attempts to open the key. */
  attempts = 0;
  /** Keys that were opened and not disposed. */
  openKeys = 0;
  isDisposed = false;
  /** Signatures it made that do not verify. */
  wrongSignatures = 0;
  /** Messages put before the other device's key. */
  misdirected = 0;
  readonly #clock: Clock;
  readonly #signMs: number;
  readonly #deadlineMs: number;
  readonly #maxMessageBytes: number;
  readonly #secret: Ed25519SecretKey;
  readonly #otherSecret = Ed25519SecretKey.generate();
  #condition: FakeCondition = 'healthy';
  #changed = Promise.withResolvers<void>();
  /** Sessions of an earlier plugging-in are lost. */
  #session = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(deps: { readonly clock: Clock }, options: FakeProviderOptions = {}) {
    this.#clock = deps.clock;
    this.name = options.name ?? 'fake device';
    this.#signMs = options.signMs ?? 0;
    this.#deadlineMs = options.deadlineMs ?? 700;
    this.#maxMessageBytes = options.maxMessageBytes ?? 2_019;
    this.#secret = options.seed
      ? Ed25519SecretKey.fromSeed(new Uint8Array(options.seed))
      : Ed25519SecretKey.generate();
    this.publicKey = this.#secret.publicKey;
  }

  get condition(): FakeCondition {
    return this.#condition;
  }

  /** What happens to the device now, also to what it has at hand. */
  set condition(condition: FakeCondition) {
    if (condition === this.#condition) return;
    if (condition === 'unplugged' || condition === 'another-key') this.#session++;
    this.#condition = condition;
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  async openKey(options: AbortOptions = {}): Promise<SigningKey> {
    options.signal?.throwIfAborted();
    this.attempts++;
    const session = this.#session;
    await abortable(this.#untilItAnswers(session), options);
    const secret = this.#condition === 'another-key' ? this.#otherSecret : this.#secret;
    this.openKeys++;
    return new FakeDeviceKey({
      publicKey: secret.publicKey,
      sign: async (message, isClosed) => this.#inTurn(message, secret, { session, isClosed }),
      close: () => {
        this.openKeys--;
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
  }

  #inTurn(
    message: Uint8Array,
    secret: Ed25519SecretKey,
    from: { readonly session: number; readonly isClosed: () => boolean },
  ): Promise<Uint8Array> {
    if (message.length > this.#maxMessageBytes) {
      throw new FakeProviderError({
        code: 'ERR_FAKE_MESSAGE_TOO_LONG',
        remedy: 'repair',
        blamesKey: false,
      });
    }
    const signature = this.#queue.then(() => {
      if (from.isClosed()) throw new KeyClosedError();
      return this.#inDevice(message, secret, from.session);
    });
    this.#queue = signature.then(
      () => undefined,
      () => undefined,
    );
    return signature;
  }

  async #inDevice(
    message: Uint8Array,
    secret: Ed25519SecretKey,
    session: number,
  ): Promise<Uint8Array> {
    this.#assertSession(session);
    this.taken.push(message);
    if (secret === this.#otherSecret) this.misdirected++;
    await this.#untilItAnswers(session);
    if (this.#signMs > 0) await this.#clock.sleep(this.#signMs);
    // Asked again: it may have been unplugged while it was at work.
    this.#assertSession(session);
    if (this.#condition === 'failing')
      throw new FakeProviderError({ code: 'ERR_FAKE_FAILED', remedy: 'wait' });
    const signature = secret.sign(message);
    const isWrong =
      this.#condition === 'wrong-signature' || this.#condition === 'wrong-signature-once';
    if (!isWrong) return signature;
    if (this.#condition === 'wrong-signature-once') this.condition = 'healthy';
    this.wrongSignatures++;
    signature[0] = (signature[0] ?? 0) ^ 1;
    return signature;
  }

  /** @throws {FakeProviderError} when it answers with an error, or not in time. */
  async #untilItAnswers(session: number): Promise<void> {
    using deadline = this.#clock.deadline(this.#deadlineMs);
    while (this.#condition === 'stalled') {
      try {
        await abortable(this.#changed.promise, deadline);
      } catch (cause) {
        throw new FakeProviderError({ code: 'ERR_FAKE_DEADLINE', remedy: 'wait' }, { cause });
      }
    }
    this.#assertSession(session);
    if (this.#condition === 'key-missing' || this.#condition === 'key-missing-once') {
      if (this.#condition === 'key-missing-once') this.condition = 'healthy';
      throw new FakeProviderError({ code: 'ERR_FAKE_KEY_MISSING', remedy: 'repair' });
    }
    if (this.#condition === 'wrong-password') {
      throw new FakeProviderError({ code: 'ERR_FAKE_WRONG_PASSWORD', remedy: 'restart' });
    }
  }

  #assertSession(session: number): void {
    if (this.#condition === 'unplugged')
      throw new FakeProviderError({ code: 'ERR_FAKE_GONE', remedy: 'wait' });
    if (session !== this.#session)
      throw new FakeProviderError({ code: 'ERR_FAKE_SESSION_LOST', remedy: 'wait' });
  }
}

/** One opening of a device's key. */
class FakeDeviceKey implements SigningKey {
  readonly publicKey: PublicKey;
  readonly #sign: (message: Uint8Array, isClosed: () => boolean) => Promise<Uint8Array>;
  readonly #close: () => void;
  #isClosed = false;

  constructor(device: {
    readonly publicKey: PublicKey;
    readonly sign: (message: Uint8Array, isClosed: () => boolean) => Promise<Uint8Array>;
    readonly close: () => void;
  }) {
    this.publicKey = device.publicKey;
    this.#sign = device.sign;
    this.#close = device.close;
  }

  async sign(message: Uint8Array, options: AbortOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    if (this.#isClosed) throw new KeyClosedError();
    return abortable(
      this.#sign(new Uint8Array(message), () => this.#isClosed),
      options,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#close();
  }
}
