/** The connector's HTTP interface (1.2 of the sheet), and the switches beside it. */
import { Agent } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { SecureChannel } from 'yubihsm/channel/secure-channel';
import { SymmetricHandshake } from 'yubihsm/channel/symmetric-handshake';
import { ManualClock } from '../../harness/manual-clock.ts';
import {
  startYubiHsmSimulator,
  type YubiHsmSimulator,
  type YubiHsmSimulatorOptions,
} from '../../harness/yubihsm-sim/simulator.ts';
import { hex } from '../channel/vectors.ts';
import { exchange, type HttpAnswer, post, turn } from './http-exchange.ts';
import { bits, CODE, FACTORY_KEYS, params } from './raw-session.ts';

const ECHO = hex('0100020102');
const ECHO_REPLY = '8100020102';
const DEVICE_INFO = hex('060000');
const NO_SESSION = hex(`05001900${'00'.repeat(24)}`);

/** A simulator whose time stands still. */
async function start(
  options: YubiHsmSimulatorOptions = {},
): Promise<{ readonly simulator: YubiHsmSimulator; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const onBug = (error: unknown): void => {
    throw error;
  };
  return { simulator: await startYubiHsmSimulator({ clock, onBug }, options), clock };
}

/** A session over HTTP. */
async function openSession({ url }: YubiHsmSimulator): Promise<SecureChannel> {
  const { encKey, macKey } = FACTORY_KEYS;
  const handshake = new SymmetricHandshake({
    authKeyId: 1,
    keys: { encKey: encKey.slice(), macKey: macKey.slice() },
    hostChallenge: new Uint8Array(8),
  });
  const first = (await post(url, handshake.createSession)).body;
  return handshake.finish((await post(url, handshake.receive(first))).body);
}

async function run(
  { url }: YubiHsmSimulator,
  channel: SecureChannel,
  command: number,
  data: string,
): Promise<string> {
  const { body } = await post(url, channel.sealRequest({ command, data: hex(data) }));
  return channel.openReply(body).data.toHex();
}

/** A session on a device with an Ed25519 key 0x64. */
async function withKey(simulator: YubiHsmSimulator): Promise<SecureChannel> {
  const channel = await openSession(simulator);
  const key = params({ id: 0x64, capabilities: bits(8), algorithm: 46 });
  await run(simulator, channel, CODE.generateAsymmetricKey, key);
  return channel;
}

const signRequest = (channel: SecureChannel): Uint8Array =>
  channel.sealRequest({ command: CODE.signEddsa, data: hex('0064af82') });

/** Resolves with what has come by now, without waiting for what has not. */
async function settledBy<T>(promise: Promise<T>): Promise<T | 'open'> {
  const { promise: later, resolve } = Promise.withResolvers<'open'>();
  setImmediate(() => setImmediate(() => resolve('open')));
  return await Promise.race([promise, later]);
}

/** Resolves when the connector has taken that many frames and answered none of them. */
async function untilWaiting({ switches }: YubiHsmSimulator, frames: number): Promise<void> {
  while (switches.framesWaiting < frames) await settledBy(new Promise(() => {}));
}

describe('GET /connector/status', () => {
  test('has six lines, in their order', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const { status, headers, text } = await exchange(`${simulator.url}/connector/status`);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(text).toBe(
      `status=OK\nserial=*\nversion=3.0.7\npid=${process.pid}\naddress=127.0.0.1\n` +
        `port=${simulator.port}\n`,
    );
  });

  test('says NO_DEVICE under 200 while the device is unplugged', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    simulator.switches.unplug();
    const { status, text } = await exchange(`${simulator.url}/connector/status`);
    expect([status, text.split('\n')[0]]).toEqual([200, 'status=NO_DEVICE']);
  });
});

