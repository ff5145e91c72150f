/** Positions in the protocol: height, round, step. */

/** Consensus steps a validator signs, in the order they occur within a round. */
export type Step = 'propose' | 'prevote' | 'precommit';

/** Position in the protocol. Ordered by height, then round, then step. */
export interface Hrs {
  readonly height: bigint;
  readonly round: number;
  readonly step: Step;
}

/** The numbers FilePV gives the steps; `none` is a floor nothing was signed at yet (spec/privval.md 5.3). */
export const STEP_NUMBER: Readonly<Record<Step | 'none', number>> = {
  none: 0,
  propose: 1,
  prevote: 2,
  precommit: 3,
};
