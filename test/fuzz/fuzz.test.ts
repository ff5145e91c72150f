import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../harness/seeded-random.ts';
import { readCorpus } from './corpus.ts';
import { fuzz } from './fuzz.ts';
import { type FuzzTarget, isCodedRefusal, owed } from './fuzz-target.ts';
import { mutate } from './mutate.ts';
import { FUZZ_TARGETS, inputsOf } from './targets.ts';

/** Spread over the targets; `npm run test:fuzz` does a million and more. */
const INPUTS = 20_000;
const SEED = 20_260_801;

class RefusedError extends CodedError {
  override readonly name = 'RefusedError';
  readonly code = 'ERR_REFUSED';
}

describe('every decoder', () => {
  it.each(FUZZ_TARGETS)(
    'refuses bad bytes with a code and keeps its promises: $name',
    async (target) => {
      const corpus = await readCorpus(target.name);
      const inputs = inputsOf(target, FUZZ_TARGETS, INPUTS);
      const result = await fuzz(target, { corpus, inputs, random: new SeededRandom(SEED) });
      expect(result.finding).toBeUndefined();
      expect(corpus.length).toBeGreaterThan(1);
      expect(result.accepted).toBeGreaterThan(corpus.length / 4);
    },
  );
});

describe('the fuzzer', () => {
  /** Has a bug where byte 3 is 0x80 or more, unless the first byte is 0. */
  function buggyTarget(bug: () => void): FuzzTarget {
    return {
      name: 'buggy',
      run(bytes) {
        if (bytes[0] === 0) throw new RefusedError('zero');
        if ((bytes[3] ?? 0) >= 0x80) bug();
      },
      allowed: isCodedRefusal,
    };
  }

  const corpus = [Uint8Array.of(1, 2, 3, 4)];
  const inputs = 5000;

  it.each<[string, () => void]>([
    ['an error without a code', () => decodeURIComponent('%')],
    [
      'a bug that says it is one',
      () => {
        throw new InvariantError('bug');
      },
    ],
    ['a broken promise', () => owed(false, 'nothing')],
  ])('finds %s, and the seed repeats it', async (_, bug) => {
    const run = () => fuzz(buggyTarget(bug), { corpus, inputs, random: new SeededRandom(7) });
    const first = await run();
    expect(first.finding?.input[3]).toBeGreaterThanOrEqual(0x80);
    expect(await run()).toEqual(first);
  });

  it('finds nothing where all is refused properly', async () => {
    const target = buggyTarget(() => {
      throw new RefusedError('bad');
    });
    const result = await fuzz(target, { corpus, inputs, random: new SeededRandom(7) });
    expect(result).toMatchObject({ inputs, finding: undefined });
  });

  it('awaits a decoder that takes its time', async () => {
    const target: FuzzTarget = {
      name: 'late',
      run: async (bytes) => {
        await Promise.resolve();
        owed(bytes.length < 8, 'short');
      },
      allowed: isCodedRefusal,
    };
    const result = await fuzz(target, { corpus, inputs, random: new SeededRandom(7) });
    expect(result.finding?.input.length).toBeGreaterThanOrEqual(8);
  });

  it('leaves the input it starts from as it is', () => {
    const random = new SeededRandom(3);
    const input = Uint8Array.of(1, 2, 3);
    for (let i = 0; i < 2000; i++) mutate(input, random, Uint8Array.of(9, 9));
    expect(input).toEqual(Uint8Array.of(1, 2, 3));
  });
});
