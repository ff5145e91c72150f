/** The one door between a request and a key. */

import type { SigningKey } from '@privval/hsm/signing-key';
import { parseSignBytes } from '@privval/proto/codec/sign-bytes';
import type { Refusal } from '@privval/proto/privval/priv-validator';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { formatPosition, type Hrs } from './hrs.ts';
import { type BatchedDecision, ReservationBatch } from './reservation-batch.ts';
import type { SignatureVerifier } from './side-verifier.ts';
import type { Decision, SignStateStore } from './sign-state-store.ts';
import { type EarlySignature, type KeyFault, SigningFlights } from './signing-flights.ts';

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
  /** The key of a floor that stands at this position already, should it be another one (S38). */
  readonly keyFor?: ((publicKey: Uint8Array) => SigningKey | undefined) | undefined;
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
 * running, and the signature is destroyed if that fails.
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#flights[Symbol.asyncDispose]();
  }

  async #sign(request: GateRequest, options: AbortOptions): Promise<GateResult> {
    const { validator, at, signBytes, key } = request;
    const askedMs = this.#clock.monotonicMs();
    const reserved = await this.#batch.reserve(
      { validator, at, signBytes, publicKey: key.publicKey.bytes },
      {
        sign: (decided) => this.#signEarly(request, decided),
        destroy: (made) => this.#flights.destroyEarly(made),
      },
      options,
    );
    const { decision, early } = reserved;
    if (decision.kind === 'refused') return decision;
    if (this.#closed) {
      if (early !== undefined) this.#flights.destroyEarly(early);
      return unavailable('ERR_GATE_CLOSED', CLOSED_TEXT);
    }

    const timings = timingsOf(askedMs, reserved);
    const stored = this.#flights.verifyStored(validator, decision);
    if (stored !== undefined) return this.#release(request, decision, stored, timings);
    const signer = keyOf(request, decision.publicKey);
    if (signer === undefined) {
      return unavailable(
        'ERR_KEY_NOT_IN_SERVICE',
        'the message at this position belongs to another key of the validator, which is not in service',
      );
    }
    const task = { validator, at, signBytes: decision.signBytes, key: signer };
    const { signature, signMs, verifyMs } =
      early === undefined
        ? await this.#flights.sign(task, options)
        : this.#flights.keepEarly(task, early);
    options.signal?.throwIfAborted();
    return this.#release(request, decision, signature, { ...timings, signMs, verifyMs });
  }

  /** While the floor is being synced (S5). What was signed before needs no signature. */
  #signEarly(request: GateRequest, decision: Decision): EarlySignature | undefined {
    if (decision.kind === 'refused' || decision.signature !== undefined) return undefined;
    const key = keyOf(request, decision.publicKey);
    const { validator, at } = request;
    return key && this.#flights.signEarly({ validator, at, signBytes: decision.signBytes, key });
  }

  /** The last look before a signature leaves: the floor may have been raised from outside since. */
  #release(
    { validator, at }: GateRequest,
    { signBytes, publicKey }: Extract<Decision, { readonly kind: 'sign' }>,
    signature: Uint8Array,
    timings: GateTimings,
  ): GateResult {
    if (!this.#store.wasRaisedOver(validator, at)) {
      return { kind: 'signed', signBytes, publicKey, signature, timings };
    }
    return {
      kind: 'refused',
      reason: 'floor-without-sign-bytes',
      code: 'ERR_FLOOR_RAISED',
      text: `the floor was raised over ${formatPosition(at)} while its signature was made: the signature was kept back`,
    };
  }

  /**
   * The last look before the floor moves: bytes of another position or chain would be signed under
   * a floor that says nothing about them. Whoever builds them has a bug.
   */
  #assertOwnBytes({ validator, at, signBytes }: GateRequest): void {
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
