/** The floor of a key that comes from another signer: the highest of all that is known of it (S2, S3, S12). */
import { mergeFloors } from '../guard/merge-floors.ts';
import type { Floor } from '../guard/sign-state-store.ts';
import { type FloorOwner, floorAtHeight } from '../home/first-floor.ts';
import type { ForeignState } from './foreign-state.ts';
import { ImportNoStateError } from './import-errors.ts';

/** What is known of a key's past. */
export interface ForeignHistory {
  readonly states: readonly ForeignState[];
  /** Why the states do not tell all. */
  readonly gap: string | undefined;
  /** What was looked for and is not there. */
  readonly missing: readonly string[];
  readonly floorHeight: bigint | undefined;
}

/**
 * @throws {ImportNoStateError} ERR_IMPORT_NO_STATE without a state, or with too few, unless a height is given (S2)
 * @throws what `floorOf` of a state throws (S3, S12).
 */
export function importedFloor(history: ForeignHistory, owner: FloorOwner): Floor {
  const { states, gap, missing, floorHeight } = history;
  if (floorHeight === undefined && states.length === 0) {
    const places = missing.length === 0 ? '' : ` (looked for: ${missing.join(', ')})`;
    throw new ImportNoStateError(owner.chainId, `no state was found${places}`);
  }
  if (floorHeight === undefined && gap !== undefined) {
    throw new ImportNoStateError(owner.chainId, gap);
  }
  const floors = states.map((state) => state.floorOf(owner, floorHeight));
  if (floorHeight !== undefined) floors.push(floorAtHeight(floorHeight));
  return floors.reduce(mergeFloors);
}
