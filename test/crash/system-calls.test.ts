import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { GuardProcess, type GuardVariant } from './guard-process.ts';
import { readTrace, straceTo, type TraceReport } from './system-call-trace.ts';

const POSITIONS = 40;

/** Has a guard process sign at new positions, one after the other, under strace. */
async function traceOf(variant: GuardVariant): Promise<TraceReport> {
  using folder = new ScratchFolder();
  using traces = new ScratchFolder();
  const trace = traces.join('trace');
  await using signer = new GuardProcess({
    directory: folder.path,
    variant,
    under: straceTo(trace),
  });
  await signer.ready();
  for (let height = 1; height <= POSITIONS; height++) {
    const asked = {
      id: height,
      height,
      round: 0,
      step: 'prevote',
      block: 'A',
      seconds: 1,
    } as const;
    expect(await signer.ask(asked)).toMatchObject({ kind: 'signed' });
  }
  await signer.finish();
  return readTrace(readFileSync(trace, 'utf8'));
}

test('S8, S11: the log is written, synced and marked before each answer: one sync each, the page of the floor and the page of its entry', async () => {
  const report = await traceOf('as-built');
  expect(report.violations).toEqual([]);
  expect(report.answers).toBe(POSITIONS);
  expect(report.logSyncs).toBe(POSITIONS);
  // A page is written in two parts, its header in front of it; now and then an entry needs a new
  // page, whose parent and the head of the file then change too: a quarter more, not twice as many.
  expect(report.logWrites).toBeGreaterThanOrEqual(2 * 2 * POSITIONS);
  expect(report.logWrites).toBeLessThanOrEqual(2 * 2.5 * POSITIONS);
});

test('S13: SQLite alone opens the database and the lock, once, and neither is closed before the end', async () => {
  const { opened, closed } = await traceOf('as-built');
  // The first opening is of a home that was made in the same life: made, closed, opened.
  expect(opened).toMatchObject({ 'floor.db': 2, 'home.lock': 1 });
  expect(closed).toMatchObject({ 'floor.db': 2, 'home.lock': 1 });
});

test.each([
  ['sync-off', /^answered before the sync/],
  ['sync-normal', /^answered before the sync/],
  ['answer-first', /^answered without a commit/],
] satisfies [GuardVariant, RegExp][])(
  'S8: the same reading of the trace finds %s out',
  async (variant, sentence) => {
    const { violations } = await traceOf(variant);
    expect(violations.length).toBeGreaterThan(POSITIONS / 2);
    expect(violations[1]).toMatch(sentence);
  },
);
