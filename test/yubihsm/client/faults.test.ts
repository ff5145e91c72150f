/** Faults at every frame, one at a time: never a wrong reply, never an encrypted frame twice, and then on. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ConnectorTimeoutError,
  ConnectorUnreachableError,
  GarbageReplyError,
  HttpStatusError,
  NoDeviceError,
  OversizeReplyError,
  ReplyLostError,
} from 'yubihsm/connector/connector-errors';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { type ClientRig, clientRig } from './client-rig.ts';
import { type FrameKind, failure, type SeenFrame, sign, signature } from './scripted-device.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

let cleanup: AsyncDisposableStack;
let rig: ClientRig;
beforeEach(() => {
  cleanup = new AsyncDisposableStack();
  rig = clientRig(cleanup);
});
afterEach(() => cleanup.disposeAsync());

type Fault = (frame: SeenFrame) => Uint8Array;

const fail =
  (error: Error): Fault =>
  () => {
    throw error;
  };
const change =
  (alter: (reply: Uint8Array) => Uint8Array): Fault =>
  (frame) =>
    alter(frame.answer().slice());

/** Faults that are no answer, and those that look like one. */
const FAULTS: readonly (readonly [string, Fault])[] = [
  ['is lost before the device sees it', fail(new ReplyLostError('memory', false))],
  [
    'loses its answer',
    (frame) => {
      frame.answer();
      throw new ReplyLostError('memory', true);
    },
  ],
  ['finds no connector', fail(new ConnectorUnreachableError('memory', 'ECONNREFUSED'))],
  ['finds no device (HTTP 500)', fail(new NoDeviceError('memory'))],
  ['gets another HTTP status', fail(new HttpStatusError('memory', 502))],
  ['gets no answer in time', fail(new ConnectorTimeoutError('memory', 5_000))],
  ['gets garbage', fail(new GarbageReplyError('memory', 'garbage'))],
  ['gets too long an answer', fail(new OversizeReplyError('memory', 3139))],
  ['gets an empty answer', change(() => new Uint8Array())],
  ['gets an answer without its last byte', change((reply) => reply.slice(0, -1))],
  ['gets an answer with a byte behind it', change((reply) => Uint8Array.of(...reply, 0))],
  ['gets an answer with another command', change((reply) => set(reply, 0, 0x81))],
  ['gets an answer with the last bit turned', change((reply) => set(reply, -1, 1))],
  ['gets itself as the answer', (frame) => frame.bytes],
  ['gets the error 06', () => failure(0x06)],
  ['gets an error of no byte', () => Uint8Array.of(0x7f, 0, 0)],
];

function set(bytes: Uint8Array, index: number, xor: number): Uint8Array {
  const at = index < 0 ? bytes.length + index : index;
  if (at >= 0 && at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ xor;
  return bytes;
}

/** Puts `fault` at the next frame of this kind, once. */
function inject(kind: FrameKind, fault: Fault): void {
  let isDone = false;
  rig.device.script = (frame) => {
    if (isDone || frame.kind !== kind) return frame.answer();
    isDone = true;
    return fault(frame);
  };
}

/** The outcome of asking for a signature: that it is the right one, or the code of the error. */
async function outcome(client: YubiHsmClient, text: string): Promise<string> {
  try {
    expect(await client.run(sign(text))).toEqual(signature(utf8(text)));
    return 'signed';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function expectNoFrameTwice(): void {
  const frames = rig.device.seen
    .filter(({ kind }) => kind !== 'plain')
    .map(({ bytes }) => bytes.toHex());
  expect(new Set(frames).size).toBe(frames.length);
}

describe('an encrypted command that', () => {
  test.each(FAULTS)(
    '%s is an error, and the next one is answered in a new session',
    async (_, fault) => {
      const client = await rig.open();
      await client.run(sign('before'));
      inject('session-message', fault);
      expect(await outcome(client, 'a vote')).toMatch(/^ERR_YUBIHSM_/);
      expect(await outcome(client, 'after')).toBe('signed');
      expect(rig.events).toEqual(['opened 0', expect.stringMatching(/^lost 0 ERR/), 'opened 1']);
      expect(
        rig.device.done.filter(({ data }) => data.toHex() === utf8('a vote').toHex()).length,
      ).toBeLessThanOrEqual(1);
      expectNoFrameTwice();
    },
  );
});

describe('the first frame of a session that', () => {
  test.each(FAULTS)('%s makes no client, and the next try does', async (_, fault) => {
    inject('create-session', fault);
    await expect(rig.open()).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_YUBIHSM_/),
    });
    await rig.open();
  });

  test.each(FAULTS)(
    '%s fails the command that needed it, and the next is answered',
    async (_, fault) => {
      const client = await rig.open();
      await rig.clock.advance(29_000);
      inject('create-session', fault);
      expect(await outcome(client, 'a vote')).toMatch(/^ERR_YUBIHSM_/);
      expect(await outcome(client, 'after')).toBe('signed');
      expectNoFrameTwice();
    },
  );
});

