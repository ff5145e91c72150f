/** How much of what sources tell of the chain's height counts for the floor's limits (S33). Pure. */
import { MAX_HEIGHT_JUMP } from '../guard/decide.ts';

/**
 * The tip for S33. A source that lies must not open the way to any height: what it tells counts up
 * to one jump above the floor. At height 0 it counts as it is, for then a request for any height is
 * let through without it too. What was told in earlier processes does not count: a lie would stay.
 */
export function countedTip(told: bigint | undefined, floorHeight: bigint): bigint | undefined {
  if (told === undefined || floorHeight === 0n) return told;
  const limit = floorHeight + MAX_HEIGHT_JUMP;
  return told < limit ? told : limit;
}
