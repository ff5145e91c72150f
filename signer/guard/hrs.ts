/** Positions in the protocol: height, round, step. */

/** Consensus steps a validator signs, in the order they occur within a round. */
export type Step = 'propose' | 'prevote' | 'precommit';

/** Position in the protocol. Ordered by height, then round, then step. */
export interface Hrs {
  readonly height: bigint;
  readonly round: number;
  readonly step: Step;
}

/** Where a floor stands: a position, or the start of a round at which nothing was signed yet. */
export interface Position {
  readonly height: bigint;
  readonly round: number;
  readonly step: Step | 'none';
}

/** The numbers FilePV gives the steps; `none` is a floor nothing was signed at yet (spec/privval.md 5.3). */
export const STEP_NUMBER: Readonly<Record<Step | 'none', number>> = {
  none: 0,
  propose: 1,
  prevote: 2,
  precommit: 3,
};

/** The largest int64: no height is above it. */
export const MAX_HEIGHT = 9_223_372_036_854_775_807n;

/** The largest int32: no round is above it. */
export const MAX_ROUND = 2_147_483_647;

/** Negative when `a` comes before `b`, 0 when they are the same position, positive when it comes after. */
export function comparePositions(a: Position, b: Position): number {
  if (a.height !== b.height) return a.height < b.height ? -1 : 1;
  if (a.round !== b.round) return a.round < b.round ? -1 : 1;
  return STEP_NUMBER[a.step] - STEP_NUMBER[b.step];
}

/** Whether height, round and step are ones the protocol has: an int64 and an int32 from 0 on, a known step. */
export function isValidPosition(position: Position): boolean {
  return (
    position.height >= 0n &&
    position.height <= MAX_HEIGHT &&
    Number.isInteger(position.round) &&
    position.round >= 0 &&
    position.round <= MAX_ROUND &&
    Object.hasOwn(STEP_NUMBER, position.step)
  );
}

/** `12/0/prevote`, as logs and errors show a position. */
export function formatPosition(position: Position): string {
  return `${position.height}/${position.round}/${position.step}`;
}
