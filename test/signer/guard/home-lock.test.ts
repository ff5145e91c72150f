import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { acquireHomeLock, type HomeLock } from '@privval/signer/guard/home-lock';
import { expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

function acquire(
  folder: ScratchFolder,
  clock: ManualClock,
  waitMs: number,
  signal?: AbortSignal,
): Promise<HomeLock> {
  return acquireHomeLock(folder.join('home.lock'), {
    clock,
    waitMs,
    signal,
    command: 'signer test',
  });
}

test('S15: who comes second waits, and has the lock as soon as it is free', async () => {
  using folder = new ScratchFolder();
  const clock = new ManualClock();
  const first = await acquire(folder, clock, 0);
  const second = acquire(folder, clock, 5_000);
  await clock.advance(4_000);
  await first[Symbol.asyncDispose]();
  await clock.advance(100);
  await (await second)[Symbol.asyncDispose]();
  expect(clock.pending).toBe(0);
});

test('S15: after the wait it says who holds it', async () => {
  using folder = new ScratchFolder();
  const clock = new ManualClock();
  await using _ = await acquire(folder, clock, 0);
  const second = expect(acquire(folder, clock, 5_000)).rejects.toMatchObject({
    code: 'ERR_HOME_LOCKED',
    holder: `signer test (process ${process.pid}, since 2026-01-01T00:00:00.000Z)`,
  });
  await clock.advance(5_001);
  await second;
});

test('S15: an offline command does not wait', async () => {
  using folder = new ScratchFolder();
  const clock = new ManualClock();
  await using _ = await acquire(folder, clock, 0);
  await expect(acquire(folder, clock, 0)).rejects.toMatchObject({ code: 'ERR_HOME_LOCKED' });
});

test('S13: what a dead process wrote about itself keeps nobody out', async () => {
  using folder = new ScratchFolder();
  writeFileSync(folder.join('home.lock.holder'), '{"pid":1,"command":"init","since":"ever"}');
  const lock = await acquire(folder, new ManualClock(), 0);
  await lock[Symbol.asyncDispose]();
  expect(existsSync(folder.join('home.lock.holder'))).toBe(false);
});

test('S13: removing the note of who holds it does not free the lock', async () => {
  using folder = new ScratchFolder();
  await using _ = await acquire(folder, new ManualClock(), 0);
  rmSync(folder.join('home.lock.holder'));
  await expect(acquire(folder, new ManualClock(), 0)).rejects.toMatchObject({
    code: 'ERR_HOME_LOCKED',
    holder: 'a process that has not said who it is',
  });
});

test('an abort ends the wait', async () => {
  using folder = new ScratchFolder();
  const clock = new ManualClock();
  await using _ = await acquire(folder, clock, 0);
  const controller = new AbortController();
  const second = expect(acquire(folder, clock, 5_000, controller.signal)).rejects.toThrow('stop');
  controller.abort(new Error('stop'));
  await second;
  expect(clock.pending).toBe(0);
});

test('a folder that cannot take the lock says so', async () => {
  using folder = new ScratchFolder();
  const missing = folder.join('nowhere', 'home.lock');
  const options = { clock: new ManualClock(), waitMs: 0, command: 'signer test' };
  await expect(acquireHomeLock(missing, options)).rejects.toMatchObject({
    code: 'ERR_FLOOR_UNWRITABLE',
  });
});