describe('every answer', () => {
  test.each([
    ['/connector/status', 'GET'],
    ['/connector/status', 'POST'],
    ['/connector/api', 'GET'],
    ['/elsewhere', 'GET'],
    ['/simulator/plug', 'POST'],
  ])('carries the X-Request-ID of its request, or a new one: %s %s', async (path, method) => {
    const { simulator } = await start();
    await using _ = simulator;
    const own = await exchange(simulator.url + path, { method, headers: { 'X-Request-ID': 'me' } });
    expect(own.headers['x-request-id']).toBe('me');
    const fresh = await exchange(simulator.url + path, { method });
    expect(fresh.headers['x-request-id']).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  test.each([
    ['/connector/status', 'POST', 405, 'GET', 'Method Not Allowed\n'],
    ['/connector/api', 'GET', 405, 'POST', 'Method Not Allowed\n'],
    ['/simulator/unplug', 'GET', 405, 'POST', 'Method Not Allowed\n'],
    ['/', 'GET', 404, undefined, 'Not Found\n'],
    ['/simulator/explode', 'POST', 404, undefined, 'Not Found\n'],
    ['/simulator/stall', 'POST', 400, undefined, 'Bad Request\n'],
    ['/simulator/stall?ms=-1', 'POST', 400, undefined, 'Bad Request\n'],
    ['/simulator/stall?ms=long', 'POST', 400, undefined, 'Bad Request\n'],
  ])('to what is not there says so: %s %s is %i', async (path, method, status, allow, text) => {
    const { simulator } = await start();
    await using _ = simulator;
    const answer = await exchange(simulator.url + path, { method });
    expect([answer.status, answer.headers.allow, answer.text]).toEqual([status, allow, text]);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  });
});

describe('POST /connector/api', () => {
  test('carries a frame to the device and its reply back', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const { status, headers, body } = await post(simulator.url, ECHO);
    expect([status, body.toHex()]).toEqual([200, ECHO_REPLY]);
    expect(headers['content-type']).toBe('application/octet-stream');
  });

  test('gives the errors of the device under 200', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const { status, body } = await post(simulator.url, NO_SESSION);
    expect([status, body.toHex()]).toEqual([200, '7f000103']);
  });

  test.each([
    ['no body', 0, 400],
    ['two bytes', 2, 400],
    ['three bytes', 3, 200],
    ['3139 bytes', 3139, 200],
    ['3140 bytes', 3140, 400],
  ])('takes bodies of 3 to 3139 bytes: %s', async (_what, length, status) => {
    const { simulator } = await start();
    await using _ = simulator;
    const frame = new Uint8Array(length);
    if (length > 0) frame[0] = 1;
    expect((await post(simulator.url, frame)).status).toBe(status);
  });

  test('refuses a chunked body with 400', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const { status, text } = await exchange(`${simulator.url}/connector/api`, {
      method: 'POST',
      body: ECHO,
    });
    expect([status, text]).toEqual([400, 'Bad Request\n']);
  });

  test('is 500 without a device, and works when it is back', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    expect(await turn(simulator.url, 'unplug')).toBe(200);
    const { status, text } = await post(simulator.url, ECHO);
    expect([status, text]).toEqual([500, 'Internal Server Error\n']);
    expect(await turn(simulator.url, 'plug')).toBe(200);
    expect((await post(simulator.url, ECHO)).status).toBe(200);
  });

  test('lets one frame through at a time, in the order of arrival', async () => {
    const { simulator, clock } = await start({ latencyMs: 115 });
    await using _ = simulator;
    const channel = await withKey(simulator);
    const order: string[] = [];
    const signed = post(simulator.url, signRequest(channel)).then(() => order.push('signed'));
    await clock.untilPending();
    const echoed = post(simulator.url, ECHO).then(() => order.push('echoed'));
    await untilWaiting(simulator, 2);
    await clock.advance(114);
    expect(await settledBy(echoed)).toBe('open');
    await clock.advance(1);
    await Promise.all([signed, echoed]);
    expect(order).toEqual(['signed', 'echoed']);
  });
});

