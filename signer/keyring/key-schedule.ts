/** Which key a validator has at which height (S38). Pure data; who may change it is the rotation's business. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import { InvariantError } from '@privval/proto/runtime/coded-error';

/** One key's time: from a height on, until the next era begins. */
export interface KeyEra {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The first height it signs; 0 for the first key. */
  readonly fromHeight: bigint;
}

/**
 * Eras of one validator: the first begins at 0, each later one at a greater height than the one
 * before. A key that is staged, held or aborted is in none. Read by the store inside its
 * transaction, by the keyring, and by the answer to a public-key request: all three from the one
 * object that is replaced, never changed, after the commit that arms a rotation.
 */
export type KeySchedule = readonly [KeyEra, ...KeyEra[]];

/** The key that signs at `height`. */
export function keyAt(schedule: KeySchedule, height: bigint): Uint8Array {
  const era = schedule.findLast(({ fromHeight }) => fromHeight <= height);
  if (era === undefined) throw new InvariantError(`no key for height ${height}`);
  return era.publicKey;
}

/** Whether `publicKey` has an era. */
export function isScheduled(schedule: KeySchedule, publicKey: Uint8Array): boolean {
  return schedule.some((era) => equalBytes(era.publicKey, publicKey));
}

/** Where schedules come from: the rotation's store. Synchronous; the store asks within a transaction. */
export interface KeySchedules {
  /** @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR */
  scheduleOf(validator: string): KeySchedule;
  /**
   * Every key of the validator there is, in no era too: a vote's address that belongs to one of
   * them, but not to the one its height chooses, is refused (S43).
   */
  knownKeysOf(validator: string): readonly Uint8Array[];
  /** The activation height while a rotation is armed and the floor below it: only then are answers held (S42). */
  armedAt(validator: string): bigint | undefined;
}
