/** Randomness as a dependency: jitter is injected like time, so that a test can repeat it. */
import { randomBytes } from 'node:crypto';

/** A source of random numbers for jitter and sampling. Keys never come from here. */
export interface RandomSource {
  /** A number in [0, 1). */
  uniform(): number;
}

/** The operating system's generator. */
export const systemRandom: RandomSource = {
  uniform: () => randomBytes(4).readUInt32LE() / 0x1_0000_0000,
};
