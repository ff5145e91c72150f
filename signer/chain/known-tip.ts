/** How much of what sources tell of the chain's height counts for the floor's limits (S33). Pure. */
import { MAX_HEIGHT_JUMP } from '../guard/decide.ts';

/** What is known of a validator's height. */
export interface TipFacts {
  /** The newest height any source tells. */
  readonly told: bigint | undefined;
  readonly floorHeight: bigint;
  /** The newest height told in earlier processes, as it was written down. */
  readonly remembered: bigint;
}

/**
 * The tip for S33. A source that lies must not open the way to any height: what it tells counts up
 * to one jump above what was known before. While nothing was known before it counts as it is, for
 * then a request for any height is let through anyway.
 */
export function countedTip({ told, floorHeight, remembered }: TipFacts): bigint | undefined {
  const known = floorHeight > remembered ? floorHeight : remembered;
  if (told === undefined) return remembered === 0n ? undefined : remembered;
  if (known === 0n) return told;
  const limit = known + MAX_HEIGHT_JUMP;
  return told < limit ? told : limit;
}
