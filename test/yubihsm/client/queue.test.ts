import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectorTimeoutError, NoDeviceError } from 'yubihsm/connector/connector-errors';
import { type ClientRig, clientRig } from './client-rig.ts';
import { type SeenFrame, sign, signature } from './scripted-device.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const coded = (code: string, fields: object = {}): unknown =>
  expect.objectContaining({ code: `ERR_YUBIHSM_${code}`, ...fields });

let cleanup: AsyncDisposableStack;
let rig: ClientRig;
beforeEach(() => {
  cleanup = new AsyncDisposableStack();
  rig = clientRig(cleanup);
});
afterEach(() => cleanup.disposeAsync());

/** Lets the device hold encrypted commands back until the test releases them, one by one. */
function hold(): { release(): void; readonly held: number } {
  const waiting: { frame: SeenFrame; answered: PromiseWithResolvers<Uint8Array> }[] = [];
  rig.device.script = (frame) => {
    if (frame.kind !== 'session-message') return frame.answer();
    const answered = Promise.withResolvers<Uint8Array>();
    waiting.push({ frame, answered });
    return answered.promise;
  };
  return {
    get held() {
      return waiting.length;
    },
    release: () => {
      const next = waiting.shift();
      next?.answered.resolve(next.frame.answer());
    },
  };
}

const texts = (): readonly string[] =>
  rig.device.done.map(({ data }) => new TextDecoder().decode(data));

describe('commands in line', () => {
  test('are run one at a time, in the order they were asked for', async () => {
    const client = await rig.open();
    const device = hold();
    const answers = ['a', 'b', 'c'].map((text) => client.run(sign(text)));
    expect(client.queued).toBe(2);
    for (const [index, answer] of answers.entries()) {
      await rig.device.untilSeen(3 + index);
      expect(device.held).toBe(1);
      device.release();
      expect(await answer).toEqual(signature(utf8('abc'.charAt(index))));
    }
    expect(texts()).toEqual(['a', 'b', 'c']);
    expect(client.queued).toBe(0);
  });

  test('are turned away at once when the line is full', async () => {
    const client = await rig.open({ maxQueued: 2 });
    const device = hold();
    const answers = ['a', 'b', 'c'].map((text) => client.run(sign(text)));
    await expect(client.run(sign('d'))).rejects.toEqual(
      coded('QUEUE_FULL', { maxQueued: 2, mayHaveRun: false, remedy: 'wait' }),
    );
    for (const [index, answer] of answers.entries()) {
      await rig.device.untilSeen(3 + index);
      device.release();
      await answer;
    }
    expect(texts()).toEqual(['a', 'b', 'c']);
  });

  test('S28: have a limit for the line, and are never sent after it', async () => {
    const client = await rig.open();
    const device = hold();
    const first = client.run(sign('a'));
    const second = expect(client.run(sign('b'), { queueTimeoutMs: 300 })).rejects.toEqual(
      coded('QUEUE_TIMEOUT', { limitMs: 300, mayHaveRun: false }),
    );
    await rig.clock.advance(300);
    await second;
    device.release();
    await first;
    const third = client.run(sign('c'));
    await rig.device.untilSeen(4);
    device.release();
    await third;
    expect(texts()).toEqual(['a', 'c']);
  });

  test('S28: have another limit for the device, which runs from their turn on', async () => {
    const client = await rig.open();
    const device = hold();
    const limits = { commandTimeoutMs: 700, queueTimeoutMs: 4_000 };
    const answers = Array.from({ length: 16 }, (_, index) =>
      client.run(sign(`vote ${index}`), limits),
    );
    for (const [index, answer] of answers.entries()) {
      await rig.device.untilSeen(3 + index);
      // 16 signatures of 115 ms: 1.84 s in line for the last, and none is late.
      await rig.clock.advance(115);
      device.release();
      await answer;
    }
    expect(rig.clock.monotonicMs()).toBe(1_840);
  });

  test('whose caller has gone are never sent', async () => {
    const client = await rig.open();
    const device = hold();
    const first = client.run(sign('a'));
    const caller = new AbortController();
    const reason = new Error('no node waits any more');
    const second = client.run(sign('b'), { signal: caller.signal });
    caller.abort(reason);
    await expect(second).rejects.toBe(reason);
    await expect(client.run(sign('c'), { signal: caller.signal })).rejects.toBe(reason);
    device.release();
    await first;
    expect(texts()).toEqual(['a']);
    expect(client.queued).toBe(0);
  });

  test('leave no timer behind', async () => {
    const client = await rig.open();
    await Promise.all(['a', 'b', 'c'].map((text) => client.run(sign(text))));
    expect(rig.clock.pending).toBe(0);
  });
});

