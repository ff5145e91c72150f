/** Which keys a validator goes into service with, and where they are. Pure. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { ValidatorRecord } from '../guard/sign-state-store.ts';
import { placesOf } from '../keyring/key-place.ts';
import { type KeySchedule, keyAt } from '../keyring/key-schedule.ts';
import type { ServingKeys, ValidatorOptions } from '../signer-validator.ts';
import type { ValidatorKey } from './validator-keys.ts';

/** What the database says. */
export interface ServingFacts {
  readonly schedule: KeySchedule;
  readonly keys: readonly ValidatorKey[];
  readonly floorHeight: bigint;
}

/** The key of the height after the floor, and every other one that is not destroyed: the places are in `signer.toml`, what the keys are in the database (S35). */
export function servingKeys(
  { providers, rotatedKeys = [] }: Pick<ValidatorOptions, 'providers' | 'rotatedKeys'>,
  record: Pick<ValidatorRecord, 'publicKey'>,
  { schedule, keys, floorHeight }: ServingFacts,
): ServingKeys {
  const places = [{ publicKey: record.publicKey, providers }, ...rotatedKeys];
  const current = keyAt(schedule, floorHeight + 1n);
  const others = keys
    .filter(({ state, publicKey }) => state !== 'destroyed' && !equalBytes(publicKey, current))
    .map(({ publicKey }) => publicKey);
  const [place = { publicKey: current, providers: [] }] = placesOf([current], places);
  return { current: place, others: placesOf(others, places) };
}
