/** Signatures in the making: one per validator and position, shared by all who wait for it (S10). */
import type { SigningKey } from '@privval/hsm/signing-key';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey, type PublicKey } from '@privval/proto/crypto/public-key';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import { NobodyWaitingError, SignatureInvalidError } from './gate-errors.ts';
import { formatPosition, type Hrs } from './hrs.ts';
import { localVerifier, type SignatureVerifier } from './side-verifier.ts';
import type { Decision, SignStateStore } from './sign-state-store.ts';

/** A key that made a signature which does not verify. */
export interface KeyFault {
  readonly validator: string;
  readonly publicKey: PublicKey;
  readonly error: SignatureInvalidError;
}

/** Collaborators of {@link SigningFlights}. */
export interface SigningFlightsDeps {
  readonly store: SignStateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onKeyFault?: ((fault: KeyFault) => void) | undefined;
  /** Where the check of an early signature is begun. @default on the spot, when its verdict is asked */
  readonly verifier?: SignatureVerifier | undefined;
}

/** A signature made while its floor is being synced (S5): nobody's until that sync has returned. */
export interface EarlySignature {
  /** The signature and how to know whether it is good. `undefined`: it is to be made now, as if it had never been begun. To be asked once. */
  take(): Checkable | undefined;
  /** Nothing is left of it. Does nothing after {@link take}. */
  destroy(): void;
}

/** What is to be signed: bytes that a durable floor row holds, or held, at this position. */
export interface SigningTask {
  readonly validator: string;
  readonly at: Hrs;
  readonly signBytes: Uint8Array;
  readonly key: SigningKey;
}

/** A verified signature, and what it took. */
export interface Made {
  readonly signature: Uint8Array;
  readonly signMs: number;
  readonly verifyMs: number;
}

/** A signature, and how to know whether it is good. */
export interface Checkable {
  readonly signature: Uint8Array;
  readonly signMs: number;
  readonly isValid: () => boolean;
}

/** One signature in the making. */
class Flight {
  /** Told when nobody waits any more. */
  readonly stop = new AbortController();
  /** Settles when the key has: then no signature is being made at this position any more. */
  readonly outcome: Promise<Made>;
  askers = 0;
  settled = false;

  constructor(fly: (flight: Flight) => Promise<Made>) {
    this.outcome = fly(this);
  }
}

/**
 * Keeps at most one signature per validator and position in the making.
 *
 * Two askers at one position always hold the same bytes here: the store allows no others. They
 * still must not go to the key side by side, for the second is only a burden to a slow device.
 */
export class SigningFlights implements AsyncDisposable {
  readonly #deps: SigningFlightsDeps;
  readonly #flights = new Map<string, Flight>();

  constructor(deps: SigningFlightsDeps) {
    this.#deps = deps;
  }

  /**
   * The verified signature over `task.signBytes`: the one in the making, or a new one.
   *
   * Should the one in the making fail, the caller gets an attempt of its own: another's abort or
   * a device's hiccup is no answer to this caller (S10). An invalid signature is everybody's.
   *
   * @throws {SignatureInvalidError} ERR_SIGNATURE_INVALID
   */
  async sign(task: SigningTask, options: AbortOptions): Promise<Made> {
    const id = `${task.validator}/${formatPosition(task.at)}`;
    for (;;) {
      options.signal?.throwIfAborted();
      const running = this.#flights.get(id);
      // Signed and verified within this turn: nobody can come in between, so there is no flight to share.
      if (running === undefined && task.key.signNow !== undefined) {
        return this.#makeNow(task, task.key.signNow);
      }
      if (running === undefined) return await this.#wait(this.#start(id, task), options);
      try {
        return await this.#wait(running, options);
      } catch (error) {
        if (options.signal?.aborted || error instanceof SignatureInvalidError) throw error;
      }
    }
  }

  /**
   * Signs with a key in this process's memory before the floor is durable, and begins the check
   * (S5). `undefined` for any other key, and when the key fails: it is then asked, and heard, later.
   *
   * What comes of it goes to {@link keepEarly} once the floor is durable, or is destroyed.
   */
  signEarly(task: SigningTask): EarlySignature | undefined {
    const { signNow, publicKey } = task.key;
    if (signNow === undefined) return undefined;
    const elsewhere = this.beginElsewhere(task.key, task.signBytes);
    if (elsewhere !== undefined) return elsewhere;
    const startedMs = this.#deps.clock.monotonicMs();
    try {
      const signature = signNow(task.signBytes.slice()).slice();
      const signMs = this.#deps.clock.monotonicMs() - startedMs;
      const verifier = this.#deps.verifier ?? localVerifier;
      const verification = verifier.begin(publicKey, task.signBytes, signature);
      return earlySignature(
        () => ({ signature, signMs, isValid: () => verification.verdict() }),
        ({ isValid }) => {
          isValid();
          signature.fill(0);
        },
      );
    } catch {
      return undefined;
    }
  }

  /**
   * As {@link signEarly}, but in the other thread or not at all: for a message that is not worth
   * keeping the sync waiting. What {@link EarlySignature.take} gives was verified there.
   */
  beginElsewhere(key: SigningKey, message: Uint8Array): EarlySignature | undefined {
    // Devices are never asked before the floor is durable (S5).
    if (key.signNow === undefined) return undefined;
    const making = this.#deps.verifier?.beginSigning?.(key, message);
    if (making === undefined) return undefined;
    const { clock } = this.#deps;
    return earlySignature(
      () => {
        const startedMs = clock.monotonicMs();
        const signature = making.signature();
        if (signature === undefined) return undefined;
        return { signature, signMs: clock.monotonicMs() - startedMs, isValid: () => true };
      },
      ({ signature }) => {
        signature.fill(0);
      },
    );
  }

