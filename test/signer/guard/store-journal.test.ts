import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { silentLogger } from '@privval/proto/runtime/logger';
import { FloorMark } from '@privval/signer/guard/floor-mark';
import { MAX_ROUND } from '@privval/signer/guard/hrs';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { describe, expect, test } from 'vitest';
import {
  AuditedHome,
  bodiesOf,
  expectedHashes,
  keyOf,
  reserveOne,
  type StoredEntry,
} from '../../harness/audited-home.ts';
import { CHAIN, hrs, signBytesOf } from '../../harness/sign-requests.ts';

const coded = (code: string): unknown => expect.objectContaining({ code });

/** What the floors and the home know of the journal. */
function tails(home: AuditedHome): readonly { readonly seq: bigint; readonly hash: Uint8Array }[] {
  return home.rows(
    'SELECT audit_seq AS seq, audit_hash AS hash FROM floors UNION ALL SELECT audit_seq, audit_hash FROM home ORDER BY 1 DESC',
  );
}

function expectWhole(home: AuditedHome): readonly StoredEntry[] {
  const entries = home.entries();
  expect(entries.map(({ seq }) => Number(seq))).toEqual(entries.map((_, index) => index + 1));
  expect(entries.map(({ hash }) => hexFromBytes(hash))).toEqual(
    expectedHashes(home.homeId, entries),
  );
  const [newest] = tails(home);
  const last = entries.at(-1);
  expect(newest?.seq).toBe(last?.seq);
  expect(newest?.hash).toEqual(last?.hash);
  return entries;
}

describe('a floor that moves has an entry in its own transaction', () => {
  test('with position, hash of the decided bytes, asker and key; the floor row holds its number and hash', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      expect(reserveOne(opened.store, 7)?.kind).toBe('sign');
    }
    const entries = expectWhole(home);
    const decision = entries.at(-1);
    const signBytes = signBytesOf({ at: hrs(7, 0, 'prevote') });
    expect(decision).toMatchObject({
      kind: 'decision',
      validator: 'v0',
      height: 7n,
      round: 0n,
      step: 2n,
    });
    expect(hexFromBytes(decision?.sign_hash ?? new Uint8Array())).toBe(
      createHash('sha256').update(signBytes).digest('hex'),
    );
    const address = createHash('sha256').update(keyOf(0)).digest('hex');
    expect(JSON.parse(decision?.body ?? '')).toEqual({
      by: 'tcp://node:26659',
      key: address.slice(0, 8),
    });
  });

  test('a repeat and a refusal have none', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      reserveOne(opened.store, 7);
      expect(reserveOne(opened.store, 7)).toMatchObject({ kind: 'sign', isRepeat: true });
      expect(reserveOne(opened.store, 7, { block: 'B' })?.kind).toBe('refused');
      expect(reserveOne(opened.store, 6)?.kind).toBe('refused');
    }
    expect(bodiesOf(expectWhole(home), 'decision')).toHaveLength(1);
  });

  test('several floors in one transaction have one each, and know of the newest of all', async () => {
    using home = await AuditedHome.make({ validators: 3 });
    {
      await using opened = home.open();
      const at = hrs(9, 0, 'precommit');
      const signBytes = signBytesOf({ at });
      opened.store.reserve(['v0', 'v1', 'v2'].map((validator) => ({ validator, at, signBytes })));
      expect(reserveOne(opened.store, 10, { validator: 'v1' })?.kind).toBe('sign');
    }
    const entries = expectWhole(home);
    const decisions = entries.filter(({ kind }) => kind === 'decision');
    expect(decisions.map(({ validator }) => validator)).toEqual(['v0', 'v1', 'v2', 'v1']);
    const seqs = home.rows('SELECT audit_seq FROM floors ORDER BY validator_id');
    const newest = entries.at(-1)?.seq ?? 0n;
    expect(seqs).toEqual([newest - 1n, newest, newest - 1n].map((audit_seq) => ({ audit_seq })));
  });

  test('how a decision ended rides with the next one', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      reserveOne(opened.store, 7);
      const note = { outcome: 'signed', us: { reserve: 120, total: 210 } } as const;
      expect(opened.journal.outcome('v0', hrs(7, 0, 'prevote'), note)).toBe(true);
      expect(opened.journal.outcome('v0', hrs(7, 0, 'prevote'), note)).toBe(false);
      reserveOne(opened.store, 8);
    }
    const entries = expectWhole(home);
    const [first, second] = entries.filter(({ kind }) => kind === 'decision');
    expect(JSON.parse(second?.body ?? '')).toMatchObject({
      o: [{ seq: String(first?.seq), outcome: 'signed', us: { reserve: 120, total: 210 } }],
    });
  });

  test('a store that closes writes what is still waiting', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      reserveOne(opened.store, 7);
      opened.journal.outcome('v0', hrs(7, 0, 'prevote'), { outcome: 'failed', us: { total: 9 } });
    }
    expect(bodiesOf(expectWhole(home), 'outcomes')).toEqual([
      { o: [{ seq: expect.any(String), outcome: 'failed', us: { total: 9 } }] },
    ]);
  });
});

