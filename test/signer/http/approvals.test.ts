import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Caller } from '@privval/signer/http/access';
import { Approvals } from '@privval/signer/http/approvals';
import { newestTime } from '@privval/signer/http/newest-time';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { SqliteHomeTables } from '../../harness/sqlite-home-tables.ts';
import { HOME_ID } from './admin-rig.ts';

const ADA: Caller = { name: 'ada', role: 'approver', via: 'token' };
const WISH = { act: 'rotation.finish', validator: 'main', body: { confirm: 'main' } };

function rig() {
  const tables = new SqliteHomeTables([]);
  const clock = new ManualClock();
  const open = (): Approvals =>
    new Approvals({ tables, newestTimeMs: newestTime({ clock, tables }) }, { homeId: HOME_ID });
  return { tables, clock, open, approvals: open() };
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'done';
  } catch (error) {
    return errorCode(error);
  }
}

describe('approvals', () => {
  test('are asked, approved, used once, each step with an entry of the audit log', () => {
    const { approvals, tables } = rig();
    const { id, hash, state } = approvals.ask(WISH, 'oscar');
    expect(state).toBe('asked');
    expect(codeOf(() => approvals.use(id, WISH, 'oscar'))).toBe('ERR_APPROVAL_PENDING');
    expect(approvals.approve(id, hash, ADA)).toMatchObject({
      state: 'approved',
      approvedBy: 'ada',
    });
    expect(approvals.use(id, WISH, 'oscar')).toBe('ada');
    expect(codeOf(() => approvals.use(id, WISH, 'oscar'))).toBe('ERR_APPROVAL_USED');
    expect(codeOf(() => approvals.approve(id, hash, ADA))).toBe('ERR_APPROVAL_USED');
    expect(tables.entries.map(({ kind, body }) => [kind, JSON.parse(body).act])).toEqual([
      ['act', 'approval.asked'],
      ['act', 'approval.approved'],
      ['act', 'approval.used'],
    ]);
  });

  test('outlive the process, and so does their use', () => {
    const { open, approvals } = rig();
    const { id } = approvals.ask(WISH, 'oscar');
    open().approve(id, undefined, ADA);
    expect(open().use(id, WISH, 'oscar')).toBe('ada');
    expect(codeOf(() => open().use(id, WISH, 'oscar'))).toBe('ERR_APPROVAL_USED');
  });

  test('whose use did not become durable were not used, and nothing was done', () => {
    const { approvals, tables } = rig();
    const { id } = approvals.ask(WISH, 'oscar');
    approvals.approve(id, undefined, ADA);
    tables.failing = 0;
    expect(codeOf(() => approvals.use(id, WISH, 'oscar'))).toBe('ERR_SIGN_STATE_UNAVAILABLE');
    expect(approvals.use(id, WISH, 'oscar')).toBe('ada');
  });

  test('end after 15 minutes, and a clock that is set back brings none of them back', async () => {
    const { approvals, clock, open, tables } = rig();
    const { id } = approvals.ask(WISH, 'oscar');
    approvals.approve(id, undefined, ADA);
    await clock.advance(899_999);
    expect(approvals.list()).toMatchObject([{ state: 'approved' }]);
    await clock.advance(1);
    expect(codeOf(() => approvals.use(id, WISH, 'oscar'))).toBe('ERR_APPROVAL_EXPIRED');
    const endedMs = clock.now();
    clock.setNow(endedMs - 3_600_000);
    expect(codeOf(() => approvals.use(id, WISH, 'oscar'))).toBe('ERR_APPROVAL_EXPIRED');
    // A new process knows it from the home, where the store writes it with every transaction.
    tables.db
      .prepare('INSERT INTO home (id, home_id, generation, newest_time_ms) VALUES (1, ?, 1, ?)')
      .run(HOME_ID, BigInt(endedMs));
    expect(codeOf(() => open().use(id, WISH, 'oscar'))).toBe('ERR_APPROVAL_EXPIRED');
  });

  test('are the same one for the same wish of the same caller', () => {
    const { approvals } = rig();
    const first = approvals.ask(WISH, 'oscar');
    expect(approvals.ask(WISH, 'oscar').id).toBe(first.id);
    expect(approvals.ask(WISH, 'olga').id).not.toBe(first.id);
    expect(approvals.list()).toHaveLength(2);
  });

  test('are at most 64 at a time, and those that ended make room', async () => {
    const { approvals, clock } = rig();
    const ask = (n: number) => approvals.ask({ ...WISH, validator: `v${n}` }, 'oscar');
    for (let n = 0; n < 64; n++) ask(n);
    expect(codeOf(() => ask(64))).toBe('ERR_APPROVAL_LIMIT');
    await clock.advance(900_000);
    ask(64);
    expect(approvals.list()).toHaveLength(1);
  });

  test('that were used do not pile up', () => {
    const { approvals, tables } = rig();
    for (let n = 0; n < 140; n++) {
      const wish = { ...WISH, validator: `v${n}` };
      const { id } = approvals.ask(wish, 'oscar');
      approvals.approve(id, undefined, ADA);
      approvals.use(id, wish, 'oscar');
    }
    expect(tables.read('SELECT id FROM approvals', [], 1_000).length).toBeLessThanOrEqual(130);
    expect(approvals.ask(WISH, 'oscar').state).toBe('asked');
  });

  test('show an approver the whole wish', () => {
    const { approvals } = rig();
    approvals.ask(WISH, 'oscar');
    expect(approvals.list()).toMatchObject([
      { act: 'rotation.finish', validator: 'main', body: { confirm: 'main' }, askedBy: 'oscar' },
    ]);
  });
});
