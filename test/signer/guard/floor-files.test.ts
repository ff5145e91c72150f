import {
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { silentLogger } from '@privval/proto/runtime/logger';
import { FloorMark } from '@privval/signer/guard/floor-mark';
import { MIGRATIONS, migrateSchema } from '@privval/signer/guard/floor-schema';
import type { Floor, SignStateStore } from '@privval/signer/guard/sign-state-store';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { CHAIN, hrs, signBytesOf } from '../../harness/sign-requests.ts';

const KEYS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const deps = { logger: silentLogger, clock: new ManualClock() };

/** A home's two files, with two validators that have signed at height `signedTo`. */
class Home extends ScratchFolder {
  readonly db = this.join('floor.db');
  readonly mark = this.join('floor.mark');

  static async make(signedTo = 5): Promise<Home> {
    const home = new Home();
    await using store = SqliteSignStateStore.create(deps, home.options);
    for (const [i, publicKey] of KEYS.entries()) {
      const fresh: Floor = { height: 0n, round: 0, step: 'none' };
      store.addValidator({ name: `v${i}`, chainId: CHAIN, publicKey }, fresh);
    }
    for (let height = 1; height <= signedTo; height++) reserve(store, height);
    return home;
  }

  get options(): { readonly directory: string } {
    return { directory: this.path };
  }

  open(): SqliteSignStateStore {
    return SqliteSignStateStore.open(deps, this.options);
  }

  /** What an editor of the closed database could do. */
  edit(sql: string): void {
    const db = new Database(this.db);
    db.exec(sql);
    db.close();
  }
}

function reserve(store: SignStateStore, height: number): void {
  const at = hrs(height, 0, 'prevote');
  const signBytes = signBytesOf({ at });
  store.reserve(KEYS.map((publicKey, i) => ({ validator: `v${i}`, at, signBytes, publicKey })));
}

const coded = (code: string): unknown => expect.objectContaining({ code });

describe('a store opens only when everything about it is in order', () => {
  test('it does, and both files are for their owner only', async () => {
    using home = await Home.make();
    await using store = home.open();
    expect(store.floor('v1').height).toBe(5n);
    expect(store.fault).toBeUndefined();
    for (const path of [home.db, home.mark]) expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('a home without a database is not taken for a new one', async () => {
    using home = await Home.make();
    rmSync(home.db);
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_MISSING'));
    rmSync(home.mark);
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_MISSING'));
  });

  test('S4: a database that is there is never overwritten', async () => {
    using home = await Home.make();
    expect(() => SqliteSignStateStore.create(deps, home.options)).toThrow(
      coded('ERR_FLOOR_EXISTS'),
    );
    await using store = home.open();
    expect(store.floor('v0').height).toBe(5n);
  });

  test.each([
    ['an empty file', () => new Uint8Array(0)],
    ['a file of noise', () => new Uint8Array(8192).fill(0xa5)],
    ['half a database', (bytes: Uint8Array) => bytes.slice(0, 6000)],
    ['a database with a torn page', (bytes: Uint8Array) => tearPageWith(bytes, 'v0')],
  ])('%s is damaged, not new', async (_what, damage) => {
    using home = await Home.make();
    writeFileSync(home.db, damage(readFileSync(home.db)));
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_DAMAGED'));
  });

  test('a bit turned anywhere in a floor row is noticed', async () => {
    using home = await Home.make();
    const good = readFileSync(home.db);
    const row = good.indexOf(signBytesOf({ at: hrs(5, 0, 'prevote') }));
    expect(row).toBeGreaterThan(0);
    // Around the sign bytes lie header, height, key, generation and checksum of the row.
    for (let offset = row - 16; offset < row + 220; offset += 3) {
      const bad = new Uint8Array(good);
      bad[offset] = (bad[offset] ?? 0) ^ (1 << (offset % 8));
      writeFileSync(home.db, bad);
      expect(() => home.open(), `byte ${offset - row}`).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_FLOOR_(CHECKSUM|DAMAGED)$/) }),
      );
    }
    writeFileSync(home.db, good);
    await using store = home.open();
    expect(store.floor('v0').height).toBe(5n);
  });

  test.each([
    ['a lowered floor', 'UPDATE floors SET height = 4 WHERE validator_id = 1'],
    ['a forgotten message', 'UPDATE floors SET sign_bytes = NULL WHERE validator_id = 1'],
    ['another key', 'UPDATE validators SET public_key = randomblob(32) WHERE id = 1'],
    ['another chain', "UPDATE validators SET chain_id = 'elsewhere' WHERE id = 1"],
    ['another name', "UPDATE validators SET name = 'w' WHERE id = 1"],
    ['a newer generation', 'UPDATE floors SET generation = generation + 1'],
    [
      'the floors of two validators exchanged',
      `UPDATE floors SET validator_id = validator_id + 10;
       UPDATE floors SET validator_id = 13 - validator_id`,
    ],
  ])('S35: %s, edited in, is noticed', async (_what, sql) => {
    using home = await Home.make();
    home.edit(`PRAGMA foreign_keys = OFF; ${sql}`);
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_CHECKSUM'));
  });

  test.each([
    ['a validator without floor', 'DELETE FROM floors WHERE validator_id = 1'],
    ['a floor without validator', 'DELETE FROM validators WHERE id = 1'],
    ['no home id', 'DELETE FROM home'],
    ['no table of floors', 'DROP TABLE floors'],
  ])('%s is damage', async (_what, sql) => {
    using home = await Home.make();
    home.edit(`PRAGMA foreign_keys = OFF; ${sql}`);
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_DAMAGED'));
  });

  test("another program's database is foreign", async () => {
    using home = await Home.make();
    rmSync(home.db);
    home.edit('CREATE TABLE notes (text TEXT)');
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_FOREIGN'));
  });

  test("another home's database is foreign, and so is another home's mark", async () => {
    using home = await Home.make();
    using other = await Home.make(9);
    copyFileSync(other.db, home.db);
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_FOREIGN'));
    copyFileSync(home.mark, other.mark);
    expect(() => other.open()).toThrow(coded('ERR_FLOOR_FOREIGN'));
  });

  test("a newer release's database is left to it", async () => {
    using home = await Home.make();
    home.edit(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_SCHEMA_NEWER'));
  });

  test("an older release's database is brought forward step by step, all or none", async () => {
    using home = await Home.make();
    const db = new Database(home.db);
    const steps = [...MIGRATIONS, 'CREATE TABLE one (a)', 'CREATE TABLE two (a)'];
    expect(() => migrateSchema(db, [...steps, 'CREATE TABLE two (b)'])).toThrow(/already exists/);
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    expect(migrateSchema(db, steps)).toBe(2);
    expect(migrateSchema(db, steps)).toBe(0);
    expect(db.pragma('user_version', { simple: true })).toBe(steps.length);
    db.close();
  });
});

