import { ADMIN_ROUTES } from '@privval/signer/http/admin-routes';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { AdminRig, goodRequest, ROUTES, tokenCredential } from './admin-rig.ts';

const COVERED = ROUTES.filter(([, route]) => route.isTwoPerson === true);
const FREE = ROUTES.filter(([, { method, isTwoPerson }]) => method === 'POST' && !isTwoPerson);

/** Asks as `oscar`, until somebody has to approve. */
async function asked(rig: AdminRig, name: string) {
  const route = ADMIN_ROUTES.find((row) => row.name === name);
  if (route === undefined) throw new Error(`no route ${name}`);
  const request = goodRequest(route);
  const { status, json } = await rig.ask({ ...request, as: 'oscar' });
  expect(status).toBe(202);
  const repeat = (as: string, change: object = {}) =>
    rig.ask({
      ...request,
      as,
      payload: { ...(request.payload as object), approval: json.approval, ...change },
    });
  const approve = (as: string, body: object = {}) =>
    rig.ask({ method: 'POST', url: `/v1/approvals/${json.approval}`, as, payload: body });
  return { asked: json, repeat, approve };
}

describe('with two persons', () => {
  test('finish, floor raise, unfreeze, removals and arm by hand are covered', () => {
    expect(COVERED.map(([name]) => name).sort()).toEqual([
      'floor.raise',
      'nodes.remove',
      'rotation.arm',
      'rotation.finish',
      'validator.unfreeze',
    ]);
  });

  test.each(COVERED)('%s is done once another one has approved it, once', async (name) => {
    await using rig = new AdminRig({ twoPerson: true });
    const { asked: wish, repeat, approve } = await asked(rig, name);
    expect(wish.approveWith).toBe(`signer approve ${wish.approval} --hash ${wish.hash}`);
    expect((await repeat('oscar')).json.code).toBe('ERR_APPROVAL_PENDING');
    expect(rig.operations.calls).toEqual([]);
    expect((await approve('ada', { hash: wish.hash })).json.state).toBe('approved');
    expect(rig.operations.calls).toEqual([]);
    expect((await repeat('oscar')).status).toBe(200);
    expect(rig.operations.calls).toMatchObject([
      { validator: 'main', act: { name, by: 'oscar', approvedBy: 'ada' } },
    ]);
    const replayed = await repeat('oscar');
    expect([replayed.status, replayed.json.code]).toEqual([409, 'ERR_APPROVAL_USED']);
    expect(rig.operations.calls).toHaveLength(1);
  });

  test.each(FREE)('%s needs no second person', async (_name, route) => {
    await using rig = new AdminRig({ twoPerson: true });
    const as = route.role === 'approver' ? 'ada' : 'oscar';
    expect((await rig.ask({ ...goodRequest(route), as })).status).not.toBe(202);
  });

  test.each(COVERED)('%s: an approval is for nothing else', async (name) => {
    await using rig = new AdminRig({ twoPerson: true });
    const { asked: wish, repeat, approve } = await asked(rig, name);
    await approve('ada');
    const other = COVERED.find(([row]) => row !== name)?.[1];
    if (other === undefined) throw new Error('there is one route only');
    const payload = { ...(goodRequest(other).payload as object), approval: wish.approval };
    const elsewhere = await rig.ask({ ...goodRequest(other), payload, as: 'oscar' });
    const byAnother = await repeat('olga');
    const unknown = await repeat('oscar', { approval: '00'.repeat(16) });
    expect([elsewhere, byAnother, unknown].map(({ json }) => json.code)).toEqual([
      'ERR_APPROVAL_MISMATCH',
      'ERR_APPROVAL_MISMATCH',
      'ERR_APPROVAL_UNKNOWN',
    ]);
    expect(rig.operations.calls).toEqual([]);
  });

  test('an approval is for one body: another height is another wish', async () => {
    await using rig = new AdminRig({ twoPerson: true });
    const { repeat, approve } = await asked(rig, 'floor.raise');
    await approve('ada');
    const answer = await repeat('oscar', { floorHeight: '9000' });
    expect([answer.status, answer.json.code]).toEqual([409, 'ERR_APPROVAL_MISMATCH']);
    expect(rig.operations.store.floor('main').height).toBe(5n);
  });

  test('nobody but an approver approves: not the asker, nor another operator, nor the socket', async () => {
    await using rig = new AdminRig({ twoPerson: true });
    const { asked: wish, approve } = await asked(rig, 'rotation.finish');
    for (const as of ['oscar', 'olga', 'vera']) expect((await approve(as)).status).toBe(403);
    const url = `/v1/approvals/${wish.approval}`;
    expect((await rig.ask({ method: 'POST', url })).json.code).toBe('ERR_ADMIN_FORBIDDEN');
    expect(rig.tables.entries).toHaveLength(1);
  });

  test('an approver acts on nothing, approved or not', async () => {
    await using rig = new AdminRig({ twoPerson: true });
    const { repeat, approve } = await asked(rig, 'rotation.finish');
    await approve('ada');
    expect((await repeat('ada')).json.code).toBe('ERR_ADMIN_FORBIDDEN');
  });

  test('the operator of the socket asks like others, and an approver comes by a token', async () => {
    await using rig = new AdminRig({ twoPerson: true });
    const request = goodRequest(
      ADMIN_ROUTES.find(({ name }) => name === 'validator.unfreeze') as never,
    );
    const { json } = await rig.ask(request);
    await rig.ask({ method: 'POST', url: `/v1/approvals/${json.approval}`, as: 'ada' });
    const payload = { ...(request.payload as object), approval: json.approval };
    expect((await rig.ask({ ...request, payload })).status).toBe(200);
    expect(rig.operations.calls).toMatchObject([{ act: { by: 'local', approvedBy: 'ada' } }]);
  });

  test('somebody whose role was changed from operator to approver cannot approve an own wish', async () => {
    const clock = new ManualClock();
    await using rig = new AdminRig({ twoPerson: true, clock });
    const { approve } = await asked(rig, 'rotation.finish');
    rig.writeCredentials([tokenCredential('oscar', 'approver')]);
    await clock.advance(1_000);
    const answer = await approve('oscar');
    expect([answer.status, answer.json.code]).toEqual([403, 'ERR_APPROVAL_SELF']);
  });

  test('an approval that has ended counts for nothing, though the clock is set back', async () => {
    const clock = new ManualClock();
    await using rig = new AdminRig({ twoPerson: true, clock });
    const { repeat, approve } = await asked(rig, 'rotation.finish');
    await approve('ada');
    await clock.advance(900_000);
    expect((await repeat('oscar')).json.code).toBe('ERR_APPROVAL_EXPIRED');
    clock.setNow(Date.UTC(2026, 0, 1));
    expect((await repeat('oscar')).json.code).toBe('ERR_APPROVAL_EXPIRED');
    expect(rig.operations.calls).toEqual([]);
  });

  test('an approval whose act is refused afterwards is gone: it counts once', async () => {
    await using rig = new AdminRig({ twoPerson: true });
    const { repeat, approve } = await asked(rig, 'rotation.finish');
    await approve('ada');
    rig.operations.rotations.finish = async () => {
      throw new TypeError('the desk fell over');
    };
    expect((await repeat('oscar')).status).toBe(500);
    expect((await repeat('oscar')).json.code).toBe('ERR_APPROVAL_USED');
  });

  test('an act does not begin while its approval cannot be used up for good', async () => {
    await using rig = new AdminRig({ twoPerson: true });
    const { repeat, approve } = await asked(rig, 'rotation.finish');
    await approve('ada');
    rig.tables.failing = 0;
    const answer = await repeat('oscar');
    expect([answer.status, answer.json.code]).toEqual([503, 'ERR_SIGN_STATE_UNAVAILABLE']);
    expect(rig.operations.calls).toEqual([]);
  });

  test('what a second person has to read is of a size that can be read', async () => {
    await using rig = new AdminRig({ twoPerson: true });
    const payload = { stateFile: ' '.repeat(20_000), confirm: 'main' };
    const url = '/v1/validators/main/floor';
    const answer = await rig.ask({ method: 'POST', url, payload, as: 'oscar' });
    expect([answer.status, answer.json.code]).toEqual([400, 'ERR_ADMIN_REQUEST']);
  });
});

describe('without two persons', () => {
  test.each(COVERED)('%s is done at once', async (_name, route) => {
    await using rig = new AdminRig();
    expect((await rig.ask({ ...goodRequest(route), as: 'oscar' })).status).toBe(200);
    expect(rig.operations.calls).toHaveLength(1);
    expect(rig.tables.entries).toEqual([]);
  });
});