  /**
   * Once the floor is durable. `undefined`: no good one came of it, and {@link sign} is to make it.
   * @throws {SignatureInvalidError} ERR_SIGNATURE_INVALID
   */
  keepEarly(task: SigningTask, early: EarlySignature): Made | undefined {
    const made = early.take();
    return made && this.#keep(task, made).made;
  }

  /**
   * A stored signature, if it verifies. One that does not is as good as none: the stored bytes are
   * signed anew, which gives the same signature or shows that the key is not the row's.
   */
  verifyStored(
    validator: string,
    decision: Extract<Decision, { readonly kind: 'sign' }>,
  ): Uint8Array | undefined {
    const { signature, signBytes, publicKey } = decision;
    if (signature === undefined) return undefined;
    if (verifyStrict(ed25519PublicKey(publicKey), signBytes, signature)) return signature;
    this.#deps.logger.error({ validator }, 'a stored signature does not verify; signing anew');
    return undefined;
  }

  /** Resolves when no signature of `validator` is in the making: awaited, verified and stored, not stopped (S34). */
  async settled(validator: string): Promise<void> {
    const flights = [...this.#flights].filter(([id]) => id.startsWith(`${validator}/`));
    await Promise.allSettled(flights.map(([, { outcome }]) => outcome));
  }

  /** Stops all keys and waits until each has settled, its late signature stored (S7). */
  async [Symbol.asyncDispose](): Promise<void> {
    const flights = [...this.#flights.values()];
    for (const { stop } of flights) stop.abort(new NobodyWaitingError());
    await Promise.allSettled(flights.map(({ outcome }) => outcome));
  }

  async #wait(flight: Flight, options: AbortOptions): Promise<Made> {
    flight.askers++;
    try {
      return await abortable(flight.outcome, options);
    } finally {
      flight.askers--;
      if (flight.askers === 0 && !flight.settled) flight.stop.abort(new NobodyWaitingError());
    }
  }

  #start(id: string, task: SigningTask): Flight {
    const flight = new Flight((self) => this.#fly(task, self));
    this.#flights.set(id, flight);
    const land = (): void => {
      flight.settled = true;
      this.#flights.delete(id);
    };
    // A failure is observed here, and heard of by whoever waits.
    flight.outcome.then(land, land);
    return flight;
  }

  /** By a key in this process's memory. */
  #makeNow(task: SigningTask, signNow: NonNullable<SigningKey['signNow']>): Made {
    const startedMs = this.#deps.clock.monotonicMs();
    const signature = signNow(task.signBytes.slice()).slice();
    return this.#keep(task, this.#checked(task, signature, startedMs)).made;
  }

  /** By a key that takes its time. */
  async #fly(task: SigningTask, flight: Flight): Promise<Made> {
    const { clock, logger } = this.#deps;
    const { validator, at, signBytes, key } = task;
    const startedMs = clock.monotonicMs();
    const signature = await key.sign(signBytes.slice(), { signal: flight.stop.signal });
    const { made, kept } = this.#keep(task, this.#checked(task, signature.slice(), startedMs));
    if (flight.askers === 0) {
      logger.info(
        { validator, at: formatPosition(at) },
        kept
          ? 'late signature kept for the next asker'
          : 'late signature dropped: the floor moved on',
      );
    }
    return made;
  }

  /**
   * Verifies what the key made (S20) and keeps it for the next asker (S7). The key was given a copy
   * of the message and `signature` is a copy of its answer: a key that writes into an array it was
   * given, or uses its own again, cannot change what is verified, kept and released.
   */
  #keep(
    { validator, at, signBytes, key }: SigningTask,
    { signature, signMs, isValid }: Checkable,
  ): { readonly made: Made; readonly kept: boolean } {
    const { store, clock, logger, onKeyFault } = this.#deps;
    const signedMs = clock.monotonicMs();
    if (!isValid()) {
      const error = new SignatureInvalidError(validator);
      logger.error({ validator, code: error.code, at: formatPosition(at) }, error.message);
      onKeyFault?.({ validator, publicKey: key.publicKey, error });
      throw error;
    }
    const verifyMs = clock.monotonicMs() - signedMs;
    const kept = store.recordSignature(validator, signBytes, signature);
    return { made: { signature, signMs, verifyMs }, kept };
  }

  #checked({ key, signBytes }: SigningTask, signature: Uint8Array, startedMs: number): Checkable {
    const signMs = this.#deps.clock.monotonicMs() - startedMs;
    return { signature, signMs, isValid: () => verifyStrict(key.publicKey, signBytes, signature) };
  }
}

/** Taken or destroyed, whichever comes first. */
function earlySignature(
  make: () => Checkable | undefined,
  destroy: (made: Checkable) => void,
): EarlySignature {
  let isOver = false;
  const once = (): Checkable | undefined => {
    if (isOver) return undefined;
    isOver = true;
    return make();
  };
  return {
    take: once,
    destroy: () => {
      const made = once();
      if (made !== undefined) destroy(made);
    },
  };
}
