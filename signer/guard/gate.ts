/** The one door between a request and a key. */

import type { SigningKey } from '@privval/hsm/signing-key';
import { parseSignBytes } from '@privval/proto/codec/sign-bytes';
import type { Refusal } from '@privval/proto/privval/priv-validator';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { Hrs } from './hrs.ts';
import {
  type BatchedDecision,
  destroyEarly,
  type EarlyWork,
  ReservationBatch,
} from './reservation-batch.ts';
import type { SignatureVerifier } from './side-verifier.ts';
import type { Decision, SignStateStore } from './sign-state-store.ts';
import {
  type EarlySignature,
  type KeyFault,
  type Made,
  SigningFlights,
} from './signing-flights.ts';

/** Requests that may be under way at once, in all validators together. Nodes have one each. */
const MAX_PENDING = 1_024;

const CLOSED_TEXT = 'the signer is shutting down';

/** Collaborators of a {@link Gate}. */
export interface GateDeps {
  readonly store: SignStateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of a key whose signature did not verify: its owner takes it out of service (S20, S29). */
  readonly onKeyFault?: ((fault: KeyFault) => void) | undefined;
  /** Where signatures are verified while their floor is synced. @default in this thread, afterwards */
  readonly verifier?: SignatureVerifier | undefined;
}

/** Tuning of a {@link Gate}. */
export interface GateOptions {
  /** Requests under way at once; one more is refused with ERR_GATE_BUSY. @default 1024 */
  readonly maxPending?: number | undefined;
}

/** A message to be signed. */
export interface GateRequest {
  /** Name of the validator in the store. */
  readonly validator: string;
  readonly at: Hrs;
  /** Of exactly that position and the validator's chain, with their length prefix. */
  readonly signBytes: Uint8Array;
  /** The key for this height, as the keyring chose it. */
  readonly key: SigningKey;
  /** The known key whose address the message carries, if it is one of this validator's (S43). */
  readonly claimedKey?: Uint8Array | undefined;
  /** Who asked: a node's address as the configuration has it, or `grpc`. */
  readonly asker?: string | undefined;
  /** The key the store has decided on, should it be another one than `key` (S38). */
  readonly keyFor?: ((publicKey: Uint8Array) => SigningKey | undefined) | undefined;
  /** A precommit's extension as it is signed: its signature may be begun together with the vote's (S21). */
  readonly extensionBytes?: Uint8Array | undefined;
}

/** Where the time went, in milliseconds. 0 for a stage that did not happen. */
export interface GateTimings {
  /** From the call to the start of the transaction. */
  readonly queueMs: number;
  /** The transaction, with its sync. */
  readonly reserveMs: number;
  /** The key, its own queue included. */
  readonly signMs: number;
  readonly verifyMs: number;
}

/** An extension's signature, made beside the sync. */
export interface ExtensionMade {
  readonly signature: Uint8Array;
  /** What of it was still waited for, in milliseconds. */
  readonly waitedMs: number;
}

/** A signature that may be released, or a refusal. */
export type GateResult =
  | {
      readonly kind: 'signed';
      /** What the signature covers: on a repeat the stored bytes, whose time may be another than the one asked. */
      readonly signBytes: Uint8Array;
      /** Whose signature it is: a vote's extension is signed with the same key (S21). */
      readonly publicKey: Uint8Array;
      /** 64 bytes, verified (S20). */
      readonly signature: Uint8Array;
      /** Whether the floor stood at the position already. */
      readonly isRepeat: boolean;
      /**
       * Over `extensionBytes`, by the same key, verified. `undefined` when it was not begun, or no
       * good one came of it: it is then the caller's to make.
       */
      readonly extension?: ExtensionMade | undefined;
      readonly timings: GateTimings;
    }
  | Refusal;