describe('S11: the mark', () => {
  function markOf(home: Home): bigint {
    using mark = FloorMark.open(home.mark);
    return mark.read().generation;
  }

  test('moves on with each commit, and not with a repeat', async () => {
    using home = await Home.make();
    await using store = home.open();
    const before = markOf(home);
    reserve(store, 6);
    expect(markOf(home)).toBe(before + 1n);
    reserve(store, 6);
    expect(markOf(home)).toBe(before + 1n);
    store.raiseFloor('v0', { height: 9n, round: 0, step: 'none' });
    expect(markOf(home)).toBe(before + 2n);
  });

  test('refuses a database older than itself, and says how to raise the floor', async () => {
    using home = await Home.make(5);
    copyFileSync(home.db, home.join('backup'));
    {
      await using store = home.open();
      reserve(store, 6);
    }
    copyFileSync(home.join('backup'), home.db);
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_ROLLED_BACK'));
    expect(() => home.open()).toThrow(/--floor-height/);
  });

  test('counts in a home without validators too', async () => {
    using home = new Home();
    await SqliteSignStateStore.create(deps, home.options)[Symbol.asyncDispose]();
    copyFileSync(home.db, home.join('backup'));
    for (let i = 0; i < 2; i++) await home.open()[Symbol.asyncDispose]();
    copyFileSync(home.join('backup'), home.db);
    expect(() => home.open()).toThrow(coded('ERR_FLOOR_ROLLED_BACK'));
  });

  test.each([
    ['missing', 'ERR_FLOOR_MARK_MISSING', undefined],
    ['empty', 'ERR_FLOOR_MARK_DAMAGED', () => new Uint8Array(0)],
    ['cut short', 'ERR_FLOOR_MARK_DAMAGED', (bytes: Uint8Array) => bytes.slice(0, 63)],
    [
      'longer than it is',
      'ERR_FLOOR_MARK_DAMAGED',
      (bytes: Uint8Array) => new Uint8Array([...bytes, 0]),
    ],
    ['zeroed', 'ERR_FLOOR_MARK_DAMAGED', () => new Uint8Array(64)],
    ['changed in its number', 'ERR_FLOOR_MARK_DAMAGED', (bytes: Uint8Array) => bytes.with(31, 0)],
  ] as const)('that is %s refuses', async (_how, code, damage) => {
    using home = await Home.make();
    if (damage === undefined) rmSync(home.mark);
    else writeFileSync(home.mark, damage(new Uint8Array(readFileSync(home.mark))));
    expect(() => home.open()).toThrow(coded(code));
    expect(() => home.open()).toThrow(/--floor-height/);
  });

  test.each(['missing', 'ahead', 'damaged'])(
    'that is %s is made anew when every floor is raised by hand, and only then',
    async (how) => {
      using home = await Home.make(5);
      copyFileSync(home.db, home.join('backup'));
      {
        await using store = home.open();
        reserve(store, 6);
      }
      copyFileSync(home.join('backup'), home.db);
      if (how === 'missing') rmSync(home.mark);
      if (how === 'damaged') writeFileSync(home.mark, 'x');
      expect(() => home.open()).toThrow();
      {
        await using store = SqliteSignStateStore.recover(deps, {
          ...home.options,
          floorHeight: 6n,
        });
        for (const name of ['v0', 'v1']) {
          expect(store.floor(name)).toMatchObject({ height: 6n, step: 'precommit' });
          expect(store.floor(name).signBytes).toBeUndefined();
        }
      }
      await using again = home.open();
      expect(again.floor('v0').height).toBe(6n);
    },
  );

  test('S4: raising by hand lowers nothing', async () => {
    using home = await Home.make(5);
    rmSync(home.mark);
    await using store = SqliteSignStateStore.recover(deps, { ...home.options, floorHeight: 2n });
    expect(store.floor('v0')).toMatchObject({ height: 5n, step: 'prevote' });
  });
});

