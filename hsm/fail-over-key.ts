/** One key in up to two places: one signs, the other takes over (S28). */
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import {
  blamesKey,
  type InServiceOptions,
  type KeyProvider,
  type ProvidedKey,
  type ProviderHealth,
} from './key-provider.ts';
import { KeyOutOfServiceError } from './provided-key-errors.ts';
import { KeyClosedError, type LendableSecret, type SigningKey } from './signing-key.ts';
import { SupervisedKey } from './supervised-key.ts';

/** Most providers of one key: the second is there for the first; a third would be a second signer's. */
const MAX_PROVIDERS = 2;

/** A replug or a device's restart takes one to two seconds; a node waits 5 s for its answer. */
const DEFAULT_GRACE_MS = 3_000;

/** Collaborators of a {@link FailOverKey}. */
export interface FailOverKeyDeps {
  readonly clock: Clock;
  /** With the validator's name in its fields; the provider's is added. */
  readonly logger: Logger;
}

/** Where the key is, and which it must be. See `ProvidedKeyOptions`. */
export interface FailOverKeyOptions {
  readonly providers: readonly KeyProvider[];
  readonly expected: PublicKey;
  /** @default 3000 */
  readonly graceMs?: number | undefined;
}

/**
 * A key that is served from one or two providers, each of them supervised by itself.
 *
 * The active one is asked first; when it is out of service, fails or misses its deadline, the other
 * is asked for the same bytes, and whichever signed is the active one from then on. There is no
 * automatic return. Time in a device's queue is no reason to ask the other: see `blamesKey`.
 *
 * When neither signs and the outage is young, the request waits for one of them to come back and
 * asks again for the same bytes (S30): a device that is replugged costs time, not a vote. An
 * outage that lasts fails each request at once, since a node stands still while it waits.
 *
 * It has no loop of its own.
 */
export class FailOverKey implements ProvidedKey {
  readonly publicKey: PublicKey;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #graceMs: number;
  readonly #keys: readonly SupervisedKey[];
  readonly #shutdown = new AbortController();
  #active = 0;
  /** Resolved and replaced at each change of a provider. */
  #changed = Promise.withResolvers<void>();
  /** When the last provider went out of service, on the monotonic clock; never, before one was in service. */
  #outageSinceMs: number | undefined;
  #wasInService = false;

