import { auditObserver } from '@privval/signer/audit/audit-observer';
import type { HomeAuditLog } from '@privval/signer/audit/home-audit-log';
import { MAX_ROUND } from '@privval/signer/guard/hrs';
import type { DecisionOutcome } from '@privval/signer/priv-validator/decision-outcome';
import { describe, expect, test } from 'vitest';
import {
  decideHeights,
  logOf,
  runUpkeep,
  upkeepOf,
  verdictOf,
} from '../../harness/audit-log-rig.ts';
import { AuditedHome, bodiesOf, type OpenAudited, reserveOne } from '../../harness/audited-home.ts';
import { hrs } from '../../harness/sign-requests.ts';

async function serving(
  use: (parts: {
    readonly home: AuditedHome;
    readonly opened: OpenAudited;
    readonly log: HomeAuditLog;
  }) => Promise<void>,
): Promise<AuditedHome> {
  const home = await AuditedHome.make({ validators: 2 });
  {
    await using opened = home.open();
    await using log = logOf(home, opened);
    await use({ home, opened, log });
  }
  expect((await verdictOf(home)).findings).toEqual([]);
  return home;
}

const ended = (change: Partial<DecisionOutcome>): DecisionOutcome => ({
  validator: 'v0',
  chainId: 'guard-chain',
  asker: 'tcp://node:26659',
  at: hrs(1, 0, 'prevote'),
  outcome: 'refused',
  code: 'ERR_HEIGHT_REGRESSION',
  text: 'height regression',
  stages: {},
  totalMs: 0.25,
  endedAtMs: 0,
  ...change,
});

describe('what waits', () => {
  test('is written with a transaction of its own after five idle seconds, not before', async () => {
    using _ = await serving(async ({ home, opened, log }) => {
      reserveOne(opened.store, 1);
      log.outcome('v0', hrs(1, 0, 'prevote'), { outcome: 'signed', us: { total: 5 } });
      const newest = (): bigint => log.status().newestSeq;
      const before = newest();
      await home.clock.advance(4_000);
      expect(newest()).toBe(before);
      await home.clock.advance(3_000);
      expect(newest()).toBe(before + 1n);
      await home.clock.advance(60_000);
      expect(newest()).toBe(before + 1n);
    });
  });

  test('is written when the log is closed', async () => {
    using home = await serving(async ({ log }) => {
      log.addUp({ source: 'admin socket', what: 'forbidden', code: 'ERR_ROLE' });
      log.connection('v0', { node: 'tcp://node:26659', isUp: false, code: 'ECONNRESET' });
    });
    expect(bodiesOf(home.entries(), 'summary')).toMatchObject([{ what: 'forbidden', count: 1 }]);
    expect(bodiesOf(home.entries(), 'connection')).toEqual([
      { node: 'tcp://node:26659', isUp: false, code: 'ECONNRESET', count: 1 },
    ]);
  });
});

describe('a looping node cannot fill the disk', () => {
  test('its refusals are one row a second at the most, added up, whatever it does in between', async () => {
    using home = await serving(async ({ home, opened, log }) => {
      const observe = auditObserver(log);
      for (let i = 1; i <= 100; i++) {
        for (let j = 0; j < 50; j++) {
          observe(ended({}));
          observe(ended({ outcome: 'repeated', code: undefined }));
        }
        reserveOne(opened.store, i);
        await home.clock.advance(100);
      }
    });
    const rows = home.entries().filter(({ kind }) => kind === 'summary');
    const times = rows.map(({ time_ms }) => Number(time_ms));
    expect(rows.length).toBeGreaterThan(4);
    // The last ones are those that the closing log writes whatever the time.
    for (const [index, time] of times.slice(1, -2).entries()) {
      expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(1_000);
    }
    const bodies = bodiesOf(rows, 'summary') as { what: string; count: number }[];
    const sum = (what: string): number =>
      bodies.filter((body) => body.what === what).reduce((all, { count }) => all + count, 0);
    expect(sum('refused')).toBe(5_000);
    expect(sum('repeat')).toBe(5_000);
  });

  test('ten thousand sources share what 256 have, and all of them are counted', async () => {
    using home = await serving(async ({ log }) => {
      for (let i = 0; i < 10_000; i++) {
        log.addUp({ source: `source ${i}`, what: 'unauthenticated', code: 'ERR_TOKEN' });
      }
    });
    const bodies = bodiesOf(home.entries(), 'summary') as { source: string; count: number }[];
    expect(bodies.length).toBe(257);
    expect(bodies.find(({ source }) => source === 'others')?.count).toBe(10_000 - 256);
  });

  test('a flapping connection is one row a second, with how often it changed', async () => {
    using home = await serving(async ({ home, opened, log }) => {
      for (let i = 1; i <= 40; i++) {
        log.connection('v0', { node: 'tcp://node:26659', isUp: i % 2 === 0 });
        reserveOne(opened.store, i);
        await home.clock.advance(100);
      }
    });
    const bodies = bodiesOf(home.entries(), 'connection') as { count: number; isUp: boolean }[];
    expect(bodies.length).toBeLessThanOrEqual(5);
    expect(bodies.reduce((all, { count }) => all + count, 0)).toBe(40);
    expect(bodies.at(-1)?.isUp).toBe(true);
  });
});

