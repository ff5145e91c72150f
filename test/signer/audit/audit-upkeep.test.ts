import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { AuditStore } from '@privval/signer/audit/audit-upkeep';
import { AuditUpkeep } from '@privval/signer/audit/audit-upkeep';
import { homePaths } from '@privval/signer/home/home-paths';
import { describe, expect, test } from 'vitest';
import {
  decideHeights,
  runUpkeep,
  SMALL,
  upkeepOf,
  verdictOf,
} from '../../harness/audit-log-rig.ts';
import { AuditedHome, bodiesOf, type OpenAudited } from '../../harness/audited-home.ts';
import { whilePassing } from '../../harness/passing-time.ts';

const FORGET_AFTER_MS = 30_000;

function segments(home: AuditedHome): readonly { file: string; state: string }[] {
  return home.rows('SELECT file, state FROM audit_segments ORDER BY first_seq');
}

async function expectWhole(home: AuditedHome): Promise<void> {
  expect((await verdictOf(home)).findings).toEqual([]);
}

describe('a live part that is too large', () => {
  test('has its older entries in a file, for its owner only, before the table forgets one', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      const upkeep = upkeepOf(home, opened);
      decideHeights(opened, 1, 20);
      const before = count(opened);
      await runUpkeep(home, upkeep);
      expect(count(opened)).toBeGreaterThan(before);
      await home.clock.advance(FORGET_AFTER_MS);
      await runUpkeep(home, upkeep);
      // A quarter stays, for those who look for the newest.
      expect(count(opened)).toBeGreaterThan(before / 5);
      expect(count(opened)).toBeLessThan(before / 2);
    }
    const [segment, ...others] = segments(home);
    expect(others).toEqual([]);
    expect(segment).toEqual({ file: '00000000000000000001.jsonl', state: 'moved' });
    expect(statSync(home.join('audit')).mode & 0o777).toBe(0o700);
    expect(statSync(home.join('audit', segment?.file ?? '')).mode & 0o777).toBe(0o600);
    expect(bodiesOf(home.entries(), 'segment')).toMatchObject([{ did: 'closed', first: '1' }]);
    await expectWhole(home);
  });

  test('is measured at the start: a daemon that is restarted often closes segments too', async () => {
    using home = await AuditedHome.make();
    for (const from of [1, 6, 11, 16]) {
      await using opened = home.open();
      decideHeights(opened, from, from + 4);
      await runUpkeep(home, upkeepOf(home, opened));
    }
    expect(segments(home)).toHaveLength(1);
    await expectWhole(home);
  });

  test('goes on from what was forgotten half-way', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      decideHeights(opened, 1, 20);
      await runUpkeep(home, upkeepOf(home, opened));
      expect(opened.store.forgetEntries(5)).toBe(5);
    }
    expect(segments(home)).toMatchObject([{ state: 'closed' }]);
    await expectWhole(home);
    {
      await using opened = home.open();
      await runUpkeep(home, upkeepOf(home, opened));
    }
    expect(segments(home)).toMatchObject([{ state: 'moved' }]);
    await expectWhole(home);
  });
});

describe('a kill while a segment is closed', () => {
  /** Runs until the step throws, as if the process ended there; then once more, undisturbed. */
  async function killedAt(step: 'reading' | 'committing' | 'forgetting'): Promise<AuditedHome> {
    const home = await AuditedHome.make();
    {
      await using opened = home.open();
      decideHeights(opened, 1, 20);
      const upkeep = upkeepOf(home, { ...opened, store: killing(opened, step) as never });
      for (let i = 0; i < 2; i++) {
        await runUpkeep(home, upkeep).catch(() => undefined);
        await home.clock.advance(FORGET_AFTER_MS);
      }
    }
    await expectWhole(home);
    {
      await using opened = home.open();
      const upkeep = upkeepOf(home, opened);
      await runUpkeep(home, upkeep);
      await home.clock.advance(FORGET_AFTER_MS);
      await runUpkeep(home, upkeep);
    }
    return home;
  }

  test.each(['reading', 'committing', 'forgetting'] as const)(
    'at %s loses no entry',
    async (step) => {
      using home = await killedAt(step);
      expect(segments(home)).toMatchObject([{ state: 'moved' }]);
      await expectWhole(home);
      expect(readdirSync(home.join('audit')).filter((name) => name.endsWith('.new'))).toEqual([]);
    },
  );

  test('between the transaction that removes a segment and the file leaves no file', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      const upkeep = upkeepOf(home, opened);
      decideHeights(opened, 1, 20);
      await runUpkeep(home, upkeep);
      const kept = home.join('kept');
      cpSync(home.join('audit'), kept, { recursive: true });
      await runUpkeep(
        home,
        upkeepOf(home, opened, { freeBytes: async () => 0, bounds: { diskReserveBytes: 1 } }),
      );
      cpSync(kept, home.join('audit'), { recursive: true });
    }
    {
      await using opened = home.open();
      await runUpkeep(home, upkeepOf(home, opened));
    }
    expect(existsSync(home.join('audit', '00000000000000000001.jsonl'))).toBe(false);
    await expectWhole(home);
  });
});

