import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { expect, test } from 'vitest';
import { MemorySignStateStore } from '../../harness/memory-sign-state-store.ts';
import { type RaceReport, racePairs } from '../../harness/raced-pairs.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

/** A race in which nothing happened would prove nothing. */
function expectLively(report: RaceReport): void {
  expect(report.violations).toEqual([]);
  expect(report.signed).toBeGreaterThan(report.positions / 2);
  expect(report.refused['ERR_CONFLICTING_SIGN_BYTES']).toBeGreaterThan(report.positions);
  expect(report.aborted).toBeGreaterThan(report.positions / 20);
  expect(report.faults).toBeGreaterThan(report.positions / 200);
}

test('S5, S10: of 50,000 raced pairs over floors in memory no position sees two messages', async () => {
  await using store = new MemorySignStateStore();
  expectLively(await racePairs(store, { pairs: 50_000, seed: 1 }));
});

test('S5, S10: of 2,000 raced pairs over floors in SQLite no position sees two messages', async () => {
  using folder = new ScratchFolder();
  const deps = { logger: silentLogger, clock: systemClock };
  await using store = SqliteSignStateStore.create(deps, { directory: folder.path });
  expectLively(await racePairs(store, { pairs: 2_000, seed: 2 }));
});