describe('floors from outside', () => {
  test('a new home begins with an empty log, then has an entry for each validator', async () => {
    using home = await AuditedHome.make({ validators: 2 });
    const entries = expectWhole(home);
    expect(entries.map(({ kind }) => kind)).toEqual(['begun', 'floor', 'floor']);
    expect(bodiesOf(entries, 'begun')).toEqual([{ floors: {} }]);
  });

  test('a raise is told with who, before and after, and is the adopted floor (S36)', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      reserveOne(opened.store, 7);
      opened.store.raiseFloor('v0', { height: 100n, round: MAX_ROUND, step: 'precommit' }, 'alice');
      opened.store.raiseFloor('v0', { height: 50n, round: 0, step: 'none' }, 'bob');
    }
    expect(bodiesOf(expectWhole(home), 'floor').at(-1)).toEqual({
      by: 'alice',
      before: { height: '7', round: 0, step: 2 },
      after: { height: '100', round: MAX_ROUND, step: 3 },
    });
    expect(home.rows('SELECT adopted_floor FROM controls')).toEqual([{ adopted_floor: 100n }]);
  });

  test('S1: a key that was rotated away is no key for a new validator', async () => {
    using home = await AuditedHome.make();
    const old = keyOf(40);
    home.edit(`INSERT INTO validator_keys (validator_id, chain_id, public_key, state, made_at_ms)
      VALUES (1, '${CHAIN}', x'${hexFromBytes(old)}', 'retiring', 0)`);
    await using opened = home.open();
    const fresh = { height: 0n, round: 0, step: 'none' } as const;
    expect(() =>
      opened.store.addValidator({ name: 'w', chainId: CHAIN, publicKey: old }, fresh),
    ).toThrow(coded('ERR_DUPLICATE_VALIDATOR'));
    expect(opened.store.fault).toBeUndefined();
  });

  test('floors that are raised to bring a set-back store forward again are told of in the same transaction', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      reserveOne(opened.store, 7);
    }
    rmSync(home.join('floor.mark'));
    const { AuditJournal } = await import('@privval/signer/audit/audit-journal');
    const journal = new AuditJournal(home);
    const deps = { clock: home.clock, logger: home.logger, journal };
    {
      await using store = SqliteSignStateStore.recover(deps, {
        directory: home.path,
        floorHeight: 30n,
      });
      expect(reserveOne(store, 31)?.kind).toBe('sign');
    }
    const entries = expectWhole(home);
    expect(bodiesOf(entries, 'floor').at(-1)).toMatchObject({
      by: 'state recover',
      before: { height: '7' },
      after: { height: '30' },
    });
    expect(home.rows('SELECT adopted_floor FROM controls')).toEqual([{ adopted_floor: 30n }]);
    expect(home.alarms).toEqual([]);
  });
});

