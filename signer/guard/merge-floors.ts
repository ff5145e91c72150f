/** How two accounts of what was signed become one floor: the higher of both, never the lower (S3, S4). */
import { equalBytes } from '@privval/proto/runtime/bytes';
import { comparePositions } from './hrs.ts';
import type { Floor } from './sign-state-store.ts';

/**
 * The floor that stands after `incoming` was added to `current`.
 *
 * At one and the same position with other bytes, or with bytes on one side only, nobody knows what
 * was signed: the result has no bytes and refuses everything there (S3). Commutative up to the
 * signature, idempotent, never below either.
 */
export function mergeFloors(current: Floor, incoming: Floor): Floor {
  const order = comparePositions(incoming, current);
  if (order < 0) return current;
  if (order > 0) return incoming;
  const { signBytes } = current;
  if (signBytes === undefined && incoming.signBytes === undefined) return current;
  const same =
    signBytes !== undefined &&
    incoming.signBytes !== undefined &&
    equalBytes(signBytes, incoming.signBytes);
  if (same) return current;
  return { height: current.height, round: current.round, step: current.step };
}
