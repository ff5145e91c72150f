import { BACK_OFF_LIMITS, backOffDelayMs } from '@privval/signer/connection/back-off';
import { expect, it } from 'vitest';
import { SeededRandom } from '../../harness/seeded-random.ts';

/** A node waits so long for its signer at start, then it exits (spec/privval.md 3.4). */
const NODE_ACCEPT_WINDOW_MS = 3_000;

const lowest = { uniform: () => 0 };
const highest = { uniform: () => 1 - Number.EPSILON };

it('the first retry comes at once, the later ones ever later, up to the cap', () => {
  const ceilings = Array.from({ length: 8 }, (_, failures) => backOffDelayMs(failures, highest));
  expect(ceilings.map(Math.round)).toEqual([50, 100, 200, 400, 800, 1000, 1000, 1000]);
});

it('no delay is so short that a node that hangs up becomes a busy loop', () => {
  for (const failures of [0, 1, 5, 1_000]) {
    expect(backOffDelayMs(failures, lowest)).toBe(BACK_OFF_LIMITS.minMs);
  }
});

it('after any number of failures two retries fit into the time a node waits for its signer', () => {
  const random = new SeededRandom(7);
  for (let failures = 0; failures < 10_000; failures++) {
    const delayMs = backOffDelayMs(failures, random);
    expect(delayMs).toBeGreaterThanOrEqual(BACK_OFF_LIMITS.minMs);
    expect(2 * delayMs).toBeLessThan(NODE_ACCEPT_WINDOW_MS);
  }
});

it('signers that lost the same node at the same time do not come back at the same time', () => {
  const random = new SeededRandom(8);
  const delays = Array.from({ length: 100 }, () => Math.round(backOffDelayMs(6, random)));
  expect(new Set(delays).size).toBeGreaterThan(80);
});
