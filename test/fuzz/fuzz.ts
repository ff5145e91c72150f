/**
 * Feeds a target its corpus, then mutations of it. The same seed makes the same inputs.
 *
 * What a target accepts joins the pool that is mutated, so that later inputs reach further in.
 */
import { setImmediate } from 'node:timers/promises';
import type { SeededRandom } from '../harness/seeded-random.ts';
import { BrokenPromiseError, type FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutate.ts';

/** An input on which a target did what it must not. */
export interface Finding {
  readonly target: string;
  readonly input: Uint8Array;
  readonly error: unknown;
}

/** What came of a target. */
export interface FuzzResult {
  readonly inputs: number;
  /** How many of them were accepted, to see that the mutations do not all die at the door. */
  readonly accepted: number;
  readonly finding: Finding | undefined;
}

/** Accepted inputs that are kept for mutation beside the corpus. */
const POOL_SIZE = 512;

/**
 * Inputs between two turns of the event loop. Guarded memory that was freed is unmapped in the next
 * turn; without one, tens of thousands of inputs reach the kernel's limit of mappings.
 */
const INPUTS_PER_TURN = 256;

/** Runs `inputs` inputs, the corpus first; stops at the first finding. */
export async function fuzz(
  target: FuzzTarget,
  options: {
    readonly corpus: readonly Uint8Array[];
    readonly inputs: number;
    readonly random: SeededRandom;
  },
): Promise<FuzzResult> {
  const { corpus, inputs, random } = options;
  const pool = [...corpus];
  let accepted = 0;
  for (let i = 0; i < inputs; i++) {
    if (i % INPUTS_PER_TURN === 0) await setImmediate();
    const input = corpus[i] ?? mutate(pickFrom(pool, random), random, pickFrom(pool, random));
    try {
      // Most targets are synchronous, and a million awaits are not free.
      const running = target.run(input);
      if (running !== undefined) await running;
      accepted += 1;
      if (i >= corpus.length) keep(pool, corpus.length, input, random);
    } catch (error) {
      if (error instanceof BrokenPromiseError || !target.allowed(error)) {
        return { inputs: i + 1, accepted, finding: { target: target.name, input, error } };
      }
    }
  }
  return { inputs, accepted, finding: undefined };
}

function pickFrom(pool: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  return pool[random.below(pool.length)] ?? new Uint8Array(0);
}

/** The corpus stays; of what was accepted a random selection does. */
function keep(
  pool: Uint8Array[],
  corpusSize: number,
  input: Uint8Array,
  random: SeededRandom,
): void {
  if (pool.length < corpusSize + POOL_SIZE) pool.push(input);
  else pool[corpusSize + random.below(POOL_SIZE)] = input;
}
