/** One provider's key, kept open: opened, watched, closed at a fault, and opened again. */
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { equalPublicKeys, type PublicKey } from '@privval/proto/crypto/public-key';
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { type Logger, withFields } from '@privval/proto/runtime/logger';
import { blamesKey, type KeyProvider, type ProviderHealth } from './key-provider.ts';
import {
  AnotherKeyError,
  KeyOutOfServiceError,
  providerFault,
  WrongSignatureError,
} from './provided-key-errors.ts';
import { KeyClosedError, type LendableSecret, type SigningKey } from './signing-key.ts';
import {
  mayReturn,
  providerStateOf,
  type SupervisionAction,
  type SupervisionEvent,
  type SupervisionNotice,
  supervise,
  UNOPENED,
} from './supervision.ts';

/** Collaborators of a {@link SupervisedKey}. */
export interface SupervisedKeyDeps {
  /** Owned by the key from here on. */
  readonly provider: KeyProvider;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told after each change of {@link SupervisedKey.health}. */
  readonly onChange?: (() => void) | undefined;
}

/** Which key it must be. */
export interface SupervisedKeyOptions {
  readonly expected: PublicKey;
}

/** The key between one opening and its end. */
interface Opening {
  readonly key: SigningKey;
  /** Aborts when the key is to be closed; its reason is what those who wait for a signature get. */
  readonly ended: AbortController;
  /** What is to be done next. */
  readonly action: PromiseWithResolvers<SupervisionAction>;
}

/**
 * Keeps one provider's key open for as long as it is not disposed, and hands out nothing but
 * signatures that verify (S20).
 *
 * What it decides is in `supervision.ts`. It runs one loop, {@link #superviseAll}: open, serve until
 * a fault, close, wait, open again. The loop ends when the key is disposed or the provider is given up.
 * A bug (`InvariantError`) ends it with a rejection that nobody catches, and with it the process.
 *
 * Invariant: a key is asked only between an opening that gave the expected public key and the next fault.
 */
export class SupervisedKey implements SigningKey {
  readonly name: string;
  readonly publicKey: PublicKey;
  readonly #deps: SupervisedKeyDeps;
  readonly #logger: Logger;
  readonly #shutdown = new AbortController();
  readonly #closed: Promise<void>;
  #state = UNOPENED;
  #error: unknown;
  #sinceMs: number;
  #opening: Opening | undefined;
  #signNow: SigningKey['signNow'];
  #lendable: LendableSecret | undefined;

  private constructor(deps: SupervisedKeyDeps, options: SupervisedKeyOptions) {
    this.#deps = deps;
    this.name = deps.provider.name;
    this.publicKey = options.expected;
    this.#logger = withFields(deps.logger, { provider: this.name });
    this.#sinceMs = deps.clock.now();
    this.#closed = this.#superviseAll();
  }

  /** Begins to open the provider's key, and returns at once. */
  static start(deps: SupervisedKeyDeps, options: SupervisedKeyOptions): SupervisedKey {
    return new SupervisedKey(deps, options);
  }

  /**
   * That of the provider's key, while that is in service without reservation and kept in this
   * process's memory. It is not verified here: see {@link reportInvalidSignature}.
   */
  get signNow(): SigningKey['signNow'] {
    return this.#signNow;
  }

  /** As {@link signNow}. */
  get lendable(): LendableSecret | undefined {
    return this.#lendable;
  }