test('a file of the same name, of a future that a restored backup took back, is kept beside', async () => {
  using home = await AuditedHome.make();
  await using opened = home.open();
  decideHeights(opened, 1, 20);
  const { audit } = homePaths(home.path);
  const upkeep = upkeepOf(home, opened);
  mkdirSync(audit, { mode: 0o700 });
  writeFileSync(home.join('audit', '00000000000000000001.jsonl'), 'another');
  await runUpkeep(home, upkeep);
  expect(readFileSync(`${audit}/00000000000000000001.jsonl.set-aside`, 'utf8')).toBe('another');
});

describe('bounds', () => {
  test('the oldest segments go when all is larger than it may be, and an entry tells of each', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      const upkeep = upkeepOf(home, opened, { bounds: { maxBytes: 60_000 } });
      for (let from = 1; from < 200; from += 20) {
        decideHeights(opened, from, from + 19);
        await runUpkeep(home, upkeep);
        await home.clock.advance(FORGET_AFTER_MS);
      }
      await runUpkeep(home, upkeep);
      const bytes = readdirSync(home.join('audit')).reduce(
        (sum, name) => sum + statSync(home.join('audit', name)).size,
        upkeep.liveBytes,
      );
      expect(bytes).toBeLessThan(60_000);
    }
    const states = segments(home).map(({ state }) => state);
    expect(states.slice(0, 2)).toEqual(['removed', 'removed']);
    expect(states.at(-1)).not.toBe('removed');
    const files = new Set(readdirSync(home.join('audit')));
    for (const { file, state } of segments(home)) expect(files.has(file)).toBe(state !== 'removed');
    await expectWhole(home);
  });

  test('closed segments go early when the disk has less than its reserve, and only then', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      let free = 500_000_000;
      const upkeep = upkeepOf(home, opened, {
        bounds: { diskReserveBytes: 400_000_000 },
        freeBytes: async () => free,
      });
      decideHeights(opened, 1, 20);
      await runUpkeep(home, upkeep);
      expect(readdirSync(home.join('audit'))).toHaveLength(1);
      free = 399_000_000;
      await runUpkeep(home, upkeep);
      expect(readdirSync(home.join('audit'))).toHaveLength(0);
    }
    expect(segments(home)).toMatchObject([{ state: 'removed' }]);
    await expectWhole(home);
  });
});

describe('a disk that is full', () => {
  test('the database lives on its own pages: the oldest entries go, which an entry and an alarm tell', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      const upkeep = upkeepOf(home, opened, {
        bounds: { segmentBytes: 200_000 },
        freeBytes: async () => 1_000_000,
      });
      const pages = (): unknown =>
        opened.store.read('SELECT page_count AS n FROM pragma_page_count', [], 1)[0]?.['n'];
      decideHeights(opened, 1, 200);
      for (let i = 0; i < 20; i++) await runUpkeep(home, upkeep);
      const grown = pages();
      for (let from = 201; from < 1_000; from += 50) {
        decideHeights(opened, from, from + 49);
        await runUpkeep(home, upkeep);
      }
      expect(pages()).toBe(grown);
      expect(opened.store.floor('v0').height).toBe(1_000n);
    }
    expect(home.logger.lines.some(({ fields }) => fields['alarm'] === true)).toBe(true);
    expect(bodiesOf(home.entries(), 'segment').at(-1)).toMatchObject({ did: 'removed' });
    await expectWhole(home);
  });

  test('without room for a segment the table is bounded all the same', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      const { clock, logger } = home;
      const pause = async (): Promise<void> => undefined;
      writeFileSync(home.join('no-folder'), '');
      const upkeep = new AuditUpkeep(
        { store: opened.store, clock, logger, pause, freeBytes: async () => 1_000_000_000 },
        { ...SMALL, folder: home.join('no-folder') },
      );
      opened.journal.listen((rows) => upkeep.added(rows));
      for (let from = 1; from < 200; from += 10) {
        decideHeights(opened, from, from + 9);
        await whilePassing(home.clock, upkeep.run({}));
        expect(upkeep.liveBytes).toBeLessThan(4 * SMALL.segmentBytes);
      }
    }
    await expectWhole(home);
  });
});

function count(opened: OpenAudited): number {
  return Number(opened.store.read('SELECT count(*) AS n FROM audit', [], 1)[0]?.['n']);
}

/** A store whose process ends at one step. */
function killing(
  { store }: OpenAudited,
  step: 'reading' | 'committing' | 'forgetting',
): AuditStore {
  let readings = 0;
  const killed = (): never => {
    throw new Error('killed');
  };
  return {
    read: (sql, values, limit) => {
      if (step === 'reading' && /seq <= \? ORDER/.test(sql) && readings++ > 0) killed();
      return store.read(sql, values, limit);
    },
    commit: (transaction) => (step === 'committing' ? killed() : store.commit(transaction)),
    forgetEntries: (limit) => (step === 'forgetting' ? killed() : store.forgetEntries(limit)),
    flush: () => store.flush(),
    epoch: 0,
  };
}