describe('an end', () => {
  test('of a decision is its outcome; without one it is added up', async () => {
    using home = await serving(async ({ opened, log }) => {
      const observe = auditObserver(log);
      reserveOne(opened.store, 1);
      const stages = { queueMs: 0.0124, reserveMs: 0.2, signMs: 0.015 };
      observe(ended({ outcome: 'signed', code: undefined, stages, totalMs: 0.3 }));
      observe(ended({ outcome: 'failed', code: 'ERR_DEVICE', at: hrs(9, 0, 'prevote') }));
    });
    expect(bodiesOf(home.entries(), 'outcomes')).toEqual([
      {
        o: [
          {
            seq: expect.any(String),
            outcome: 'signed',
            us: { queue: 12, reserve: 200, sign: 15, total: 300 },
          },
        ],
      },
    ]);
    expect(bodiesOf(home.entries(), 'summary')).toMatchObject([
      { what: 'refused', code: 'ERR_DEVICE', last: { height: '9', round: 0, step: 2 } },
    ]);
  });

  test('is not kept beyond 4,096, and what is lost is counted', async () => {
    using home = await serving(async ({ opened, log }) => {
      for (let height = 1; height <= 4_100; height += 50) {
        for (let i = height; i < height + 50; i++) reserveOne(opened.store, i);
      }
      for (let i = 1; i <= 4_150; i++) {
        log.outcome('v0', hrs(i, 0, 'prevote'), { outcome: 'signed', us: { total: 1 } });
      }
    });
    const notes = (bodiesOf(home.entries(), 'outcomes') as { o: unknown[] }[]).flatMap(
      ({ o }) => o,
    );
    expect(notes).toHaveLength(4_096);
  });
});

describe('S36: what the chain shows is held against the decisions', () => {
  const at = (height: bigint): { height: bigint; round: number } => ({ height, round: 0 });

  test('known bytes, unknown bytes, and heights of which nobody can tell', async () => {
    using _ = await serving(async ({ home, opened, log }) => {
      opened.store.raiseFloor('v0', { height: 10n, round: MAX_ROUND, step: 'precommit' });
      decideHeights(opened, 11, 30);
      const hashOf = (height: number): Uint8Array => {
        const sql = 'SELECT sign_hash FROM audit WHERE height = ? AND step = 3';
        const hash = opened.store.read(sql, [BigInt(height)], 1)[0]?.['sign_hash'];
        return hash instanceof Uint8Array ? hash : new Uint8Array();
      };
      const other = new Uint8Array(32);
      // Decided since the start: known at once. What else there was is not, until it was read.
      expect(log.holdsPrecommit('v0', at(30n), hashOf(30))).toBe('yes');
      expect(log.holdsPrecommit('v0', at(30n), other)).toBe('unknown');
      await home.clock.advance(1_000);
      expect(log.holdsPrecommit('v0', at(30n), other)).toBe('no');
      expect(log.holdsPrecommit('v0', { height: 30n, round: 1 }, hashOf(30))).toBe('no');
      expect(log.holdsPrecommit('v0', at(31n), other)).toBe('no');
      expect(log.holdsPrecommit('v0', at(11n), hashOf(11))).toBe('yes');
      // Up to the adopted floor others signed.
      expect(log.adoptedFloor('v0')).toBe(10n);
      expect(log.holdsPrecommit('v0', at(10n), other)).toBe('unknown');
    });
  });

  test('a restarted signer knows what it decided before', async () => {
    using home = await serving(async ({ opened }) => {
      decideHeights(opened, 1, 30);
    });
    await using opened = home.open();
    await using log = logOf(home, opened);
    const sql = 'SELECT sign_hash FROM audit WHERE height = 12 AND step = 3';
    const hash = opened.store.read(sql, [], 1)[0]?.['sign_hash'] as Uint8Array;
    expect(log.holdsPrecommit('v0', at(12n), hash)).toBe('unknown');
    await home.clock.advance(1_000);
    expect(log.holdsPrecommit('v0', at(12n), hash)).toBe('yes');
    expect(log.holdsPrecommit('v0', at(12n), new Uint8Array(32))).toBe('no');
  });

  test('beyond what is kept in memory nobody is accused', async () => {
    using _ = await serving(async ({ home, opened, log }) => {
      for (let height = 1; height <= 2_100; height++) {
        reserveOne(opened.store, height, { step: 'precommit' });
      }
      await home.clock.advance(1_000);
      const other = new Uint8Array(32);
      expect(log.holdsPrecommit('v0', at(20n), other)).toBe('unknown');
      expect(log.holdsPrecommit('v0', at(1_000n), other)).toBe('no');
    });
  });
});

