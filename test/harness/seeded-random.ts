/** Randomness that a test can repeat: the seed is in its output or its title. */
import type { RandomSource } from '@privval/proto/runtime/random';

/** A small, fast generator (mulberry32) of a 32-bit seed. Good enough to vary tests, for nothing else. */
export class SeededRandom implements RandomSource {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed | 0;
  }

  /** An unsigned 32-bit number. */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  uniform(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number in [0, endExclusive). */
  below(endExclusive: number): number {
    return Math.floor(this.uniform() * endExclusive);
  }

  /** `length` bytes. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() & 0xff;
    return bytes;
  }

  /** One of the items. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }
}