describe('latency', () => {
  test('delays signatures, and nothing else', async () => {
    const { simulator, clock } = await start({ latencyMs: 1000 });
    await using _ = simulator;
    const channel = await withKey(simulator); // three commands, and the clock stands still
    expect(await run(simulator, channel, CODE.echo, 'aa')).toBe('aa');
    const signed = post(simulator.url, signRequest(channel));
    await clock.untilPending();
    expect(clock.nextInMs).toBe(1000);
    await clock.advance(1000);
    expect(channel.openReply((await signed).body).data).toHaveLength(64);
    expect(clock.pending).toBe(0);
  });

  test('can be changed while it runs', async () => {
    const { simulator } = await start({ latencyMs: 1000 });
    await using _ = simulator;
    simulator.switches.latencyMs = 0;
    const channel = await withKey(simulator);
    expect(await run(simulator, channel, CODE.signEddsa, '0064af82')).toHaveLength(128);
  });
});

describe('unplugging', () => {
  test('in the middle of a signature answers 500, and so does all that waits behind it', async () => {
    const { simulator, clock } = await start({ latencyMs: 115 });
    await using _ = simulator;
    const channel = await withKey(simulator);
    const signed = post(simulator.url, signRequest(channel));
    await clock.untilPending();
    const behind = post(simulator.url, ECHO);
    await untilWaiting(simulator, 2);
    expect(await turn(simulator.url, 'unplug')).toBe(200);
    expect([(await signed).status, (await behind).status]).toEqual([500, 500]);
  });

  test('ends all sessions, and leaves objects and one more boot in the log', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const channel = await withKey(simulator);
    simulator.switches.powerCycle();
    const lost = await post(simulator.url, signRequest(channel));
    expect(lost.body.toHex()).toBe('7f000103');
    const again = await openSession(simulator);
    expect(await run(simulator, again, CODE.signEddsa, '0064af82')).toHaveLength(128);
    expect(simulator.device.state.log.used).toBe(3);
  });

  test('twice is unplugging once, and plugging in what is plugged in does nothing', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const channel = await openSession(simulator);
    simulator.switches.plug();
    expect(await run(simulator, channel, CODE.echo, 'aa')).toBe('aa');
    simulator.switches.unplug();
    simulator.switches.unplug();
    simulator.switches.plug();
    expect((await post(simulator.url, ECHO)).status).toBe(200);
  });
});

describe('a stall', () => {
  test('takes requests and answers none; the switches and the status go on', async () => {
    const { simulator, clock } = await start();
    await using _ = simulator;
    expect(await turn(simulator.url, 'stall?ms=5000')).toBe(200);
    const echoed = post(simulator.url, ECHO);
    const asked = post(simulator.url, DEVICE_INFO);
    await untilWaiting(simulator, 2);
    expect((await exchange(`${simulator.url}/connector/status`)).status).toBe(200);
    expect(await turn(simulator.url, 'reset-sessions')).toBe(200);
    await clock.advance(4999);
    expect([await settledBy(echoed), await settledBy(asked)]).toEqual(['open', 'open']);
    await clock.advance(1);
    expect((await echoed).body.toHex()).toBe(ECHO_REPLY);
    expect((await asked).status).toBe(200);
  });

  test('is over for the requests of those who gave up as well: the device does them late', async () => {
    const { simulator, clock } = await start();
    await using _ = simulator;
    simulator.switches.stall(5000);
    const agent = new Agent();
    const gaveUp = post(simulator.url, hex('03000a00010000000000000000'), agent);
    await untilWaiting(simulator, 1);
    const behind = post(simulator.url, ECHO);
    await untilWaiting(simulator, 2);
    agent.destroy();
    await expect(gaveUp).rejects.toThrow();
    expect(simulator.device.sessionCount).toBe(0);
    await clock.advance(5000);
    await behind;
    expect(simulator.device.sessionCount).toBe(1);
  });

  test('holds back the answer that was on its way', async () => {
    const { simulator, clock } = await start({ latencyMs: 10 });
    await using _ = simulator;
    const channel = await withKey(simulator);
    const signed = post(simulator.url, signRequest(channel));
    await clock.untilPending();
    simulator.switches.stall(100);
    await clock.advance(99);
    expect(await settledBy(signed)).toBe('open');
    await clock.advance(1);
    expect((await signed).status).toBe(200);
  });

  test('is ended by another of 0 ms, and by pulling the plug', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    simulator.switches.stall(5000);
    const first = post(simulator.url, ECHO);
    await untilWaiting(simulator, 1);
    simulator.switches.stall(0);
    expect((await first).status).toBe(200);
    simulator.switches.stall(5000);
    const second = post(simulator.url, ECHO);
    const third = post(simulator.url, ECHO);
    await untilWaiting(simulator, 2);
    expect(await turn(simulator.url, 'unplug')).toBe(200);
    expect([(await second).status, (await third).status]).toEqual([500, 500]);
    simulator.switches.plug();
    expect((await post(simulator.url, ECHO)).status).toBe(200);
  });
});

