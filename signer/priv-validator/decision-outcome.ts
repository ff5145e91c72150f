/** The end of one request to sign, for everybody who counts: audit, metrics, page. */
import type { Hrs } from '../guard/hrs.ts';
import type { StageTimes } from './decision-log.ts';

/** What came of a request. */
export interface DecisionOutcome {
  readonly validator: string;
  readonly chainId: string;
  /** Address of the node that asked, as configured, or `grpc`. */
  readonly asker: string;
  readonly at: Hrs;
  /** Whether the vote carried the address of this validator's own key; absent for proposals. */
  readonly isOwnAddress?: boolean | undefined;
  /** `repeated`: signed, for a floor that stood there before. */
  readonly outcome: 'signed' | 'repeated' | 'refused' | 'failed' | 'abandoned';
  /** Of a refusal or fault. */
  readonly code: string | undefined;
  readonly text: string | undefined;
  readonly stages: StageTimes;
  readonly totalMs: number;
  /** Wall-clock milliseconds since 1970. */
  readonly endedAtMs: number;
}

/**
 * Told of each request once it has ended, a turn of the event loop after the answer was written, where
 * the log line is made. It must not throw, wait, or take more than some microseconds.
 */
export type DecisionObserver = (outcome: DecisionOutcome) => void;
