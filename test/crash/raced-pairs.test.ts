import { expect, test } from 'vitest';
import { MemorySignStateStore } from '../harness/memory-sign-state-store.ts';
import { racePairs } from '../harness/raced-pairs.ts';

/** How many pairs: 10^6 unless told otherwise; 10^9 takes a core most of a day. */
const PAIRS = Number(process.env['PRIVVAL_RACED_PAIRS'] ?? 1_000_000);

/** Pairs of one race, over one store. */
const PAIRS_PER_RACE = 100_000;

test(`S5, S10: of ${PAIRS} raced pairs no position sees two messages`, async () => {
  let raced = 0;
  let signed = 0;
  let conflicts = 0;
  for (let seed = 1; raced < PAIRS; seed++) {
    await using store = new MemorySignStateStore();
    const pairs = Math.min(PAIRS_PER_RACE, PAIRS - raced);
    const report = await racePairs(store, { pairs, seed });
    expect(report.violations, `seed ${seed}`).toEqual([]);
    raced += report.pairs;
    signed += report.signed;
    conflicts += report.refused['ERR_CONFLICTING_SIGN_BYTES'] ?? 0;
  }
  // Something was signed at most positions, and something refused.
  expect(signed).toBeGreaterThan(PAIRS / 20);
  expect(conflicts).toBeGreaterThan(PAIRS / 10);
});