describe("the write-ahead log keeps to the room it was given at the opening, whatever the database's pages", () => {
  test.each([
    ['a new database, of 1024 bytes', 1024, ''],
    [
      'one of an older release, of 4096 bytes',
      4096,
      'PRAGMA journal_mode = DELETE; PRAGMA page_size = 4096; VACUUM',
    ],
  ])('%s', async (_which, pageSize, sql) => {
    using home = await Home.make();
    home.edit(sql);
    const log = `${home.db}-wal`;
    {
      await using store = home.open();
      const room = statSync(log).size;
      // Every commit of these is a frame for each page that holds one of the two rows.
      for (let height = 6; height < 2_500; height++) reserve(store, height);
      expect(statSync(log).size).toBe(room);
      for (let height = 2_500; height < 5_000; height++) {
        reserve(store, height);
        if (height % 7 === 0) store.maintain();
      }
      expect(statSync(log).size).toBe(room);
    }
    expect(new DataView(readFileSync(home.db).buffer).getUint16(16)).toBe(pageSize);
    await using again = home.open();
    expect(again.floor('v1').height).toBe(4_999n);
  });
});

test("S13: what the home's files are looked at with leaves the database locked", async () => {
  using home = await Home.make();
  await using store = home.open();
  for (const path of [home.db, `${home.db}-wal`, home.mark]) {
    statSync(path);
    chmodSync(path, 0o600);
  }
  expect(() => home.open()).toThrow(coded('ERR_FLOOR_LOCKED'));
  expect(store.floor('v0').height).toBe(5n);
});

test('S14: the lock is taken before the log is opened: no shared index of it, and no other program gets in', async () => {
  using home = await Home.make();
  await using store = home.open();
  // With the two the other way round, SQLite maps the log's index from a file that others can map as well.
  expect(readdirSync(home.path)).not.toContain('floor.db-shm');
  const other = new Database(home.db, { timeout: 0 });
  expect(() => other.prepare('SELECT * FROM floors').all()).toThrow(coded('SQLITE_BUSY'));
  expect(() => other.exec('DELETE FROM floors')).toThrow(coded('SQLITE_BUSY'));
  other.close();
  reserve(store, 6);
});

/** Overwrites the second half of the page that holds `text`, as a write cut by a power failure does. */
function tearPageWith(bytes: Uint8Array, text: string): Uint8Array {
  const pageSize = new DataView(bytes.buffer, bytes.byteOffset).getUint16(16);
  const torn = new Uint8Array(bytes);
  const page = Math.floor(Buffer.from(bytes).lastIndexOf(text) / pageSize);
  torn.fill(0xa5, page * pageSize, (page + 1) * pageSize - 8);
  return torn;
}