describe('what an operator or the chain changes', () => {
  const entry = { kind: 'act', validator: 'v0', body: '{"act":"test"}' } as const;
  const ceiling = {
    sql: 'UPDATE controls SET height_ceiling = ? WHERE validator_id = 1',
    values: [500n],
  };

  test('is in one transaction with its entry, and S4: never lowers a floor', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      const { store } = opened;
      reserveOne(store, 7);
      const floors = new Map([['v0', { height: 6n, round: 0, step: 'none' } as const]]);
      store.commit({ floors, writes: [ceiling], entries: [entry] });
      expect(store.floor('v0').height).toBe(7n);
      expect(store.read('SELECT height_ceiling FROM controls', [], 10)).toEqual([
        { height_ceiling: 500n },
      ]);
      store.commit({
        floors: new Map([['v0', { height: 9n, round: 0, step: 'none' } as const]]),
        entries: [entry],
      });
      expect(store.floor('v0').height).toBe(9n);
    }
    expect(bodiesOf(expectWhole(home), 'act')).toEqual([{ act: 'test' }, { act: 'test' }]);
    const times = home.rows<{ newest_time_ms: bigint }>('SELECT newest_time_ms FROM home');
    expect(times[0]?.newest_time_ms).toBe(BigInt(home.clock.now()));
  });

  test('S9: happens whole or not at all, and the journal goes on where it was', async () => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      const { store, journal } = opened;
      reserveOne(store, 7);
      journal.outcome('v0', hrs(7, 0, 'prevote'), { outcome: 'signed', us: { total: 1 } });
      const impossible = { sql: 'INSERT INTO controls (validator_id) VALUES (?)', values: [99n] };
      const before = store.epoch;
      expect(() => store.commit({ writes: [ceiling, impossible], entries: [entry] })).toThrow(
        coded('ERR_SIGN_STATE_UNAVAILABLE'),
      );
      expect(() => reserveOne(store, 8)).toThrow(coded('ERR_SIGN_STATE_UNAVAILABLE'));
      await home.clock.advance(500);
      expect(reserveOne(store, 8)?.kind).toBe('sign');
      expect(store.epoch).toBe(before + 1);
      expect(store.read('SELECT height_ceiling FROM controls', [], 1)).toEqual([
        { height_ceiling: null },
      ]);
    }
    const entries = expectWhole(home);
    expect(bodiesOf(entries, 'act')).toEqual([]);
    // What was waiting for the commit that failed has waited for the next one.
    expect(bodiesOf(entries, 'decision').at(-1)).toMatchObject({ o: [{ outcome: 'signed' }] });
    expect(home.alarms).toEqual([]);
  });

  test('reads give at most as many rows as asked, and copies', async () => {
    using home = await AuditedHome.make({ validators: 3 });
    await using opened = home.open();
    const sql = 'SELECT public_key FROM validators WHERE id >= ? ORDER BY id';
    const rows = opened.store.read(sql, [2n], 1);
    expect(rows).toEqual([{ public_key: keyOf(1) }]);
    expect(rows[0]?.['public_key']).not.toBeInstanceOf(Buffer);
    expect(opened.store.read(sql, [1n], 0)).toEqual([]);
  });
});

describe('a journal that was tampered with while nobody looked is an alarm, and stays visible', () => {
  test.each([
    ['its end cut off', 'DELETE FROM audit WHERE seq >= 4', 3n],
    ['all of it gone', 'DELETE FROM audit', 0n],
    [
      'an entry added at its end',
      "INSERT INTO audit (seq, time_ms, kind, body, hash) VALUES (6, 0, 'act', '{}', zeroblob(32))",
      6n,
    ],
    [
      'its last entry exchanged',
      'DROP TRIGGER audit_stays; UPDATE audit SET hash = zeroblob(32) WHERE seq = 5',
      5n,
    ],
  ])('%s', async (_what, sql, last) => {
    using home = await AuditedHome.make();
    {
      await using opened = home.open();
      for (const height of [1, 2, 3]) reserveOne(opened.store, height);
    }
    const [tail] = tails(home);
    expect(tail?.seq).toBe(5n);
    home.edit(sql);
    {
      await using opened = home.open();
      expect(home.alarms).toEqual(['ERR_AUDIT_TAIL']);
      expect(reserveOne(opened.store, 4)?.kind).toBe('sign');
    }
    // The new entry has the place of none that was ever there, and hangs on what the floors know of.
    const entries = home.entries();
    const added = entries.at(-1);
    expect(added?.seq).toBe(1n + (last > 5n ? last : 5n));
    expect(home.rows<{ seq: bigint }>('SELECT max(audit_seq) AS seq FROM floors')[0]?.seq).toBe(
      added?.seq,
    );
    await using again = home.open();
    expect(again.store.fault).toBeUndefined();
  });
});

