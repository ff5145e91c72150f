/** What came of requests to sign, in plain numbers: counting one costs a few additions. */
import type { Step } from '../guard/hrs.ts';
import type { DecisionObserver, DecisionOutcome } from '../priv-validator/decision-outcome.ts';

/** A value of the label `type`. */
export type DecisionType = 'proposal' | 'prevote' | 'precommit';

/** A value of the label `stage`. */
export type SignStage = 'queue' | 'reserve' | 'sign' | 'verify' | 'extension' | 'total';

/** Values of the label `type`. */
export const DECISION_TYPES: readonly DecisionType[] = ['proposal', 'prevote', 'precommit'];

/** Values of the label `outcome`. */
export const DECISION_OUTCOMES: readonly DecisionOutcome['outcome'][] = [
  'signed',
  'repeated',
  'refused',
  'failed',
  'abandoned',
];

/** Values of the label `stage`. */
export const SIGN_STAGES: readonly SignStage[] = [
  'queue',
  'reserve',
  'sign',
  'verify',
  'extension',
  'total',
];

/** One stage of one request that was signed. */
export interface StageSample {
  readonly type: DecisionType;
  readonly stage: SignStage;
  readonly seconds: number;
}

/** What is known of one validator's requests since the start. */
export interface ValidatorTally {
  readonly counts: Readonly<
    Record<DecisionType, Readonly<Record<DecisionOutcome['outcome'], number>>>
  >;
  /** `undefined` before the first signature. */
  readonly lastSignedHeight: bigint | undefined;
}

type Counts = Record<DecisionType, Record<DecisionOutcome['outcome'], number>>;

/** Samples that wait for somebody to take them; older ones are forgotten. */
const MAX_SAMPLES = 4_096;

/** The `type` of a step. */
export function decisionType(step: Step): DecisionType {
  return step === 'propose' ? 'proposal' : step;
}

/**
 * Counts outcomes by validator, of which there are as many as are served. Stage times of signed
 * requests go to {@link DecisionTally.onSample}; until somebody listens, the last 4,096 wait.
 */
export class DecisionTally {
  readonly #byValidator = new Map<
    string,
    { counts: Counts; lastSignedHeight: bigint | undefined }
  >();
  #waiting: StageSample[] = [];
  #onSample: ((sample: StageSample) => void) | undefined;

  /** To be told of each decision. */
  readonly observe: DecisionObserver = (outcome) => {
    const type = decisionType(outcome.at.step);
    const tally = this.#tallyOf(outcome.validator);
    tally.counts[type][outcome.outcome]++;
    if (outcome.outcome !== 'signed') return;
    const { height } = outcome.at;
    if (tally.lastSignedHeight === undefined || height > tally.lastSignedHeight) {
      tally.lastSignedHeight = height;
    }
    const { queueMs, reserveMs, signMs, verifyMs, extensionMs } = outcome.stages;
    this.#sample(type, 'queue', queueMs);
    this.#sample(type, 'reserve', reserveMs);
    this.#sample(type, 'sign', signMs);
    this.#sample(type, 'verify', verifyMs);
    this.#sample(type, 'extension', extensionMs);
    this.#sample(type, 'total', outcome.totalMs);
  };

  /** Of a validator that never asked: zeros. */
  of(validator: string): ValidatorTally {
    return this.#byValidator.get(validator) ?? { counts: zeros(), lastSignedHeight: undefined };
  }

  /** Gives the samples that wait, and every further one, to `listener`. */
  onSample(listener: (sample: StageSample) => void): void {
    this.#onSample = listener;
    for (const sample of this.#waiting) listener(sample);
    this.#waiting = [];
  }

  #sample(type: DecisionType, stage: SignStage, ms: number | undefined): void {
    if (ms === undefined) return;
    const sample = { type, stage, seconds: ms / 1000 };
    if (this.#onSample !== undefined) {
      this.#onSample(sample);
      return;
    }
    this.#waiting.push(sample);
    // In halves: moving the whole list with each sample would cost more than counting.
    if (this.#waiting.length > MAX_SAMPLES * 2) this.#waiting = this.#waiting.slice(-MAX_SAMPLES);
  }

  #tallyOf(validator: string): { counts: Counts; lastSignedHeight: bigint | undefined } {
    const known = this.#byValidator.get(validator);
    if (known !== undefined) return known;
    const fresh = { counts: zeros(), lastSignedHeight: undefined };
    this.#byValidator.set(validator, fresh);
    return fresh;
  }
}

function zeros(): Counts {
  const none = { signed: 0, repeated: 0, refused: 0, failed: 0, abandoned: 0 };
  return { proposal: { ...none }, prevote: { ...none }, precommit: { ...none } };
}
