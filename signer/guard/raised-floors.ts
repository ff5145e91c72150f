/** How far floors were raised from outside while this process ran. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import { comparePositions, type Hrs, type Position } from './hrs.ts';
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

  /** Whether a noted floor is at or above `at`. */
  isOver(validator: string, at: Hrs): boolean {
    const highest = this.#highest.get(validator);
    return highest !== undefined && comparePositions(at, highest) <= 0;
  }
}
