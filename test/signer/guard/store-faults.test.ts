import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { StoreProcess } from '../../harness/store-process.ts';

const BACK_OFF_MS = 500;

async function inProcess(
  use: (child: StoreProcess, directory: string) => Promise<void>,
): Promise<void> {
  using folder = new ScratchFolder();
  await using child = await StoreProcess.start();
  await use(child, folder.path);
}

/** Sets how large the files of a process may grow, in bytes: 0 makes every write of it fail. */
function limitFileSize(child: StoreProcess, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:`]);
}

describe('S9: after a commit has failed', () => {
  test('nothing is signed, old or new, until the store was reopened and proven; then what failed was never reserved', async () => {
    await inProcess(async (child, directory) => {
      const outcomeOf = async (height: number, block?: string): Promise<string> =>
        (await child.run({ do: 'reserve', height, ...(block === undefined ? {} : { block }) }))
          .outcome;
      await child.run({ do: 'create', directory });
      expect(await outcomeOf(1)).toBe('sign');

      limitFileSize(child, 0);
      expect(await outcomeOf(2, 'A')).toBe('ERR_SIGN_STATE_UNAVAILABLE');
      expect((await child.run({ do: 'floor' })).outcome).toBe('1');
      // Not even what was signed before, and not even with a disk that is well again, before its time.
      limitFileSize(child, 'unlimited');
      expect(await outcomeOf(1)).toBe('ERR_SIGN_STATE_UNAVAILABLE');

      limitFileSize(child, 0);
      await child.run({ do: 'advance', ms: BACK_OFF_MS });
      expect(await outcomeOf(2, 'A')).toBe('ERR_SIGN_STATE_UNAVAILABLE');

      limitFileSize(child, 'unlimited');
      expect(await outcomeOf(2, 'A')).toBe('ERR_SIGN_STATE_UNAVAILABLE');
      await child.run({ do: 'advance', ms: BACK_OFF_MS });
      expect(await outcomeOf(2, 'B')).toBe('sign');
      expect(await outcomeOf(2, 'A')).toBe('ERR_CONFLICTING_SIGN_BYTES');
      expect(await outcomeOf(1)).toBe('ERR_HEIGHT_REGRESSION');
    });
  });

  test('the mark counts as part of the commit (S11): without it nothing was committed', async () => {
    await inProcess(async (child, directory) => {
      await child.run({ do: 'create', directory });
      expect((await child.run({ do: 'reserve', height: 1 })).outcome).toBe('sign');
      // Removed while it runs: the reopening misses it.
      rmSync(join(directory, 'floor.mark'));
      limitFileSize(child, 0);
      await child.run({ do: 'reserve', height: 2 });
      limitFileSize(child, 'unlimited');
      await child.run({ do: 'advance', ms: BACK_OFF_MS });
      expect(await child.run({ do: 'reserve', height: 2 })).toMatchObject({
        outcome: 'ERR_SIGN_STATE_UNAVAILABLE',
        text: expect.stringContaining('floor.mark'),
      });
    });
  });
});

test('a store that cannot be written refuses to start', async () => {
  await inProcess(async (child, directory) => {
    await child.run({ do: 'create', directory });
    await child.kill();
    await using next = await StoreProcess.start();
    limitFileSize(next, 0);
    expect((await next.run({ do: 'open', directory })).outcome).toBe('ERR_FLOOR_UNWRITABLE');
    limitFileSize(next, 'unlimited');
    expect((await next.run({ do: 'open', directory })).outcome).toBe('ok');
  });
});

test('S11: a lost -wal, which SQLite does not miss, refuses to start', async () => {
  await inProcess(async (child, directory) => {
    await child.run({ do: 'create', directory });
    for (let height = 1; height <= 20; height++) await child.run({ do: 'reserve', height });
    await child.kill();
    rmSync(join(directory, 'floor.db-wal'));
    await using next = await StoreProcess.start();
    expect((await next.run({ do: 'open', directory })).outcome).toBe('ERR_FLOOR_ROLLED_BACK');
  });
});

test('a killed store is there again with all it had reserved', async () => {
  await inProcess(async (child, directory) => {
    await child.run({ do: 'create', directory });
    for (let height = 1; height <= 20; height++) await child.run({ do: 'reserve', height });
    await child.kill();
    await using next = await StoreProcess.start();
    expect((await next.run({ do: 'open', directory })).outcome).toBe('ok');
    expect((await next.run({ do: 'floor' })).outcome).toBe('20');
    expect((await next.run({ do: 'reserve', height: 20, block: 'B' })).outcome).toBe(
      'ERR_CONFLICTING_SIGN_BYTES',
    );
  });
});

describe('S13, S14: one process at a time', () => {
  test("a second one cannot open the database, whatever has looked at the home's files", async () => {
    await inProcess(async (child, directory) => {
      await child.run({ do: 'create', directory });
      await child.run({ do: 'lock', path: join(directory, 'home.lock'), waitMs: 0 });
      // A backup or a monitoring script of another process, reading everything.
      const names = readdirSync(directory);
      for (const name of names) readFileSync(join(directory, name));
      expect(names).toEqual(expect.arrayContaining(['floor.db', 'floor.mark', 'home.lock']));

      await using second = await StoreProcess.start();
      expect((await second.run({ do: 'open', directory })).outcome).toBe('ERR_FLOOR_LOCKED');
      const lock = { do: 'lock', path: join(directory, 'home.lock'), waitMs: 0 } as const;
      expect(await second.run(lock)).toMatchObject({
        outcome: 'ERR_HOME_LOCKED',
        text: expect.stringContaining(`test process (process ${child.pid}, since `),
      });
      expect((await child.run({ do: 'reserve', height: 1 })).outcome).toBe('sign');

      await child.kill();
      expect((await second.run(lock)).outcome).toBe('ok');
      expect((await second.run({ do: 'open', directory })).outcome).toBe('ok');
      expect((await second.run({ do: 'floor' })).outcome).toBe('1');
    });
  });
});