describe('resetting sessions', () => {
  test('ends them and nothing else', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const channel = await withKey(simulator);
    expect(await turn(simulator.url, 'reset-sessions')).toBe(200);
    expect((await post(simulator.url, signRequest(channel))).body.toHex()).toBe('7f000103');
    expect(simulator.device.state.log.used).toBe(2);
  });
});

describe('ResetDevice', () => {
  test('leaves no device for as long as it takes to boot', async () => {
    const { simulator, clock } = await start({ rebootMs: 3000 });
    await using _ = simulator;
    const channel = await openSession(simulator);
    expect(await run(simulator, channel, CODE.resetDevice, '')).toBe('');
    expect((await post(simulator.url, ECHO)).status).toBe(500);
    await clock.advance(3000);
    expect((await post(simulator.url, ECHO)).status).toBe(200);
  });
});

describe('a wrong answer', () => {
  /** The answer to a signature, while the answer before it was another one. */
  async function signed(simulator: YubiHsmSimulator): Promise<HttpAnswer> {
    const channel = await withKey(simulator);
    return await post(simulator.url, signRequest(channel));
  }

  test.each([
    ['a flipped bit in the MAC', { kind: 'flipped-mac-bit' }, { flaw: 'mac' }],
    ['the reply before', { kind: 'replayed' }, { flaw: 'mac' }],
    ['half a reply', { kind: 'truncated' }, { flaw: 'frame' }],
    ['garbage', { kind: 'garbage' }, { flaw: 'frame' }],
    ['a forged error', { kind: 'outer-error', code: 0x0b }, { flaw: 'command' }],
  ] as const)('is noticed by the channel: %s', async (_what, answer, flaw) => {
    const { simulator } = await start();
    await using _ = simulator;
    const channel = await withKey(simulator);
    simulator.switches.answerWrongly({ answer });
    const { status, body } = await post(simulator.url, signRequest(channel));
    expect(status).toBe(200);
    expect(() => channel.openReply(body)).toThrow(expect.objectContaining(flaw));
  });

  test('is a signature with one bit changed, under a right MAC', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const channel = await withKey(simulator);
    const right = await run(simulator, channel, CODE.signEddsa, '0064af82');
    simulator.switches.answerWrongly({ answer: { kind: 'wrong-signature' } });
    expect(await run(simulator, channel, CODE.echo, 'aa')).toBe('aa');
    const wrong = await run(simulator, channel, CODE.signEddsa, '0064af82');
    expect(wrong.slice(0, -2)).toBe(right.slice(0, -2));
    expect(wrong).not.toBe(right);
    expect(await run(simulator, channel, CODE.signEddsa, '0064af82')).toBe(right);
  });

  test.each([
    ['HTTP 500', { kind: 'http-500' }, 500],
    ['HTTP 500 before the device', { kind: 'http-500', when: 'before' }, 500],
  ] as const)('is %s', async (_what, answer, status) => {
    const { simulator } = await start();
    await using _ = simulator;
    simulator.switches.answerWrongly({ answer });
    expect((await post(simulator.url, ECHO)).status).toBe(status);
    expect((await post(simulator.url, ECHO)).status).toBe(200);
  });

  test.each([
    ['in the middle of the reply', { kind: 'closed-mid-body' }],
    ['without a reply', { kind: 'closed' }],
    ['before the device has it', { kind: 'closed', when: 'before' }],
  ] as const)('is a connection that ends %s', async (_what, answer) => {
    const { simulator } = await start();
    await using _ = simulator;
    simulator.switches.answerWrongly({ answer });
    await expect(post(simulator.url, ECHO)).rejects.toThrow(/socket hang up|aborted/);
    expect((await post(simulator.url, ECHO)).status).toBe(200);
  });

  test('is silence, and the next frame is answered', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    simulator.switches.answerWrongly({ answer: { kind: 'silence' } });
    const agent = new Agent();
    const silent = post(simulator.url, ECHO, agent);
    while (simulator.switches.wrongAnswersLeft > 0) await settledBy(silent);
    expect((await post(simulator.url, ECHO)).status).toBe(200);
    agent.destroy();
    await expect(silent).rejects.toThrow();
  });

  test('comes after the device has done the command, unless it says before', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const createSession = hex('03000a00010000000000000000');
    simulator.switches.answerWrongly({ answer: { kind: 'http-500', when: 'before' } });
    await post(simulator.url, createSession);
    expect(simulator.device.sessionCount).toBe(0);
    simulator.switches.answerWrongly({ answer: { kind: 'http-500' } });
    await post(simulator.url, createSession);
    expect(simulator.device.sessionCount).toBe(1);
  });

  test('can wait for its command, let some pass, and be repeated', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const answer = { kind: 'http-500' } as const;
    simulator.switches.answerWrongly({ answer, command: CODE.signEddsa, skip: 1, times: 2 });
    const statuses: number[] = [];
    for (let times = 0; times < 5; times++) {
      const { status } = await signed(simulator).catch(() => ({ status: 0 }));
      statuses.push(status);
      simulator.device.factoryReset();
    }
    expect(statuses).toEqual([200, 500, 500, 200, 200]);
  });

  test('can be taken back', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    simulator.switches.answerWrongly({ answer: { kind: 'garbage' }, times: 9 });
    simulator.switches.answerRightly();
    expect((await post(simulator.url, ECHO)).body.toHex()).toBe(ECHO_REPLY);
  });
});