  private constructor(deps: FailOverKeyDeps, options: FailOverKeyOptions) {
    const { clock, logger } = deps;
    const { providers, expected, graceMs = DEFAULT_GRACE_MS } = options;
    if (providers.length === 0 || providers.length > MAX_PROVIDERS) {
      throw new InvariantError(`a key has one or two providers, not ${providers.length}`);
    }
    this.publicKey = expected;
    this.#clock = clock;
    this.#logger = logger;
    this.#graceMs = graceMs;
    const onChange = (): void => this.#onChange();
    this.#keys = providers.map((provider) =>
      SupervisedKey.start({ provider, clock, logger, onChange }, { expected }),
    );
  }

  /** Begins to open the providers, which it owns from here on, and returns at once. */
  static start(deps: FailOverKeyDeps, options: FailOverKeyOptions): FailOverKey {
    return new FailOverKey(deps, options);
  }

  /** The only provider's own, while it is in service; two providers take turns, which needs `sign`. */
  get signNow(): SigningKey['signNow'] {
    return this.#keys.length === 1 ? this.#keys[0]?.signNow : undefined;
  }

  /** As {@link signNow}. */
  get lendable(): LendableSecret | undefined {
    return this.#keys.length === 1 ? this.#keys[0]?.lendable : undefined;
  }

  /** By provider, in the order of the configuration. */
  health(): readonly ProviderHealth[] {
    return this.#keys.map((key, index) => ({ ...key.health(), isActive: index === this.#active }));
  }

  /**
   * A signature that verifies, by whichever provider. An abort ends the waiting.
   *
   * @throws {KeyOutOfServiceError} ERR_KEY_OUT_OF_SERVICE when no provider is in service; with a
   *   single provider that was in service and failed, its own error.
   * @throws {KeyClosedError} ERR_KEY_CLOSED
   */
  async sign(message: Uint8Array, options: AbortOptions = {}): Promise<Uint8Array> {
    // What is asked for a second time is what was asked at first, whatever becomes of the caller's array.
    const asked = new Uint8Array(message);
    const askedMs = this.#clock.monotonicMs();
    for (;;) {
      const outcome = await this.#askInTurn(asked, options);
      if (outcome instanceof Uint8Array) return outcome;
      if (!(await this.#isOneBack(askedMs, options))) throw outcome.error;
    }
  }

  async waitUntilInService(options: InServiceOptions = {}): Promise<void> {
    const { signal, until = 'repair' } = options;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#shutdown.signal.aborted) throw new KeyClosedError();
      if (this.#isInService()) return;
      const isPointless = this.#keys.every((key) => {
        const remedy = key.health().fault?.remedy;
        return remedy === 'restart' || (remedy === 'repair' && until === 'repair');
      });
      if (isPointless) throw this.#whyOutOfService();
      await this.#change({ signal });
    }
  }

  reportInvalidSignature(): void {
    this.#keys[this.#active]?.reportInvalidSignature();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort(new KeyClosedError());
    await Promise.all(this.#keys.map((key) => key[Symbol.asyncDispose]()));
  }

  /** The active one, then the other. An error is one that a later attempt may do without. */
  async #askInTurn(
    message: Uint8Array,
    options: AbortOptions,
  ): Promise<Uint8Array | { readonly error: unknown }> {
    const first = this.#active;
    let error: unknown;
    for (let turn = 0; turn < this.#keys.length; turn++) {
      const index = (first + turn) % this.#keys.length;
      try {
        const signature = await this.#keys[index]?.sign(message, options);
        if (signature === undefined) throw new InvariantError('a provider that is not there');
        this.#activate(index);
        return signature;
      } catch (cause) {
        options.signal?.throwIfAborted();
        this.#shutdown.signal.throwIfAborted();
        if (cause instanceof InvariantError || !blamesKey(cause)) throw cause;
        error = this.#keys.length === 1 ? cause : this.#whyOutOfService(cause);
      }
    }
    return { error };
  }

  /** Whether a provider is in service, now or before it would be too late to ask it. */
  async #isOneBack(askedMs: number, { signal }: AbortOptions): Promise<boolean> {
    const untilMs = Math.min(askedMs, this.#outageSinceMs ?? askedMs) + this.#graceMs;
    while (!this.#isInService()) {
      const leftMs = untilMs - this.#clock.monotonicMs();
      if (leftMs <= 0 || !this.#mayHeal()) return false;
      using deadline = this.#clock.deadline(leftMs);
      try {
        await this.#change({ signal: anySignal(signal, deadline.signal) });
      } catch (error) {
        if (error !== deadline.signal.reason) throw error;
        return false;
      }
    }
    return this.#clock.monotonicMs() < untilMs;
  }

  #mayHeal(): boolean {
    return this.#wasInService && this.#keys.some((key) => key.mayReturn);
  }

  #isInService(): boolean {
    return this.#keys.some((key) => key.health().state !== 'out-of-service');
  }

  #whyOutOfService(cause?: unknown): unknown {
    const [key] = this.#keys;
    if (this.#keys.length === 1 && key?.error !== undefined) return key.error;
    return new KeyOutOfServiceError(this.health(), { cause });
  }

  #activate(index: number): void {
    if (index === this.#active) return;
    const before = this.#keys[this.#active]?.name;
    this.#active = index;
    this.#logger.error(
      { provider: this.#keys[index]?.name, before, alarm: true },
      'fail-over: another provider signs from now on, and goes on when the first one is back',
    );
  }

  #onChange(): void {
    if (this.#isInService()) {
      this.#wasInService = true;
      this.#outageSinceMs = undefined;
    } else if (this.#wasInService) this.#outageSinceMs ??= this.#clock.monotonicMs();
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  /** Resolves at the next change. @throws {KeyClosedError} ERR_KEY_CLOSED */
  async #change({ signal }: AbortOptions): Promise<void> {
    await abortable(this.#changed.promise, { signal: anySignal(signal, this.#shutdown.signal) });
  }
}
