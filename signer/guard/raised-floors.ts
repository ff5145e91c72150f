/** How far floors were raised from outside while this process ran. */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { comparePositions, formatPosition, type Hrs, type Position } from './hrs.ts';
import type { Floor } from './sign-state-store.ts';

/**
 * Remembers the highest floor that came in from outside, by validator.
 *
 * Whatever is reserved after that is above it. So a position at or below it, whose signature is
 * still in the making, was reserved before, and may have been signed elsewhere with other content.
 */
export class RaisedFloors {
  readonly #highest = new Map<string, Position>();

  /** Takes note of `incoming`, unless it tells of the very message that `current` holds. */
  note(validator: string, current: Floor, incoming: Floor): void {
    const tellsOfTheSame =
      comparePositions(incoming, current) === 0 &&
      incoming.signBytes !== undefined &&
      current.signBytes !== undefined &&
      equalBytes(incoming.signBytes, current.signBytes);
    if (tellsOfTheSame) return;
    const highest = this.#highest.get(validator);
    if (highest === undefined || comparePositions(incoming, highest) > 0) {
      this.#highest.set(validator, incoming);
    }
  }

  /** Why a signature for `at` is kept back: a noted floor is at or above it. */
  refusalOf(validator: string, at: Hrs): Refusal | undefined {
    const highest = this.#highest.get(validator);
    if (highest === undefined || comparePositions(at, highest) > 0) return undefined;
    return {
      kind: 'refused',
      reason: 'floor-without-sign-bytes',
      code: 'ERR_FLOOR_RAISED',
      text: `the floor was raised over ${formatPosition(at)} while its signature was made: the signature was kept back`,
    };
  }
}
