import { renameSync } from 'node:fs';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { Signer } from '@privval/signer/signer';
import { describe, expect, test } from 'vitest';
import type { FakeCondition } from '../../harness/fake-provider.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { PlainHome } from '../../harness/plain-home.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { type ScriptedConnection, scriptedVote } from '../../harness/scripted-node.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';
import { DeviceRig, settle, until } from './device-rig.ts';

/** A signature is asked for and comes, while time passes. */
async function answered(
  rig: DeviceRig,
  asked: Promise<PrivvalResponse>,
): Promise<{ readonly answer: PrivvalResponse; readonly tookMs: number }> {
  const startMs = rig.clock.monotonicMs();
  let answer: PrivvalResponse | undefined;
  const done = asked.then((response) => {
    answer = response;
  });
  await settle();
  while (answer === undefined) await rig.pass(100);
  await done;
  return { answer, tookMs: rig.clock.monotonicMs() - startMs };
}

async function signatureAt(
  rig: DeviceRig,
  connection: ScriptedConnection,
  height: bigint,
): Promise<Uint8Array> {
  const { answer } = await answered(rig, connection.signVote(scriptedVote({ height })));
  if (answer.kind !== 'signed-vote' || 'error' in answer) {
    throw new Error(`not signed: ${JSON.stringify(answer, (_, value) => String(value))}`);
  }
  return answer.vote.signature;
}

function codeOfStart(rig: DeviceRig): string {
  return rig.started !== undefined && 'error' in rig.started
    ? errorCode(rig.started.error)
    : 'no error';
}

