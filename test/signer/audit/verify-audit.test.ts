import { copyFileSync, cpSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { firstPrevious, hashOfEntry } from '@privval/signer/audit/audit-chain';
import { parseCheckpoint } from '@privval/signer/audit/audit-checkpoint';
import type { Checkpoint } from '@privval/signer/audit/audit-segment';
import type { HeldCheckpoint } from '@privval/signer/audit/verify-audit';
import {
  floorChecksum,
  SELECT_FLOOR_ROWS,
  type StoredFloorRow,
} from '@privval/signer/guard/floor-row';
import { STEP_NAMES } from '@privval/signer/home/home-state';
import { createIdentity } from '@privval/signer/home/identity';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import {
  decideHeights,
  editSegment,
  homeWithSegments,
  logOf,
  verdictOf,
} from '../../harness/audit-log-rig.ts';
import { AuditedHome, type StoredEntry } from '../../harness/audited-home.ts';
import { CHAIN } from '../../harness/sign-requests.ts';

/** Two closed segments and a live part; made once, copied for each test. */
const template = await homeWithSegments();
const files = template
  .rows<{ file: string }>('SELECT file FROM audit_segments ORDER BY first_seq')
  .map(({ file }) => file);
const [first = '', second = ''] = files;
const live = template
  .rows<{ seq: bigint }>('SELECT seq FROM audit ORDER BY seq')
  .map(({ seq }) => seq);
const tail = live.at(-1) ?? 0n;
const middle = live[Math.floor(live.length / 2)] ?? 0n;

function copied(): AuditedHome {
  const home = new AuditedHome();
  cpSync(template.path, home.path, { recursive: true });
  return home;
}

const [{ seq: ofFloor = 0n } = {}] = template.rows<{ seq: bigint }>(
  'SELECT audit_seq AS seq FROM floors',
);
const [{ seq: liveFirst = 0n } = {}] = template.rows<{ seq: bigint }>(
  'SELECT max(last_seq) + 1 AS seq FROM audit_segments',
);

const UNLOCKED = 'DROP TRIGGER audit_stays;';

const found = async (home: AuditedHome, held?: HeldCheckpoint): Promise<readonly string[]> => {
  const { findings, isWhole } = await verdictOf(home, held);
  expect(isWhole).toBe(findings.length === 0);
  return findings.map(({ what, seq }) => `${what} ${seq}`);
};

test('a log in two segments and a table is whole, from its first entry to the newest', async () => {
  using home = copied();
  expect(files).toHaveLength(2);
  expect(await verdictOf(home)).toEqual({
    isWhole: true,
    entries: Number(tail),
    first: '1',
    last: String(tail),
    findings: [],
    checkpoint: null,
  });
});

describe('in the table', () => {
  test.each([
    ['kind', "kind = 'act'"],
    ['time', 'time_ms = time_ms + 1'],
    ['validator', "validator = 'w'"],
    ['no validator', 'validator = NULL'],
    ['height', 'height = height + 1'],
    ['round', 'round = round + 1'],
    ['step', 'step = 1'],
    ['no step', 'step = NULL'],
    ['message', 'sign_hash = randomblob(32)'],
    ['body', `body = replace(body, 'tcp', 'tcq')`],
    ['a space in the body', `body = body || ' '`],
    ['hash', 'hash = randomblob(32)'],
  ])('another %s of an entry is found there', async (_what, change) => {
    using home = copied();
    home.edit(`${UNLOCKED} UPDATE audit SET ${change} WHERE seq = ${middle}`);
    expect(await found(home)).toEqual([`edited ${middle}`]);
  });

  test('so are several edits, each at its place', async () => {
    using home = copied();
    const others = [middle - 4n, middle, middle + 3n];
    home.edit(`${UNLOCKED} UPDATE audit SET time_ms = 1 WHERE seq IN (${others.join()})`);
    expect(await found(home)).toEqual(others.map((seq) => `edited ${seq}`));
  });

  test('entries that were removed', async () => {
    using home = copied();
    home.edit(`DELETE FROM audit WHERE seq BETWEEN ${middle} AND ${middle + 1n}`);
    const { findings } = await verdictOf(home);
    expect(findings).toEqual([
      {
        what: 'removed',
        seq: String(middle),
        text: `entries ${middle} to ${middle + 1n} are not there`,
      },
    ]);
  });

  test('the gap closed by giving the others new numbers', async () => {
    using home = copied();
    home.edit(
      `${UNLOCKED} DELETE FROM audit WHERE seq = ${middle};
       UPDATE audit SET seq = -seq - 1 WHERE seq > ${middle} AND 0;
       UPDATE audit SET seq = seq + 1000000 WHERE seq > ${middle};
       UPDATE audit SET seq = seq - 1000001 WHERE seq > 1000000;`,
    );
    const findings = await found(home);
    expect(findings).toContain(`truncated ${tail}`);
    expect(findings[0]).toMatch(new RegExp(`^(edited|reordered) ${middle}$`));
  });

  test.each([
    ['next to each other', 1n],
    ['far apart', 7n],
  ])('two entries exchanged, %s', async (_where, distance) => {
    using home = copied();
    const other = middle + distance;
    home.edit(
      `${UNLOCKED} UPDATE audit SET seq = 1000000 WHERE seq = ${middle};
       UPDATE audit SET seq = ${middle} WHERE seq = ${other};
       UPDATE audit SET seq = ${other} WHERE seq = 1000000;`,
    );
    expect(await found(home)).toEqual([`reordered ${middle}`, `reordered ${other}`]);
  });

  test('its end cut off', async () => {
    using home = copied();
    home.edit(`DELETE FROM audit WHERE seq > ${middle}`);
    expect(await found(home)).toEqual([`truncated ${middle + 1n}`]);
  });

  test('its end cut off, and a signer that has gone on since', async () => {
    using home = copied();
    home.edit(`DELETE FROM audit WHERE seq > ${middle}`);
    {
      await using opened = home.open();
      decideHeights(opened, 1_000, 1_005);
    }
    expect(await found(home)).toEqual([`removed ${middle + 1n}`]);
  });

  test('all of it gone', async () => {
    using home = copied();
    home.edit('DELETE FROM audit');
    expect(await found(home)).toEqual([`truncated ${liveFirst}`]);
  });

  test('an entry that was put at its end, as well made as can be', async () => {
    using home = copied();
    const last = home.entries().at(-1);
    const row = {
      seq: tail + 1n,
      timeMs: 1,
      kind: 'act',
      validator: null,
      height: null,
      round: null,
      step: null,
      signHash: null,
      body: '{}',
    };
    const hash = hexFromBytes(hashOfEntry(last?.hash ?? new Uint8Array(), row));
    home.edit(
      `INSERT INTO audit (seq, time_ms, kind, body, hash) VALUES (${tail + 1n}, 1, 'act', '{}', x'${hash}')`,
    );
    expect(await found(home)).toEqual([`foreign ${tail + 1n}`]);
  });

  test('a floor set back beside a log that was not', async () => {
    using home = copied();
    rewriteFloor(home, (stored) => ({ ...stored, height: 3n, sign_bytes: null, signature: null }));
    expect(await found(home)).toEqual([`floor-disagrees ${ofFloor}`]);
  });

  test('another message in the floor than was decided', async () => {
    using home = copied();
    rewriteFloor(home, (stored) => ({ ...stored, sign_bytes: Buffer.from('another') }));
    expect(await found(home)).toEqual([`floor-disagrees ${ofFloor}`]);
  });
});

describe('in a segment', () => {
  const changed = (file: string): string => `segment-changed ${BigInt(file.slice(0, 20))}`;

  test('another body of an entry', async () => {
    using home = copied();
    editSegment(home, first, (lines) =>
      lines.map((line, index) => (index === 9 ? line.replace('tcp', 'tcq') : line)),
    );
    expect(await found(home)).toEqual([changed(first), 'edited 9']);
  });

  test('entries that were removed', async () => {
    using home = copied();
    editSegment(home, first, (lines) => lines.toSpliced(5, 2));
    expect(await found(home)).toEqual([changed(first), 'removed 5']);
  });

  test('two lines exchanged', async () => {
    using home = copied();
    editSegment(home, first, (lines) => lines.toSpliced(5, 2, lines[6] ?? '', lines[5] ?? ''));
    expect(await found(home)).toEqual([changed(first), 'reordered 5']);
  });

  test.each([
    ['its last lines', 3],
    ['its very last line', 1],
  ])('%s cut off', async (_what, count) => {
    using home = copied();
    editSegment(home, second, (lines) => lines.slice(0, -count));
    const findings = await found(home);
    expect(findings).toContain(changed(second));
    expect(findings.some((finding) => finding.startsWith('truncated '))).toBe(true);
  });

  test('a line twice', async () => {
    using home = copied();
    editSegment(home, first, (lines) => lines.toSpliced(5, 0, lines[5] ?? ''));
    expect(await found(home)).toContain('foreign 5');
  });

  test('the whole file gone', async () => {
    using home = copied();
    rmSync(home.join('audit', second));
    expect(await found(home)).toEqual([`segment-missing ${BigInt(second.slice(0, 20))}`]);
  });

  test('two files exchanged', async () => {
    using home = copied();
    const path = (name: string): string => home.join('audit', name);
    renameSync(path(first), path('x'));
    renameSync(path(second), path(first));
    renameSync(path('x'), path(second));
    const findings = await found(home);
    expect(findings).toEqual(expect.arrayContaining([changed(first), changed(second)]));
    expect(findings.some((finding) => finding.startsWith('foreign'))).toBe(true);
  });

  test("another home's file", async () => {
    using home = copied();
    editSegment(home, first, ([head = '', ...lines]) => [
      head.replace(/"homeId":"..../, '"homeId":"0000'),
      ...lines,
    ]);
    expect(await found(home)).toEqual([changed(first), 'foreign 1']);
  });

  test('a file that the database never had shows that it was set back', async () => {
    using home = copied();
    copyFileSync(home.join('audit', second), home.join('audit', `${'9'.repeat(20)}.jsonl`));
    expect(await found(home)).toEqual([`rolled-back ${'9'.repeat(20)}`]);
  });

  test('table and last segment both cut off', async () => {
    using home = copied();
    home.edit(`DELETE FROM audit; DELETE FROM audit_segments WHERE file = '${second}'`);
    rmSync(home.join('audit', second));
    expect(await found(home)).toEqual([`truncated ${BigInt(second.slice(0, 20))}`]);
  });

  test('its removal in the database alone, which no entry tells of', async () => {
    using home = copied();
    home.edit(`UPDATE audit_segments SET state = 'removed' WHERE file = '${first}'`);
    rmSync(home.join('audit', first));
    expect(await found(home)).toEqual(['removed 1']);
  });
});

describe('a checkpoint', () => {
  async function signed(home: AuditedHome): Promise<Checkpoint> {
    await using opened = home.open();
    await using log = logOf(home, opened);
    return await log.checkpoint();
  }

  function held(checkpoint: unknown): HeldCheckpoint {
    const parsed = parseCheckpoint(JSON.stringify(checkpoint));
    return parsed === undefined ? { kind: 'invalid' } : { kind: 'good', checkpoint: parsed };
  }

  test('holds against the log it was made of, and against the longer one', async () => {
    using home = copied();
    const checkpoint = await signed(home);
    expect(await verdictOf(home, held(checkpoint))).toMatchObject({
      isWhole: true,
      checkpoint: { seq: checkpoint.seq, holds: true },
    });
    {
      await using opened = home.open();
      decideHeights(opened, 100, 110);
    }
    expect((await verdictOf(home, held(checkpoint))).isWhole).toBe(true);
  });

  test('finds a joint rollback: database, mark and segments of an older day', async () => {
    using home = copied();
    {
      await using opened = home.open();
      decideHeights(opened, 100, 110);
    }
    const checkpoint = await signed(home);
    using restored = copied();
    copyFileSync(home.join('audit.key'), restored.join('audit.key'));
    // Nothing in the older home is wrong by itself.
    expect(await found(restored)).toEqual([]);
    expect(await found(restored, held(checkpoint))).toEqual([`rolled-back ${checkpoint.seq}`]);
    // Nor does it help to go on until the number is reached again.
    {
      await using opened = restored.open();
      decideHeights(opened, 200, 260);
    }
    const { findings, checkpoint: outcome } = await verdictOf(restored, held(checkpoint));
    expect(findings).toMatchObject([{ what: 'rolled-back', seq: checkpoint.seq }]);
    expect(outcome).toEqual({ seq: checkpoint.seq, holds: false });
  });

  test('finds a log that was written anew from an entry on, with every hash and floor made to fit', async () => {
    using home = copied();
    const checkpoint = await signed(home);
    writeAnew(home, middle);
    expect(await found(home)).toEqual([]);
    expect(await found(home, held(checkpoint))).toEqual([`rolled-back ${checkpoint.seq}`]);
  });

  test.each([
    [
      'whose signature was changed',
      (c: Checkpoint) => ({ ...c, signature: `00${c.signature.slice(2)}` }),
    ],
    ['whose number was changed', (c: Checkpoint) => ({ ...c, seq: '3' })],
    ['whose floors were changed', (c: Checkpoint) => ({ ...c, floors: { v0: '1/0/prevote' } })],
    ['that is none', () => ({})],
  ])('%s does not count', async (_what, change) => {
    using home = copied();
    const checkpoint = await signed(home);
    expect(await found(home, held(change(checkpoint)))).toEqual(['checkpoint-invalid 0']);
  });

  test('of another home does not count', async () => {
    using home = copied();
    using other = await AuditedHome.make();
    const checkpoint = await signed(other);
    expect(await found(home, held(checkpoint))).toEqual([`checkpoint-invalid ${checkpoint.seq}`]);
  });

  test('by another key than the home has does not count', async () => {
    using home = copied();
    const checkpoint = await signed(home);
    rmSync(home.join('audit.key'));
    createIdentity(home.join('audit.key'));
    expect(await found(home, held(checkpoint))).toEqual([`checkpoint-invalid ${checkpoint.seq}`]);
  });

  test('is written into the home, for its owner only, and told of in the log', async () => {
    using home = copied();
    const checkpoint = await signed(home);
    const text = readFileSync(home.join('audit', `checkpoint-${checkpoint.seq}.json`), 'utf8');
    expect(parseCheckpoint(text)).toEqual(checkpoint);
    expect(home.entries().at(-1)).toMatchObject({ kind: 'checkpoint' });
    expect(checkpoint.floors).toEqual({ v0: '60/0/precommit' });
  });
});

test('verifying changes nothing in the home', async () => {
  using home = copied();
  const before = readFileSync(home.db);
  await verdictOf(home);
  expect(readFileSync(home.db).equals(before)).toBe(true);
});

test('a floor that is damaged does not keep the log from being read', async () => {
  using home = copied();
  home.edit('UPDATE floors SET generation = generation + 1');
  expect(() => home.open()).toThrow(expect.objectContaining({ code: 'ERR_FLOOR_CHECKSUM' }));
  expect(await found(home)).toEqual([]);
});

test('a home of release 0.1.0 has no log to verify', async () => {
  using home = new AuditedHome();
  home.edit(readFileSync(new URL('../../vectors/floor/floor-v1.sql', import.meta.url), 'utf8'));
  await expect(verdictOf(home)).rejects.toMatchObject({ code: 'ERR_AUDIT_MISSING' });
});

/** A floor row changed, its checksum made to fit: by somebody who knows how. */
function rewriteFloor(home: AuditedHome, change: (stored: StoredFloorRow) => StoredFloorRow): void {
  const db = new Database(home.db);
  db.defaultSafeIntegers(true);
  const homeId = home.homeId;
  const [stored] = db.prepare<[], StoredFloorRow>(SELECT_FLOOR_ROWS).all();
  if (stored === undefined) throw new Error('no floor');
  const next = change(stored);
  const { id, height, sign_bytes, signature, audit_seq, audit_hash } = next;
  const checksum = checksumOf(next, homeId);
  db.prepare(
    'UPDATE floors SET height = ?, sign_bytes = ?, signature = ?, audit_seq = ?, audit_hash = ?, checksum = ? WHERE validator_id = ?',
  ).run(height, sign_bytes, signature, audit_seq, audit_hash, checksum, id);
  db.close();
}

function checksumOf(stored: StoredFloorRow, homeId: Uint8Array): Uint8Array {
  return floorChecksum(
    {
      record: {
        name: stored.name,
        chainId: CHAIN,
        publicKey: new Uint8Array(stored.validator_key),
      },
      floor: {
        height: stored.height ?? 0n,
        round: Number(stored.round),
        step: STEP_NAMES[Number(stored.step)] ?? 'none',
        signBytes: stored.sign_bytes ?? undefined,
        signature: stored.signature ?? undefined,
        publicKey: stored.public_key ?? undefined,
      },
      generation: stored.generation,
      journal: { seq: stored.audit_seq, hash: new Uint8Array(stored.audit_hash) },
    },
    homeId,
  );
}

/** Every entry from `from` on with another time, and the chain, the floors and the home made to fit. */
function writeAnew(home: AuditedHome, from: bigint): void {
  const entries = home.entries();
  const before = entries.find(({ seq }) => seq === from - 1n);
  let previous: Uint8Array = before?.hash ?? firstPrevious(home.homeId);
  home.edit(UNLOCKED);
  const db = new Database(home.db);
  const update = db.prepare('UPDATE audit SET time_ms = 7, hash = ? WHERE seq = ?');
  let last: StoredEntry | undefined;
  for (const entry of entries.filter(({ seq }) => seq >= from)) {
    previous = hashOfEntry(previous, {
      seq: entry.seq,
      timeMs: 7,
      kind: entry.kind,
      validator: entry.validator,
      height: entry.height,
      round: entry.round === null ? null : Number(entry.round),
      step: entry.step === null ? null : Number(entry.step),
      signHash: entry.sign_hash,
      body: entry.body,
    });
    update.run(previous, entry.seq);
    last = entry;
  }
  db.prepare('UPDATE home SET audit_seq = ?, audit_hash = ?').run(last?.seq, previous);
  db.close();
  rewriteFloor(home, (stored) => {
    const own = home.entries().find(({ seq }) => seq === stored.audit_seq);
    return { ...stored, audit_hash: own?.hash ?? stored.audit_hash };
  });
}
