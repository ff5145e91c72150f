/** The one line in the log for each request to sign: what was asked, what came of it, how long each stage took. */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { type Hrs, STEP_NUMBER } from '../guard/hrs.ts';
import type { DecisionObserver, DecisionOutcome } from './decision-outcome.ts';

/** Milliseconds by stage; a stage that did not happen is left out. */
export interface StageTimes {
  /** Waiting for another request at the same position, and for the turn's transaction. */
  queueMs?: number;
  /** Until the floor was durable. */
  reserveMs?: number;
  /** In the key; of a signature made beside the sync, what was still waited for. */
  signMs?: number;
  /** Checking the signature. */
  verifyMs?: number;
  /** Both, for the vote extension; made beside the sync, what was still waited for. */
  extensionMs?: number;
}

/** What a request was about. */
export interface AskedDecision {
  readonly chainId: string;
  readonly validator: string;
  /** Address of the node that asked, as configured, or `grpc`. */
  readonly asker: string;
  readonly at: Hrs;
  /** A validator address in the request that is none of ours (S43). */
  readonly unknownAddress?: Uint8Array | undefined;
  /** Whether the address is that of one of ours. */
  readonly isOwnAddress?: boolean | undefined;
}

/** Collaborators of a {@link DecisionLog}. */
export interface DecisionLogDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Told after the line was written. */
  readonly observer?: DecisionObserver | undefined;
}

type LoggedOutcome = 'signed' | 'refused' | 'failed' | 'abandoned';

interface Details {
  readonly reason?: string;
  readonly code?: string;
  readonly text?: string;
  readonly isRepeat?: boolean;
}

/**
 * Collects one request's facts and writes them once, whichever way it ends. Nothing secret comes near it.
 *
 * The line is made and written a turn of the event loop later, when the answer is on its way: a
 * node waits for its signature, nobody for a line. A crash in between loses the line of a decision
 * that the floor still shows.
 */
export class DecisionLog {
  readonly #deps: DecisionLogDeps;
  readonly #asked: AskedDecision;
  readonly #startMs: number;
  readonly #stages: StageTimes = {};
  #isRepeat = false;

  constructor(deps: DecisionLogDeps, asked: AskedDecision) {
    this.#deps = deps;
    this.#asked = asked;
    this.#startMs = deps.clock.monotonicMs();
  }

  /** Adds stages that are over. */
  addStages(stages: StageTimes): void {
    Object.assign(this.#stages, stages);
  }

  /** What is signed was signed, or promised a signature, before. */
  repeated(): void {
    this.#isRepeat = true;
  }

  signed(): void {
    this.#write('info', 'signed', this.#isRepeat ? { isRepeat: true } : {});
  }

  refused({ reason, code, text }: Refusal): void {
    this.#write('warn', 'refused', { reason, code, text });
  }

  /** A fault, or the asker gave up: either way nothing was answered. */
  failed(error: unknown, signal: AbortSignal | undefined): void {
    const code = errorCode(error);
    if (signal?.aborted && error === signal.reason) {
      this.#write('warn', 'abandoned', { code });
      return;
    }
    const text = error instanceof Error ? error.message : String(error);
    this.#write('error', 'failed', { code, text });
  }

  #write(level: 'info' | 'warn' | 'error', outcome: LoggedOutcome, details: Details): void {
    const totalMs = this.#deps.clock.monotonicMs() - this.#startMs;
    setImmediate(() => {
      this.#deps.logger[level](this.#line(outcome, details, totalMs), outcome);
      this.#deps.observer?.(this.#told(outcome, details, totalMs));
    });
  }

  #told(outcome: LoggedOutcome, { code, text }: Details, totalMs: number): DecisionOutcome {
    const { chainId, validator, asker, at, isOwnAddress } = this.#asked;
    return {
      validator,
      chainId,
      asker,
      at,
      isOwnAddress,
      outcome: outcome === 'signed' && this.#isRepeat ? 'repeated' : outcome,
      code,
      text,
      stages: this.#stages,
      totalMs,
      endedAtMs: this.#deps.clock.now(),
    };
  }

  #line(outcome: LoggedOutcome, details: Details, totalMs: number): object {
    const { chainId, validator, at, unknownAddress } = this.#asked;
    const stages = Object.entries({ ...this.#stages, totalMs }).map(
      ([stage, ms]: [string, number]) => [stage, Math.round(ms * 1000) / 1000],
    );
    return {
      chain: chainId,
      validator,
      height: String(at.height),
      round: at.round,
      step: STEP_NUMBER[at.step],
      type: at.step === 'propose' ? 'proposal' : at.step,
      outcome,
      ...details,
      ...(unknownAddress === undefined ? {} : { unknownAddress: hexFromBytes(unknownAddress) }),
      ...Object.fromEntries(stages),
    };
  }
}