  /** What is known now; `isActive` is for others to know. */
  health(): Omit<ProviderHealth, 'isActive'> {
    const { fault } = this.#state;
    return { name: this.name, state: providerStateOf(this.#state), fault, sinceMs: this.#sinceMs };
  }

  /** Whether it may be back in service soon: see `mayReturn`. */
  get mayReturn(): boolean {
    return mayReturn(this.#state);
  }

  /** The error behind the fault of {@link health}, while out of service. */
  get error(): unknown {
    return this.#error;
  }

  /**
   * A signature that verifies. An abort ends the waiting; what the device makes after it is dropped.
   *
   * @throws {KeyOutOfServiceError} ERR_KEY_OUT_OF_SERVICE at once while the key is not open, and as
   *   soon as it is closed for another's fault.
   * @throws {WrongSignatureError} ERR_SIGNATURE_INVALID
   * @throws {KeyClosedError} ERR_KEY_CLOSED
   * @throws what the provider's key throws; it is closed unless {@link blamesKey} says otherwise.
   */
  async sign(message: Uint8Array, options: AbortOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    if (this.#shutdown.signal.aborted) throw new KeyClosedError();
    const opening = this.#opening;
    if (opening === undefined) throw new KeyOutOfServiceError([this.health()]);
    // The key gets a copy: one that writes into what it is given cannot change what is verified.
    const asked = new Uint8Array(message);
    const signature = await this.#ask(opening, new Uint8Array(message), options);
    if (!verifyStrict(this.publicKey, asked, signature)) throw this.#wronglySigned(opening);
    this.#happened(opening, { kind: 'signed' });
    return signature;
  }

  /** A signature of {@link signNow} did not verify: see `ProvidedKey`. */
  reportInvalidSignature(): void {
    if (this.#opening !== undefined) this.#wronglySigned(this.#opening);
  }

  /** Rejects those who wait for a signature, and resolves once key and provider are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new KeyClosedError();
    this.#shutdown.abort(reason);
    this.#signNow = undefined;
    this.#lendable = undefined;
    this.#opening?.ended.abort(reason);
    await Promise.allSettled([this.#closed]);
    await this.#deps.provider[Symbol.asyncDispose]();
  }

  async #superviseAll(): Promise<void> {
    const { signal } = this.#shutdown;
    try {
      let action: SupervisionAction = { kind: 'open', afterMs: 0 };
      while (action.kind === 'open') {
        if (action.afterMs > 0) await this.#deps.clock.sleep(action.afterMs, { signal });
        action = await this.#openAndServe();
      }
    } catch (error) {
      if (error !== signal.reason) throw error;
    }
  }

  /** One opening, from the attempt to the end of what it gave. Resolves with what is to be done next. */
  async #openAndServe(): Promise<SupervisionAction> {
    const { signal } = this.#shutdown;
    let key: SigningKey;
    try {
      key = await this.#openExpectedKey();
    } catch (error) {
      signal.throwIfAborted();
      return this.#step({ kind: 'open-failed', fault: providerFault(error) }, error);
    }
    const opening: Opening = {
      key,
      ended: new AbortController(),
      action: Promise.withResolvers(),
    };
    try {
      signal.throwIfAborted();
      this.#opening = opening;
      this.#step({ kind: 'opened' });
      return await abortable(opening.action.promise, { signal });
    } finally {
      this.#opening = undefined;
      await this.#close(key);
    }
  }

  /** @throws {AnotherKeyError} ERR_ANOTHER_KEY */
  async #openExpectedKey(): Promise<SigningKey> {
    const { signal } = this.#shutdown;
    const key = await this.#deps.provider.openKey({ signal });
    if (equalPublicKeys(key.publicKey, this.publicKey)) return key;
    await this.#close(key);
    throw new AnotherKeyError(this.name, this.publicKey, key.publicKey);
  }

  /** A device that fails even here is found out by the next attempt to open it. */
  async #close(key: SigningKey): Promise<void> {
    try {
      await key[Symbol.asyncDispose]();
    } catch (err) {
      if (err instanceof InvariantError) throw err;
      this.#logger.warn({ err }, 'a key could not be closed in order');
    }
  }

  async #ask(opening: Opening, message: Uint8Array, options: AbortOptions): Promise<Uint8Array> {
    const signal = anySignal(options.signal, opening.ended.signal);
    try {
      const signature = await abortable(opening.key.sign(message, { signal }), { signal });
      return new Uint8Array(signature);
    } catch (error) {
      options.signal?.throwIfAborted();
      opening.ended.signal.throwIfAborted();
      if (!blamesKey(error)) throw error;
      this.#happened(opening, { kind: 'sign-failed', fault: providerFault(error) }, error);
      throw error;
    }
  }

  #wronglySigned(opening: Opening): WrongSignatureError {
    const isSecond = opening === this.#opening && this.#state.probation !== undefined;
    const error = new WrongSignatureError(this.name, isSecond ? 'restart' : 'wait');
    this.#happened(opening, { kind: 'signed-wrongly', fault: providerFault(error) }, error);
    return error;
  }

  /** Something happened to an open key; what is heard of one that was closed since changes nothing. */
  #happened(opening: Opening, event: SupervisionEvent, error?: unknown): void {
    if (opening !== this.#opening) return;
    const action = this.#step(event, error);
    if (action.kind === 'keep') return;
    this.#opening = undefined;
    opening.action.resolve(action);
    opening.ended.abort(new KeyOutOfServiceError([this.health()], { cause: error }));
  }

  /** Moves to what {@link supervise} says, and tells the log and the owner. */
  #step(event: SupervisionEvent, error?: unknown): SupervisionAction {
    if (error instanceof InvariantError) throw error;
    const before = this.#state;
    const { state, action, notice } = supervise(before, event);
    if (state === before) return action;
    this.#state = state;
    this.#error = error;
    const shown = providerStateOf(state);
    if (shown !== providerStateOf(before)) this.#sinceMs = this.#deps.clock.now();
    const trusted = shown === 'in-service' ? this.#opening?.key : undefined;
    this.#signNow = trusted?.signNow;
    this.#lendable = trusted?.lendable;
    if (notice !== undefined) this.#log(notice);
    this.#deps.onChange?.();
    return action;
  }

  #log({ level, text }: SupervisionNotice): void {
    const { fault } = this.#state;
    const { code, text: reason, remedy } = fault ?? {};
    const fields = fault === undefined ? {} : { code, reason, remedy };
    if (level === 'alarm') this.#logger.error({ ...fields, alarm: true }, text);
    else this.#logger[level](fields, text);
  }
}