describe('the second frame of a session that', () => {
  const LOOKS_RIGHT = 'gets an answer with the last bit turned';
  test.each(FAULTS.filter(([name]) => name !== LOOKS_RIGHT))(
    '%s fails the command that needed it, and the next is answered',
    async (_, fault) => {
      const client = await rig.open();
      await rig.clock.advance(29_000);
      inject('authenticate-session', fault);
      expect(await outcome(client, 'a vote')).toMatch(/^ERR_YUBIHSM_/);
      expect(await outcome(client, 'after')).toBe('signed');
      expectNoFrameTwice();
    },
  );

  test('is answered by somebody else, as if all were well, is found out at the first command', async () => {
    const client = await rig.open();
    await rig.clock.advance(29_000);
    inject('authenticate-session', () => Uint8Array.of(0x84, 0, 0));
    expect(await outcome(client, 'a vote')).toBe('signed');
    expect(rig.device.kinds.filter((kind) => kind === 'create-session')).toHaveLength(3);
  });
});

describe('every single bit', () => {
  test('of the answer to a signature matters', async () => {
    const client = await rig.open({ maxCommandsPerSession: 1_000 });
    let length = 1;
    for (let bit = 0; bit < length * 8; bit += 7) {
      // A session each: the limit on opening them is on the clock.
      await rig.clock.advance(1_000);
      inject(
        'session-message',
        change((reply) => {
          length = reply.length;
          return set(reply, bit >>> 3, 1 << (bit & 7));
        }),
      );
      expect(await outcome(client, 'a vote')).toBe('ERR_YUBIHSM_UNTRUSTED_MESSAGE');
    }
    expect(length).toBeGreaterThan(64);
  });
});

describe('a connector that replays', () => {
  test('the answer to the command before is found out', async () => {
    const client = await rig.open();
    const replies: Uint8Array[] = [];
    rig.device.script = (frame) => {
      const reply = frame.answer();
      replies.push(reply);
      return replies.length === 2 ? (replies[0] ?? reply) : reply;
    };
    expect(await outcome(client, 'one vote')).toBe('signed');
    expect(await outcome(client, 'other vote')).toBe('ERR_YUBIHSM_UNTRUSTED_MESSAGE');
  });

  test('a whole earlier session finds that its answers do not fit', async () => {
    const recorded: Uint8Array[] = [];
    rig.device.script = (frame) => {
      const reply = frame.answer();
      recorded.push(reply);
      return reply;
    };
    const client = await rig.open();
    await client.run(sign('a vote'));
    await client[Symbol.asyncDispose]();
    const replay = recorded.values();
    rig.device.script = () => replay.next().value ?? failure(0x03);
    await expect(rig.open()).rejects.toMatchObject({ code: 'ERR_YUBIHSM_WRONG_CREDENTIALS' });
  });
});

describe('a late answer', () => {
  test('to a command that was given up is never taken for the answer to another', async () => {
    const client = await rig.open();
    const held = Promise.withResolvers<Uint8Array>();
    const late: Uint8Array[] = [];
    rig.device.script = (frame) => {
      if (frame.kind !== 'session-message') return frame.answer();
      late.push(frame.answer());
      // The first is held back; the second gets the answer to the first.
      return late.length === 1 ? held.promise : (late[0] ?? failure(0));
    };
    const caller = new AbortController();
    const reason = new Error('no node waits any more');
    const first = client.run(sign('one vote'), { signal: caller.signal });
    await rig.device.untilSeen(3);
    caller.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect(await outcome(client, 'other vote')).toBe('ERR_YUBIHSM_UNTRUSTED_MESSAGE');
    held.resolve(late[0] ?? failure(0));
    rig.device.script = (frame) => frame.answer();
    expect(await outcome(client, 'other vote')).toBe('signed');
    expectNoFrameTwice();
  });
});