/**
 * Orders reserve, sign, verify, release, for every validator of a process.
 *
 * The order is the safety argument. A position is durable before a key sees its bytes, so a crash
 * between the two loses a signature and never makes a second one; what the key sees are the floor
 * row's bytes, never the request's (S5); nothing is released that does not verify (S20). One
 * exception, also of S5: a key in this process's memory signs the decided bytes while the sync is
 * running, and the signature is destroyed if that fails. So it does with the extension of a
 * precommit whose decision is to sign, by the key of that decision; unless the vote's own signature
 * is released, the extension's is destroyed (S21).
 *
 * - Reservations that arrive in one turn of the event loop share one transaction and one sync.
 * - For one validator and position at most one signature is being made at a time. Whoever asks for
 *   the same message meanwhile waits for that signature; whoever asks for another is refused (S10).
 * - An abort ends that caller's waiting. A key is told to stop only when no caller is left; a
 *   signature that comes all the same is verified and stored for the next asker (S7, S25).
 * - A slow key holds up nobody but the callers that wait for it.
 *
 * Dispose it after those who call it: it refuses new requests, stops the keys, and waits for them.
 */
export class Gate implements AsyncDisposable {
  readonly #store: SignStateStore;
  readonly #clock: Clock;
  readonly #batch: ReservationBatch;
  readonly #flights: SigningFlights;
  readonly #maxPending: number;
  #pending = 0;
  #closed = false;