describe('S26: a validator whose device is not there when the signer starts', () => {
  test('dials its node when the device comes, and not before', async () => {
    await using rig = await DeviceRig.create([{ name: 'main', devices: ['unplugged'] }]);
    rig.start();
    await until(() => rig.device('main').attempts > 0);
    await rig.pass(10_000);
    expect(rig.started).toBeUndefined();
    expect(rig.node('main').backlog).toBe(0);
    rig.device('main').condition = 'healthy';
    await rig.pass(5_000);
    await until(() => rig.started !== undefined);
    const connection = await rig.node('main').accept();
    await signatureAt(rig, connection, 1n);
    expect(rig.status('main')).toMatchObject({ fault: undefined, nodes: [{ state: 'serving' }] });
  });

  test('holds up no other, is out of service with an alarm, and comes later', async () => {
    await using rig = await DeviceRig.create([
      { name: 'sound', devices: ['healthy'] },
      { name: 'absent', devices: ['unplugged'] },
    ]);
    await rig.serve();
    await until(() => rig.device('absent').attempts > 0);
    await settle();
    expect(rig.clock.monotonicMs()).toBe(0);
    await signatureAt(rig, await rig.node('sound').accept(), 1n);
    expect(rig.status('absent')).toMatchObject({
      fault: { code: 'ERR_FAKE_GONE', remedy: 'wait' },
      providers: [{ name: 'fake absent 0', state: 'out-of-service' }],
      nodes: [],
    });
    expect(
      rig.logger.lines.filter(
        ({ level, fields }) => level === 'error' && fields['validator'] === 'absent',
      ),
    ).toHaveLength(1);
    await rig.pass(120_000);
    expect(rig.node('absent').backlog).toBe(0);
    rig.device('absent').condition = 'healthy';
    await rig.pass(5_000);
    await signatureAt(rig, await rig.node('absent').accept(), 1n);
    expect(rig.status('absent').fault).toBeUndefined();
  });

  test('is asked again after 0.2 s, then at doubled intervals up to 5 s', async () => {
    await using rig = await DeviceRig.create([
      { name: 'sound', devices: ['healthy'] },
      { name: 'absent', devices: ['unplugged'] },
    ]);
    await rig.serve();
    const device = rig.device('absent');
    await until(() => device.attempts > 0);
    const attempts: number[] = [];
    for (const ms of [200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
      await rig.pass(ms);
      attempts.push(device.attempts);
    }
    expect(attempts).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  test('ends the start after 30 s when no other is in service, and the home is free again', async () => {
    await using rig = await DeviceRig.create([
      { name: 'a', devices: ['unplugged'] },
      { name: 'b', devices: ['another-key'] },
    ]);
    rig.start();
    await until(() => rig.device('a').attempts > 0 && rig.device('b').attempts > 0);
    await rig.pass(29_900);
    expect(rig.started).toBeUndefined();
    await rig.pass(100);
    await until(() => rig.started !== undefined);
    expect(codeOfStart(rig)).toBe('ERR_NO_VALIDATOR_IN_SERVICE');
    expect(rig.started).toMatchObject({
      error: { message: expect.stringMatching(/within 30 s: .*ERR_FAKE_GONE.*ERR_ANOTHER_KEY/) },
    });
    expect(rig.device('a').isDisposed).toBe(true);
    rig.started = undefined;
    rig.device('a').condition = 'healthy';
    await rig.serve();
  });

  test('can be stopped while it is waited for, and the home is free again', async () => {
    await using rig = await DeviceRig.create([{ name: 'main', devices: ['unplugged'] }]);
    rig.start();
    await until(() => rig.device('main').attempts > 0);
    rig.stop();
    await until(() => rig.started !== undefined);
    expect(rig.started).toMatchObject({ error: { message: 'stopped by the test' } });
    expect(rig.device('main').isDisposed).toBe(true);
    expect(rig.clock.pending).toBe(0);
  });
});

describe('S26: faults that waiting cannot heal', () => {
  test.each<[FakeCondition, string]>([
    ['wrong-password', 'ERR_FAKE_WRONG_PASSWORD'],
    ['key-missing', 'ERR_FAKE_KEY_MISSING'],
    ['another-key', 'ERR_ANOTHER_KEY'],
  ])('%s in every validator ends the start in no time', async (condition, code) => {
    await using rig = await DeviceRig.create([
      { name: 'a', devices: [condition] },
      { name: 'b', devices: [condition, condition] },
    ]);
    rig.start();
    await until(() => rig.started !== undefined);
    expect(codeOfStart(rig)).toBe('ERR_NO_VALIDATOR_IN_SERVICE');
    expect(rig.started).toMatchObject({
      error: { message: expect.stringContaining(code) },
    });
    expect(rig.clock.monotonicMs()).toBe(0);
  });

  test('S35: another key in the device is never asked to sign, and its validator comes when the right one does', async () => {
    await using rig = await DeviceRig.create([
      { name: 'sound', devices: ['healthy'] },
      { name: 'swapped', devices: ['another-key'] },
    ]);
    await rig.serve();
    await until(() => rig.device('swapped').attempts > 0);
    await rig.pass(60_000);
    expect(rig.status('swapped').fault?.code).toBe('ERR_ANOTHER_KEY');
    expect(rig.node('swapped').backlog).toBe(0);
    expect(rig.device('swapped').taken).toEqual([]);
    rig.device('swapped').condition = 'healthy';
    await rig.pass(5_000);
    await signatureAt(rig, await rig.node('swapped').accept(), 1n);
  });

  test('a wrong password is tried once, not again and again', async () => {
    await using rig = await DeviceRig.create([
      { name: 'sound', devices: ['healthy'] },
      { name: 'locked', devices: ['wrong-password'] },
    ]);
    await rig.serve();
    await until(() => rig.device('locked').attempts > 0);
    await rig.pass(120_000);
    expect(rig.device('locked').attempts).toBe(1);
    expect(rig.status('locked').fault).toMatchObject({
      code: 'ERR_FAKE_WRONG_PASSWORD',
      remedy: 'restart',
    });
  });

  test('in one provider of two leave the other to be waited for', async () => {
    await using rig = await DeviceRig.create([
      { name: 'main', devices: ['wrong-password', 'unplugged'] },
    ]);
    rig.start();
    await until(() => rig.device('main', 1).attempts > 0);
    await rig.pass(20_000);
    expect(rig.started).toBeUndefined();
    rig.device('main', 1).condition = 'healthy';
    await rig.pass(5_000);
    await until(() => rig.started !== undefined);
    await signatureAt(rig, await rig.node('main').accept(), 1n);
  });
});

test('S26: a key file that is put back brings its validator into service, with the key that signs at once', async () => {
  using home = await PlainHome.create([
    { name: 'sound', chainId: 'a', nodes: ['unix:///nowhere/a'] },
    { name: 'mended', chainId: 'b', nodes: ['unix:///nowhere/b'] },
  ]);
  renameSync(home.join('mended.json'), home.join('away'));
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const signer = await Signer.start({ clock, random: new SeededRandom(1), logger }, home.options);
  const mended = () => signer.status().validators[1];
  await until(() => mended()?.providers[0]?.fault?.code === 'ERR_SECRET_FILE_UNREADABLE');
  expect(mended()).toMatchObject({ fault: { code: 'ERR_SECRET_FILE_UNREADABLE' }, nodes: [] });
  renameSync(home.join('away'), home.join('mended.json'));
  await settle();
  await clock.advance(5_000);
  await until(() => mended()?.nodes.length === 1);
  expect(mended()).toMatchObject({ fault: undefined, providers: [{ state: 'in-service' }] });
  expect(logger.named('this validator is in service')).toHaveLength(1);
  await signer[Symbol.asyncDispose]();
});

describe('S1: two validators', () => {
  test('whose devices turn out to hold one key are not both served', async () => {
    await using rig = await DeviceRig.create([
      { name: 'first', devices: ['healthy'] },
      { name: 'second', devices: ['healthy'] },
    ]);
    const [first, second] = rig.options.validators;
    if (first === undefined || second === undefined) throw new Error('no validators');
    // The second one's place is the first one's: the floor of the first is not for another validator.
    Object.assign(second, { providers: first.providers });
    await rig.serve();
    await settle();
    expect(rig.status('first').fault).toBeUndefined();
    expect(rig.status('second').fault?.code).toBe('ERR_ANOTHER_KEY');
    expect(rig.node('second').backlog).toBe(0);
  });
});

describe('a device that goes while its validator is served', () => {
  test('costs an error within the node’s 5 s, not the connection, and signs when it is back', async () => {
    await using rig = await DeviceRig.create([{ name: 'main', devices: ['healthy'] }]);
    await rig.serve();
    const connection = await rig.node('main').accept();
    await signatureAt(rig, connection, 1n);
    rig.device('main').condition = 'unplugged';
    for (const height of [2n, 3n]) {
      const { answer, tookMs } = await answered(rig, connection.signVote(scriptedVote({ height })));
      expect(answer).toMatchObject({ error: { description: expect.stringContaining('[ERR_') } });
      expect(tookMs).toBeLessThan(4_500);
    }
    expect(rig.status('main')).toMatchObject({
      fault: { code: 'ERR_FAKE_GONE' },
      providers: [{ state: 'out-of-service', fault: { code: 'ERR_FAKE_GONE' } }],
      nodes: [{ state: 'serving' }],
    });
    // The public key is the one in the database: a node that restarts meanwhile gets it.
    const key = await answered(rig, connection.publicKey());
    expect(key.answer).toMatchObject({ publicKey: rig.device('main').publicKey });
    rig.device('main').condition = 'healthy';
    await rig.pass(5_000);
    await signatureAt(rig, connection, 3n);
    expect(rig.status('main').fault).toBeUndefined();
  });

  test.each([500, 1_500, 2_900])('and comes back after %i ms costs no vote', async (ms) => {
    await using rig = await DeviceRig.create([{ name: 'main', devices: ['healthy'] }]);
    await rig.serve();
    const connection = await rig.node('main').accept();
    await signatureAt(rig, connection, 1n);
    rig.device('main').condition = 'unplugged';
    const asked = connection.signVote(scriptedVote({ height: 2n }));
    await rig.pass(ms);
    rig.device('main').condition = 'healthy';
    const { answer, tookMs } = await answered(rig, asked);
    expect(answer).toMatchObject({ kind: 'signed-vote', vote: { height: 2n } });
    expect(ms + tookMs).toBeLessThan(4_500);
  });

  test('S28: leaves the signing to its standby, and does not take it back', async () => {
    await using rig = await DeviceRig.create([{ name: 'main', devices: ['healthy', 'healthy'] }]);
    await rig.serve();
    const connection = await rig.node('main').accept();
    await signatureAt(rig, connection, 1n);
    rig.device('main').condition = 'unplugged';
    await signatureAt(rig, connection, 2n);
    expect(rig.status('main')).toMatchObject({
      fault: undefined,
      providers: [
        { name: 'fake main 0', state: 'out-of-service', isActive: false },
        { name: 'fake main 1', state: 'in-service', isActive: true },
      ],
    });
    rig.device('main').condition = 'healthy';
    await rig.pass(5_000);
    await signatureAt(rig, connection, 3n);
    expect(rig.status('main').providers).toMatchObject([
      { state: 'in-service', isActive: false },
      { state: 'in-service', isActive: true },
    ]);
  });

  test('S28: both providers are asked for the floor’s own bytes', async () => {
    await using rig = await DeviceRig.create([{ name: 'main', devices: ['stalled', 'healthy'] }]);
    rig.device('main').condition = 'healthy';
    await rig.serve();
    const connection = await rig.node('main').accept();
    rig.device('main').condition = 'stalled';
    await signatureAt(rig, connection, 1n);
    expect(rig.device('main').taken).toHaveLength(1);
    expect(rig.device('main', 1).taken).toEqual(rig.device('main').taken);
  });
});

describe('S20, S29: a device whose signature does not verify', () => {
  test('is believed again after one good signature; nothing wrong is released', async () => {
    await using rig = await DeviceRig.create([{ name: 'main', devices: ['healthy'] }]);
    await rig.serve();
    const connection = await rig.node('main').accept();
    await signatureAt(rig, connection, 1n);
    rig.device('main').condition = 'wrong-signature';
    const asked = connection.signVote(scriptedVote({ height: 2n }));
    await until(() => rig.device('main').taken.length === 2);
    await rig.pass(200);
    expect(rig.status('main').providers).toMatchObject([
      { state: 'on-probation', fault: { code: 'ERR_SIGNATURE_INVALID' } },
    ]);
    rig.device('main').condition = 'healthy';
    const { answer } = await answered(rig, asked);
    expect(answer).toMatchObject({ kind: 'signed-vote', vote: { height: 2n } });
    expect(rig.status('main')).toMatchObject({
      fault: undefined,
      providers: [{ state: 'in-service' }],
    });
  });

  test('twice in a row needs the operator, and the node is told', async () => {
    await using rig = await DeviceRig.create([{ name: 'main', devices: ['healthy'] }]);
    await rig.serve();
    const connection = await rig.node('main').accept();
    rig.device('main').condition = 'wrong-signature';
    const { answer } = await answered(rig, connection.signVote(scriptedVote({ height: 2n })));
    expect(answer).toMatchObject({ error: { description: expect.stringContaining('[ERR_') } });
    await rig.pass(60_000);
    expect(rig.status('main').fault).toMatchObject({
      code: 'ERR_SIGNATURE_INVALID',
      remedy: 'restart',
    });
    expect(rig.device('main').taken.length).toBeLessThanOrEqual(2);
  });
});
