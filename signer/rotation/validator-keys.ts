/** A validator's keys with their eras and states, as they follow from its rotations. Pure. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { KeySchedule } from '../keyring/key-schedule.ts';
import type { Rotation } from './rotation.ts';

/** What a key is to its validator. */
export type KeyState = 'current' | 'staged' | 'retiring' | 'aborted' | 'destroyed';

/** One of a validator's keys. */
export interface ValidatorKey {
  readonly publicKey: Uint8Array;
  /** Where its era begins; `undefined` for a key in none. */
  readonly fromHeight: bigint | undefined;
  readonly state: KeyState;
}

/** The first key, then those of the rotations, in the order of their making. */
export function validatorKeys(
  firstKey: Uint8Array,
  rotations: readonly Rotation[],
): readonly ValidatorKey[] {
  return [
    {
      publicKey: firstKey,
      fromHeight: 0n,
      state: replacedState(firstKey, rotations) ?? 'current',
    },
    ...rotations.map(
      ({ newKey, activationHeight, state }): ValidatorKey => ({
        publicKey: newKey,
        fromHeight: activationHeight,
        state:
          replacedState(newKey, rotations) ??
          (state === 'aborted' ? 'aborted' : isAtWork(state) ? 'current' : 'staged'),
      }),
    ),
  ];
}

/**
 * The eras, ascending.
 *
 * @throws {InvariantError} ERR_INVARIANT when two begin at one height.
 */
export function scheduleOfKeys(keys: readonly ValidatorKey[]): KeySchedule {
  const eras = keys
    .flatMap(({ publicKey, fromHeight }) =>
      fromHeight === undefined ? [] : [{ publicKey, fromHeight }],
    )
    .sort((a, b) => (a.fromHeight < b.fromHeight ? -1 : 1));
  const [first, ...later] = eras;
  if (first?.fromHeight !== 0n) throw new InvariantError('the first key begins at 0');
  let last = first;
  for (const era of later) {
    if (era.fromHeight <= last.fromHeight) {
      throw new InvariantError(`two keys begin at height ${era.fromHeight}`);
    }
    last = era;
  }
  return [first, ...later];
}

/** The state of a key that another one has replaced. */
function replacedState(
  key: Uint8Array,
  rotations: readonly Rotation[],
): 'retiring' | 'destroyed' | undefined {
  const by = rotations.filter(({ oldKey, state }) => isAtWork(state) && equalBytes(oldKey, key));
  if (by.length === 0) return undefined;
  return by.some(({ state }) => state === 'finished') ? 'destroyed' : 'retiring';
}

/** Whether the new key has taken over. */
function isAtWork(state: Rotation['state']): boolean {
  return (
    state === 'switched' || state === 'verified' || state === 'retiring' || state === 'finished'
  );
}