describe('another device', () => {
  test('shows another serial and another static key', async () => {
    const { simulator } = await start({ serial: 7550140 });
    await using _ = simulator;
    const ask = async (frame: string): Promise<string> =>
      (await post(simulator.url, hex(frame))).body.toHex();
    const [info, key] = [await ask('060000'), await ask('0a0000')];
    simulator.switches.changeSerial(7550141);
    expect((await ask('060000')).slice(12, 20)).toBe('007334bd');
    expect(info.slice(12, 20)).toBe('007334bc');
    expect(await ask('0a0000')).not.toBe(key);
  });

  test('may hold another key under the same id', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const channel = await withKey(simulator);
    const before = await run(simulator, channel, CODE.getPublicKey, '0064');
    simulator.switches.changeEd25519Key(0x64);
    expect(await run(simulator, channel, CODE.getPublicKey, '0064')).not.toBe(before);
  });
});

describe('connections', () => {
  test('are kept alive, without a word on how long', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await post(simulator.url, ECHO, agent);
    expect(first.headers['keep-alive']).toBeUndefined();
    expect((await post(simulator.url, ECHO, agent)).status).toBe(200);
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    agent.destroy();
  });

  test('that wait for a request can be closed, as the connector does after 5 s', async () => {
    const { simulator } = await start();
    await using _ = simulator;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await post(simulator.url, ECHO, agent);
    const [socket] = Object.values(agent.freeSockets).flat();
    const closed = new Promise((resolve) => socket?.once('close', resolve));
    simulator.switches.closeIdleConnections();
    await closed;
    agent.destroy();
  });
});

test('a device outlives its connector, and can be put behind another one', async () => {
  const { simulator } = await start();
  const { device, port } = simulator;
  const channel = await withKey(simulator);
  await simulator[Symbol.asyncDispose]();
  await expect(post(simulator.url, ECHO)).rejects.toThrow(/ECONNREFUSED/);
  await using next = await startYubiHsmSimulator({ device }, { port });
  expect(await run(next, channel, CODE.signEddsa, '0064af82')).toHaveLength(128);
});
