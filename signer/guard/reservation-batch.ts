/** Reservations of one turn of the event loop, in one transaction: one sync for all. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { SignStateUnavailableError } from './sign-state-errors.ts';
import type { Decision, Reservation, SignStateStore } from './sign-state-store.ts';
import type { EarlySignature } from './signing-flights.ts';

/** Collaborators of a {@link ReservationBatch}. */
export interface ReservationBatchDeps {
  readonly store: SignStateStore;
  readonly clock: Clock;
}

/** What was begun while a decision was made durable (S5). */
export interface EarlyWork {
  /** Over the floor's bytes. */
  readonly signature: EarlySignature | undefined;
  /** Over the vote's extension (S21). */
  readonly extension: EarlySignature | undefined;
}

/** A decision that is durable, and when it was made. */
export interface BatchedDecision {
  readonly decision: Decision;
  /** Begun before the decision was durable. The receiver takes or destroys it. */
  readonly early: EarlyWork | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** What a caller does with its decision while it is being made durable. */
export type EarlySigner = (decision: Decision) => EarlyWork | undefined;

/** Leaves nothing of what was begun and not taken. */
export function destroyEarly(early: EarlyWork | undefined): void {
  early?.signature?.destroy();
  early?.extension?.destroy();
}

interface Waiting {
  readonly reservation: Reservation;
  readonly signer: EarlySigner;
  /** Set between the decision and its sync. */
  early: EarlyWork | undefined;
  readonly signal: AbortSignal | undefined;
  readonly outcome: PromiseWithResolvers<BatchedDecision>;
}

/**
 * Collects reservations until the end of the turn (`setImmediate`: after all the sockets that had
 * something to say in this turn were read), then has them decided and made durable together.
 *
 * Its bound is the gate's: at most so many requests are under way.
 */
export class ReservationBatch {
  readonly #store: SignStateStore;
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #maintaining = false;

  constructor({ store, clock }: ReservationBatchDeps) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * The decision on `reservation`, durable. A store that cannot make it so is a refusal, for an
   * answer is owed and nothing was signed (S9).
   *
   * An abort before the transaction takes the reservation back; after it there is nothing to wait for.
   */
  reserve(
    reservation: Reservation,
    signer: EarlySigner,
    { signal }: AbortOptions = {},
  ): Promise<BatchedDecision> {
    const outcome = Promise.withResolvers<BatchedDecision>();
    if (this.#waiting.length === 0) setImmediate(() => this.#commit());
    this.#waiting.push({ reservation, signer, early: undefined, signal, outcome });
    return outcome.promise;
  }

  #commit(): void {
    const batch: Waiting[] = [];
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.signal?.aborted) waiting.outcome.reject(waiting.signal.reason);
      else batch.push(waiting);
    }
    if (batch.length === 0) return;
    const startedMs = this.#clock.monotonicMs();
    try {
      const decisions = this.#store.reserve(
        batch.map(({ reservation }) => reservation),
        (decided) => signEarly(batch, decided),
      );
      const endedMs = this.#clock.monotonicMs();
      for (const [index, { outcome, early }] of batch.entries()) {
        const decision = decisions[index];
        if (decision === undefined)
          throw new InvariantError('a store left a reservation undecided');
        outcome.resolve({ decision, early, startedMs, endedMs });
      }
    } catch (error) {
      this.#fail(batch, error, startedMs);
    }
    this.#maintainWhenIdle();
  }

  #fail(batch: readonly Waiting[], error: unknown, startedMs: number): void {
    const endedMs = this.#clock.monotonicMs();
    for (const { outcome, early } of batch) {
      destroyEarly(early);
      if (!(error instanceof SignStateUnavailableError)) outcome.reject(error);
      else {
        const { code, message: text } = error;
        const decision: Decision = { kind: 'refused', reason: 'unavailable', code, text };
        outcome.resolve({ decision, early: undefined, startedMs, endedMs });
      }
    }
  }

  /** A turn later the answers of this one have been written; if nobody has asked by then, the store may tidy up. */
  #maintainWhenIdle(): void {
    if (this.#maintaining) return;
    this.#maintaining = true;
    setImmediate(() => {
      this.#maintaining = false;
      if (this.#waiting.length === 0) this.#store.maintain();
    });
  }
}

function signEarly(batch: readonly Waiting[], decisions: readonly Decision[]): void {
  for (const [index, waiting] of batch.entries()) {
    const decision = decisions[index];
    if (decision !== undefined) waiting.early = waiting.signer(decision);
  }
}
