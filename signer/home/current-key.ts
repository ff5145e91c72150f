/** Which of a validator's keys signs next, read from a home's store. */
import type { SqliteSignStateStore } from '../guard/sqlite-sign-state-store.ts';
import { keyAt } from '../keyring/key-schedule.ts';
import { SqliteRotationStore } from '../rotation/sqlite-rotation-store.ts';

/**
 * By validator: the key of the height above its floor, as `serve` goes into service with it. The
 * record of a validator names its first key for ever (S35).
 */
export function currentKeys(
  store: SqliteSignStateStore,
  now: () => number,
): (validator: string) => Uint8Array {
  const floorHeight = (validator: string): bigint => store.floor(validator).height;
  const rotations = new SqliteRotationStore({ floorHeight, now });
  rotations.load(store);
  return (validator) => keyAt(rotations.scheduleOf(validator), floorHeight(validator) + 1n);
}