  constructor(deps: GateDeps, options: GateOptions = {}) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#batch = new ReservationBatch(deps);
    this.#flights = new SigningFlights(deps);
    this.#maxPending = options.maxPending ?? MAX_PENDING;
  }

  /**
   * The signature over `request.signBytes`, or over what was stored at its position if that is the
   * same message; or a refusal: a rule's, or `unavailable` when the store, the key or the gate is.
   *
   * @throws whatever the key throws. The position stays reserved, and may be asked for again.
   * @throws {SignatureInvalidError} ERR_SIGNATURE_INVALID
   * @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR
   * @throws {InvariantError} ERR_INVARIANT when the bytes are not those of the position and chain.
   */
  async sign(request: GateRequest, options: AbortOptions = {}): Promise<GateResult> {
    options.signal?.throwIfAborted();
    this.#assertOwnBytes(request);
    if (this.#closed) return unavailable('ERR_GATE_CLOSED', CLOSED_TEXT);
    if (this.#pending >= this.#maxPending) {
      return unavailable('ERR_GATE_BUSY', `${this.#pending} requests are under way already`);
    }
    this.#pending++;
    try {
      return await this.#sign(request, options);
    } finally {
      this.#pending--;
    }
  }

  /** Why a signature for `at` may not leave any more; for what is signed after the gate has answered. */
  releaseRefusal(validator: string, at: Hrs): Refusal | undefined {
    return this.#store.releaseRefusal(validator, at);
  }

  /** Resolves when no signature of this validator is in the making (S34). It stops none of them. */
  async settled(validator: string): Promise<void> {
    await this.#flights.settled(validator);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#flights[Symbol.asyncDispose]();
  }

  async #sign(request: GateRequest, options: AbortOptions): Promise<GateResult> {
    const { validator, at, signBytes, claimedKey, asker } = request;
    const askedMs = this.#clock.monotonicMs();
    const reserved = await this.#batch.reserve(
      { validator, at, signBytes, claimedKey, asker },
      (decided) => this.#signEarly(request, decided),
      options,
    );
    try {
      return await this.#signReserved(request, reserved, timingsOf(askedMs, reserved), options);
    } finally {
      // Whatever the way out: what was not released by now never is.
      destroyEarly(reserved.early);
    }
  }

  async #signReserved(
    request: GateRequest,
    { decision, early }: BatchedDecision,
    timings: GateTimings,
    options: AbortOptions,
  ): Promise<GateResult> {
    const { validator, at } = request;
    if (decision.kind === 'refused') return decision;
    if (this.#closed) return unavailable('ERR_GATE_CLOSED', CLOSED_TEXT);
    const stored = this.#flights.verifyStored(validator, decision);
    const extension = early?.extension;
    if (stored !== undefined) {
      return this.#release(request, decision, { signature: stored, extension }, timings);
    }
    const signer = keyOf(request, decision.publicKey);
    if (signer === undefined) {
      return unavailable(
        'ERR_KEY_NOT_IN_SERVICE',
        'the message at this position belongs to another key of the validator, which is not in service',
      );
    }
    const task = { validator, at, signBytes: decision.signBytes, key: signer };
    let made: Made | undefined;
    if (early?.signature !== undefined) made = this.#flights.keepEarly(task, early.signature);
    made ??= await this.#flights.sign(task, options);
    const { signature, signMs, verifyMs } = made;
    options.signal?.throwIfAborted();
    const spent = { ...timings, signMs, verifyMs };
    return this.#release(request, decision, { signature, extension }, spent);
  }

  /** While the floor is being synced (S5). What was signed before needs no signature; its extension does (S21). */
  #signEarly(request: GateRequest, decision: Decision): EarlyWork | undefined {
    if (decision.kind === 'refused') return undefined;
    const key = keyOf(request, decision.publicKey);
    if (key === undefined) return undefined;
    const { validator, at, extensionBytes } = request;
    const { signBytes } = decision;
    const isSigned = decision.signature !== undefined;
    return {
      signature: isSigned ? undefined : this.#flights.signEarly({ validator, at, signBytes, key }),
      extension: extensionBytes && this.#flights.beginElsewhere(key, extensionBytes),
    };
  }

  /** The last look before a signature leaves: a freeze or a floor from outside may have come since. */
  #release(
    { validator, at }: GateRequest,
    { signBytes, publicKey, isRepeat }: Extract<Decision, { readonly kind: 'sign' }>,
    made: { readonly signature: Uint8Array; readonly extension: EarlySignature | undefined },
    timings: GateTimings,
  ): GateResult {
    const refusal = this.releaseRefusal(validator, at);
    if (refusal !== undefined) return refusal;
    const { signature } = made;
    const extension = extensionMade(made.extension);
    return { kind: 'signed', signBytes, publicKey, signature, isRepeat, extension, timings };
  }

  /**
   * The last look before the floor moves: bytes of another position or chain would be signed under
   * a floor that says nothing about them. Whoever builds them has a bug.
   */
  #assertOwnBytes({ validator, at, signBytes, extensionBytes }: GateRequest): void {
    if (extensionBytes !== undefined && at.step !== 'precommit') {
      throw new InvariantError(`an extension was put before the gate with a ${at.step}`);
    }
    const { chainId } = this.#store.validator(validator);
    const message = parseSignBytes(signBytes);
    const step = message.kind === 'vote' ? message.type : 'propose';
    if (
      message.chainId !== chainId ||
      message.height !== at.height ||
      message.round !== at.round ||
      step !== at.step
    ) {
      throw new InvariantError(
        `sign bytes of ${message.height}/${message.round}/${step} on ${message.chainId} were put ` +
          `before the gate as ${at.height}/${at.round}/${at.step} on ${chainId}`,
      );
    }
  }
}

function keyOf(request: GateRequest, publicKey: Uint8Array): SigningKey | undefined {
  if (equalBytes(request.key.publicKey.bytes, publicKey)) return request.key;
  const other = request.keyFor?.(publicKey);
  return other !== undefined && equalBytes(other.publicKey.bytes, publicKey) ? other : undefined;
}

/** The vote's signature is released: so is its extension's, if there is a good one. */
function extensionMade(early: EarlySignature | undefined): ExtensionMade | undefined {
  const made = early?.take();
  return made && { signature: made.signature, waitedMs: made.signMs };
}

function timingsOf(askedMs: number, reserved: BatchedDecision): GateTimings {
  return {
    queueMs: reserved.startedMs - askedMs,
    reserveMs: reserved.endedMs - reserved.startedMs,
    signMs: 0,
    verifyMs: 0,
  };
}

function unavailable(code: `ERR_${string}`, text: string): Refusal {
  return { kind: 'refused', reason: 'unavailable', code, text };
}