describe('entries are found', () => {
  test('in closed segments and in the table, by kind, validator, height and number', async () => {
    using home = await AuditedHome.make();
    await using opened = home.open();
    const upkeep = upkeepOf(home, opened);
    for (const from of [1, 21, 41]) {
      decideHeights(opened, from, from + 19);
      await runUpkeep(home, upkeep);
      await home.clock.advance(30_000);
    }
    await using log = logOf(home, opened);
    const at = (entry: { position: { height: string } | undefined }): string | undefined =>
      entry.position?.height;
    const found = await log.query({ validator: 'v0', fromHeight: 5n, toHeight: 6n });
    expect(found.map(at)).toEqual(['5', '5', '6', '6']);
    expect((await log.query({ fromHeight: 59n, kinds: ['decision'] })).map(at)).toEqual([
      '59',
      '59',
      '60',
      '60',
    ]);
    expect(await log.query({ validator: 'nobody' })).toEqual([]);
    const all: bigint[] = [];
    for (let afterSeq = 0n; ; ) {
      const page = await log.query({ afterSeq, limit: 17 });
      all.push(...page.map(({ seq }) => seq));
      if (page.length < 17) break;
      afterSeq = page.at(-1)?.seq ?? 0n;
    }
    expect(all).toEqual(all.map((_, index) => BigInt(index + 1)));
    expect(BigInt(all.length)).toBe(log.status().newestSeq);
    let lines = 0;
    for await (const line of log.export({})) {
      lines++;
      expect(JSON.parse(line)).toMatchObject({ seq: String(lines) });
    }
    expect(lines).toBe(all.length);
  });

  test('as JSON: an entry has its position, its hashes and its body', async () => {
    using _ = await serving(async ({ opened, log }) => {
      reserveOne(opened.store, 7);
      const [decision] = await log.query({ kinds: ['decision'] });
      expect(decision).toEqual({
        seq: expect.any(BigInt),
        timeMs: expect.any(Number),
        kind: 'decision',
        validator: 'v0',
        position: { height: '7', round: 0, step: 2 },
        signHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        body: { by: 'tcp://node:26659', key: expect.stringMatching(/^[0-9a-f]{8}$/) },
      });
    });
  });
});

test('checkpoints are signed by themselves when something new has come, and old ones go', async () => {
  using home = await AuditedHome.make();
  await using opened = home.open();
  await using log = logOf(home, opened, { checkpointSeconds: 10 });
  for (let i = 1; i <= 60; i++) {
    reserveOne(opened.store, i);
    await home.clock.advance(10_000);
  }
  const { readdirSync } = await import('node:fs');
  const names = (): readonly string[] => readdirSync(home.join('audit')).sort();
  expect(names().length).toBeLessThanOrEqual(48);
  expect(names().length).toBeGreaterThan(10);
  const newest = log.status().newestCheckpointSeq;
  await home.clock.advance(60_000);
  const settled = log.status().newestCheckpointSeq;
  await home.clock.advance(60_000);
  expect(log.status().newestCheckpointSeq).toBe(settled);
  expect(newest).toBeDefined();
});
