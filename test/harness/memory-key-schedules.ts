/** Keys by height that a test sets, for what asks for them: store, keyring, node progress. */
import { UnknownValidatorError } from '@privval/signer/guard/sign-state-errors';
import type { KeySchedule, KeySchedules } from '@privval/signer/keyring/key-schedule';

/** One validator's keys. */
export interface MemoryKeys {
  readonly schedule: KeySchedule;
  /** Keys in no era. @default none */
  readonly others?: readonly Uint8Array[];
  /** The activation height of the newest era while no floor has reached it. */
  readonly armedAt?: bigint;
}

/** {@link KeySchedules} of a map; a change is seen by the next call. */
export class MemoryKeySchedules implements KeySchedules {
  readonly #keys = new Map<string, MemoryKeys>();

  constructor(keys: Readonly<Record<string, MemoryKeys>> = {}) {
    for (const [validator, of] of Object.entries(keys)) this.set(validator, of);
  }

  set(validator: string, keys: MemoryKeys): void {
    this.#keys.set(validator, keys);
  }

  scheduleOf(validator: string): KeySchedule {
    return this.#of(validator).schedule;
  }

  knownKeysOf(validator: string): readonly Uint8Array[] {
    const { schedule, others = [] } = this.#of(validator);
    return [...schedule.map(({ publicKey }) => publicKey), ...others];
  }

  armedAt(validator: string): bigint | undefined {
    return this.#of(validator).armedAt;
  }

  #of(validator: string): MemoryKeys {
    const keys = this.#keys.get(validator);
    if (keys === undefined) throw new UnknownValidatorError(validator);
    return keys;
  }
}