describe('a floor.db of release 0.1.0', () => {
  function oldHome(): AuditedHome {
    const home = new AuditedHome();
    home.edit(readFileSync(new URL('../../vectors/floor/floor-v1.sql', import.meta.url), 'utf8'));
    const homeId = home.homeId;
    FloorMark.create(home.join('floor.mark'), { homeId, generation: 7n });
    return home;
  }

  test('is taken over with its floors, keys and the floors up to which no log tells (S36)', async () => {
    using home = oldHome();
    {
      await using opened = home.open();
      const { store } = opened;
      expect(store.floor('a')).toMatchObject({ height: 42n, round: 1, step: 'precommit' });
      expect(store.floor('a').signature).toEqual(new Uint8Array(64).fill(7));
      expect(store.floor('b')).toMatchObject({ height: 7n, round: 0, step: 'propose' });
      expect(store.floor('imported')).toMatchObject({ height: 900n, round: MAX_ROUND });
      expect(reserveOne(store, 8, { validator: 'b' })?.kind).toBe('sign');
    }
    expect(home.rows('PRAGMA user_version')).toEqual([{ user_version: 2n }]);
    const entries = expectWhole(home);
    expect(entries.map(({ kind }) => kind)).toEqual(['begun', 'decision']);
    expect(bodiesOf(entries, 'begun')).toEqual([
      {
        floors: {
          a: { height: '42', round: 1, step: 3 },
          b: { height: '7', round: 0, step: 1 },
          imported: { height: '900', round: MAX_ROUND, step: 3 },
        },
      },
    ]);
    expect(
      home.rows('SELECT validator_id, adopted_floor FROM controls ORDER BY validator_id'),
    ).toEqual([
      { validator_id: 1n, adopted_floor: 42n },
      { validator_id: 2n, adopted_floor: 7n },
      { validator_id: 3n, adopted_floor: 900n },
    ]);
    expect(
      home.rows('SELECT public_key, from_height, state FROM validator_keys ORDER BY validator_id'),
    ).toEqual(
      [0, 1, 2].map((i) => ({
        public_key: Buffer.from(keyOf(i)),
        from_height: 0n,
        state: 'current',
      })),
    );
    expect(home.alarms).toEqual([]);
  });

  test('opens without a journal too, and stays as it is then', async () => {
    using home = oldHome();
    const deps = { clock: home.clock, logger: silentLogger };
    {
      await using store = SqliteSignStateStore.open(deps, { directory: home.path });
      expect(reserveOne(store, 43, { validator: 'a' })?.kind).toBe('sign');
    }
    await using again = home.open();
    expect(again.store.floor('a').height).toBe(43n);
    expect(home.alarms).toEqual([]);
  });

  test('with a floor that was edited is refused, and nothing of it is made right on the way', async () => {
    using home = oldHome();
    home.edit('UPDATE floors SET height = 41 WHERE validator_id = 1');
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(() => home.open()).toThrow(coded('ERR_FLOOR_CHECKSUM'));
    }
    expect(home.rows('PRAGMA user_version')).toEqual([{ user_version: 1n }]);
  });

  test('has its old checksums accepted by the step that replaces them, and never again', async () => {
    using home = oldHome();
    const old = home.rows<{ checksum: Uint8Array }>(
      'SELECT checksum FROM floors ORDER BY validator_id',
    );
    {
      await using _ = home.open();
    }
    home.edit(`UPDATE floors SET audit_seq = 0, audit_hash = zeroblob(32),
      checksum = x'${hexFromBytes(old[0]?.checksum ?? new Uint8Array())}' WHERE validator_id = 1`);
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_CHECKSUM'));
  });
});

test.each([
  ['a higher number', 'audit_seq = audit_seq + 1'],
  ['another hash', 'audit_hash = zeroblob(32)'],
])('a floor row with %s of the journal than was written is noticed', async (_what, change) => {
  using home = await AuditedHome.make();
  {
    await using opened = home.open();
    reserveOne(opened.store, 1);
  }
  home.edit(`UPDATE floors SET ${change}`);
  expect(() => home.open()).toThrow(coded('ERR_FLOOR_CHECKSUM'));
});

test('with a journal, too, the write-ahead log keeps to the room it was given', async () => {
  using home = await AuditedHome.make({ validators: 2 });
  await using opened = home.open();
  const log = `${home.db}-wal`;
  const room = statSync(log).size;
  for (let height = 1; height < 3_000; height++) {
    const validator = `v${height % 2}`;
    reserveOne(opened.store, height, { validator });
    const us = { queue: 11, reserve: 222, sign: 33, verify: 44, total: 299 + (height % 900) };
    opened.journal.outcome(validator, hrs(height, 0, 'prevote'), { outcome: 'signed', us });
    if (height > 1_500 && height % 7 === 0) opened.store.maintain();
  }
  expect(statSync(log).size).toBe(room);
});