describe('a device that does not answer', () => {
  test('fails the command at its limit; it may have been done', async () => {
    const client = await rig.open();
    hold();
    const result = expect(client.run(sign('a'), { commandTimeoutMs: 700 })).rejects.toEqual(
      coded('COMMAND_TIMEOUT', { limitMs: 700, mayHaveRun: true, remedy: 'wait' }),
    );
    await rig.device.untilSeen(3);
    await rig.clock.advance(700);
    await result;
    expect(rig.events).toEqual(['opened 0', 'lost 0 ERR_YUBIHSM_COMMAND_TIMEOUT']);
  });

  test('is asked something free before it is asked for another session', async () => {
    const client = await rig.open();
    const device = hold();
    const first = client.run(sign('a'), { commandTimeoutMs: 700 }).catch(() => undefined);
    await rig.device.untilSeen(3);
    await rig.clock.advance(700);
    await first;

    // It goes on being silent: no session is asked for, however often somebody tries.
    rig.device.script = () => new Promise(() => undefined);
    for (let i = 0; i < 20; i++) {
      const next = expect(client.run(sign('a'), { commandTimeoutMs: 700 })).rejects.toEqual(
        coded('COMMAND_TIMEOUT', { mayHaveRun: false }),
      );
      await rig.device.untilSeen(4 + i);
      await rig.clock.advance(700);
      await next;
    }
    expect(rig.device.kinds.slice(3)).toEqual(Array(20).fill('plain'));

    rig.device.script = (frame) => frame.answer();
    await client.run(sign('a'));
    expect(rig.device.kinds.slice(23)).toEqual([
      'plain',
      'create-session',
      'authenticate-session',
      'session-message',
    ]);
    expect(device.held).toBe(1);
  });

  test('counts as answering when it refuses what it was asked, as simulators do', async () => {
    const client = await rig.open();
    rig.device.script = () => {
      throw new ConnectorTimeoutError('memory', 5_000);
    };
    await expect(client.run(sign('a'))).rejects.toEqual(coded('CONNECTOR_TIMEOUT'));
    rig.device.script = (frame) => {
      if (frame.kind === 'plain') throw new NoDeviceError('memory');
      return frame.answer();
    };
    await client.run(sign('a'));
    await client.run(sign('b'));
    expect(rig.device.kinds.filter((kind) => kind === 'plain')).toHaveLength(1);
  });

  test('does not keep a caller who gives up, and the session is left', async () => {
    const client = await rig.open();
    hold();
    const caller = new AbortController();
    const reason = new Error('no node waits any more');
    const first = client.run(sign('a'), { signal: caller.signal });
    await rig.device.untilSeen(3);
    caller.abort(reason);
    await expect(first).rejects.toBe(reason);
    rig.device.script = (frame) => frame.answer();
    expect(await client.run(sign('b'))).toEqual(signature(utf8('b')));
    expect(rig.device.done.map(({ sessionId }) => sessionId)).toEqual([1]);
  });

  test('fails the opening of a client in time', async () => {
    rig.device.script = () => new Promise(() => undefined);
    const opening = expect(rig.open({ commandTimeoutMs: 900 })).rejects.toEqual(
      coded('COMMAND_TIMEOUT', { mayHaveRun: false }),
    );
    await rig.device.untilSeen(1);
    await rig.clock.advance(900);
    await opening;
  });

  test('fails the opening of a client with its caller', async () => {
    rig.device.script = () => new Promise(() => undefined);
    const caller = new AbortController();
    const reason = new Error('stop');
    const opening = rig.open({ signal: caller.signal });
    await rig.device.untilSeen(1);
    caller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    expect(rig.clock.pending).toBe(0);
  });
});

describe('closing', () => {
  test('closes the session on the device', async () => {
    const client = await rig.open();
    await client[Symbol.asyncDispose]();
    await client[Symbol.asyncDispose]();
    expect(rig.device.done.map(({ code }) => code)).toEqual([0x40]);
    expect(rig.device.openSessions).toBe(0);
    const closed = coded('CLIENT_CLOSED', { mayHaveRun: false });
    await expect(client.run(sign('a'))).rejects.toEqual(closed);
    await expect(client.renewSession()).rejects.toEqual(closed);
  });

  test('lets the command under way finish, and turns away what waits', async () => {
    const client = await rig.open();
    const device = hold();
    const first = client.run(sign('a'));
    const second = expect(client.run(sign('b'))).rejects.toEqual(
      coded('CLIENT_CLOSED', { mayHaveRun: false }),
    );
    await rig.device.untilSeen(3);
    const closing = client[Symbol.asyncDispose]();
    await second;
    device.release();
    expect(await first).toEqual(signature(utf8('a')));
    await rig.device.untilSeen(4);
    device.release();
    await closing;
    expect(rig.device.done.map(({ code }) => code)).toEqual([0x6a, 0x40]);
    expect(rig.clock.pending).toBe(0);
  });

  test('does not wait for a device that hangs any longer than it may', async () => {
    const client = await rig.open({ closeTimeoutMs: 500 });
    hold();
    const first = expect(client.run(sign('a'))).rejects.toEqual(
      coded('CLIENT_CLOSED', { mayHaveRun: true }),
    );
    await rig.device.untilSeen(3);
    const closing = client[Symbol.asyncDispose]();
    await rig.clock.advance(500);
    await first;
    await closing;
    expect(rig.clock.pending).toBe(0);
  });

  test('does not wait for a device that hangs at the farewell either', async () => {
    const client = await rig.open({ closeTimeoutMs: 500 });
    hold();
    const closing = client[Symbol.asyncDispose]();
    await rig.device.untilSeen(3);
    await rig.clock.advance(500);
    await closing;
    expect(rig.clock.pending).toBe(0);
  });

  test('with a device that is gone throws nothing', async () => {
    const client = await rig.open();
    rig.device.script = () => {
      throw new NoDeviceError('memory');
    };
    await client[Symbol.asyncDispose]();
  });

  test('works with a line of no places', async () => {
    const client = await rig.open({ maxQueued: 0 });
    const device = hold();
    const first = client.run(sign('a'));
    await expect(client.run(sign('b'))).rejects.toEqual(coded('QUEUE_FULL'));
    await rig.device.untilSeen(3);
    const closing = client[Symbol.asyncDispose]();
    device.release();
    await first;
    await rig.device.untilSeen(4);
    device.release();
    await closing;
    expect(texts()).toEqual(['a', '']);
  });
});
