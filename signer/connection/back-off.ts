/**
 * How long to wait before dialling a node again. Pure: no clock, no state.
 *
 * A node waits 3 s for its signer at start and then exits, so every delay stays well inside that
 * (spec/privval.md 3.4, 3.7); the jitter keeps many signers from dialling a restarted node at once.
 */
import type { RandomSource } from '@privval/proto/runtime/random';

/** Limits of {@link backOffDelayMs}. */
export interface BackOffLimits {
  /** No delay is shorter: a node that closes at once must not become a busy loop. @default 25 */
  readonly minMs: number;
  /** The longest delay of the first attempt; doubled with each further one. @default 50 */
  readonly firstMs: number;
  /** No delay is longer. @default 1000 */
  readonly maxMs: number;
}

/** Chosen so that three attempts fit into a node's 3 s accept window even at the cap. */
export const BACK_OFF_LIMITS: BackOffLimits = { minMs: 25, firstMs: 50, maxMs: 1_000 };

/**
 * The delay before the next dial, in milliseconds, after `failures` attempts in a row that brought
 * no request (0 after a connection that was in use): uniform between `minMs` and a ceiling that
 * doubles from `firstMs` to `maxMs`.
 */
export function backOffDelayMs(
  failures: number,
  random: RandomSource,
  limits: BackOffLimits = BACK_OFF_LIMITS,
): number {
  const ceilingMs = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.max(0, failures));
  return limits.minMs + random.uniform() * Math.max(0, ceilingMs - limits.minMs);
}
