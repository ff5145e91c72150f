import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { p256PublicKey } from 'yubihsm/channel/p256';
import { authenticationKeysFromPassword, privateKeyFromPassword } from 'yubihsm/channel/password';
import { deviceInfo, echo, getStorageInfo } from 'yubihsm/commands/device-commands';
import {
  NoDeviceError,
  ReplyLostError,
  StaleConnectionError,
} from 'yubihsm/connector/connector-errors';
import { type ClientRig, clientRig, DEFAULT_KEYS } from './client-rig.ts';
import { failure, sign, signature } from './scripted-device.ts';

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

describe('a session', () => {
  test('is opened with the client and carries its commands, whatever the device answers', async () => {
    const client = await rig.open();
    expect(rig.device.kinds).toEqual(['create-session', 'authenticate-session']);
    expect(await client.run(echo(utf8('hello')))).toEqual(utf8('hello'));
    await expect(client.run(getStorageInfo())).rejects.toEqual(
      coded('OBJECT_NOT_FOUND', { deviceCode: 0x0b, command: 'GetStorageInfo', mayHaveRun: false }),
    );
    expect(await client.run(sign('a vote'))).toEqual(signature(utf8('a vote')));
    expect(rig.device.kinds.slice(2)).toEqual(Array(3).fill('session-message'));
    expect(rig.events).toEqual(['opened 0']);
  });

  test('survives a reply that its command cannot read', async () => {
    const client = await rig.open();
    const unreadable = { ...echo(utf8('a')), data: utf8('b') };
    await expect(client.run(unreadable)).rejects.toEqual(
      coded('MALFORMED_REPLY', { mayHaveRun: true }),
    );
    await client.run(echo(utf8('c')));
    expect(rig.device.kinds.filter((kind) => kind === 'create-session')).toHaveLength(1);
  });

  test('may be of a password, or asymmetric', async () => {
    await rig.open({ credentials: { kind: 'password', password: utf8('password') } });
    const privateKey = privateKeyFromPassword(utf8('other'));
    rig.device.publicKeys.set(0x3f, p256PublicKey(privateKey));
    const devicePublicKey = p256PublicKey(rig.device.devicePrivateKey);
    const client = await rig.open({
      authKeyId: 0x3f,
      credentials: { kind: 'asymmetric', privateKey, devicePublicKey },
    });
    privateKey.fill(0);
    expect(await client.run(sign('a vote'))).toEqual(signature(utf8('a vote')));
    rig.device.restart();
    expect(await client.run(sign('a vote'))).toEqual(signature(utf8('a vote')));
  });

  test('asymmetric is refused when the device has another key than the one that is pinned', async () => {
    const privateKey = privateKeyFromPassword(utf8('other'));
    rig.device.publicKeys.set(0x3f, p256PublicKey(privateKey));
    const devicePublicKey = p256PublicKey(privateKey);
    const credentials = { kind: 'asymmetric', privateKey, devicePublicKey } as const;
    await expect(rig.open({ authKeyId: 0x3f, credentials })).rejects.toEqual(
      coded('WRONG_CREDENTIALS'),
    );
  });

  test('that was idle for 29 s is not used again, and no word of it sent', async () => {
    const client = await rig.open();
    await rig.clock.advance(28_999);
    await client.run(echo(utf8('a')));
    await rig.clock.advance(29_000);
    await client.run(echo(utf8('b')));
    expect(rig.device.done.map(({ sessionId, code }) => [sessionId, code])).toEqual([
      [0, 0x01],
      [1, 0x01],
    ]);
    expect(rig.events).toEqual(['opened 0', 'opened 1']);
  });

  test('is closed and renewed after so many commands', async () => {
    const client = await rig.open({ maxCommandsPerSession: 3 });
    for (let i = 0; i < 7; i++) await client.run(echo(utf8('a')));
    expect(rig.device.done.map(({ sessionId, code }) => `${sessionId}:${code}`)).toEqual([
      ...['0:1', '0:1', '0:1', '0:64'],
      ...['1:1', '1:1', '1:1', '1:64'],
      '2:1',
    ]);
  });

  test('is renewed when it is asked for', async () => {
    const client = await rig.open();
    await client.renewSession();
    await client.run(echo(utf8('a')));
    expect(rig.device.done.map(({ sessionId, code }) => [sessionId, code])).toEqual([
      [0, 0x40],
      [1, 0x01],
    ]);
    expect(rig.device.openSessions).toBe(1);
  });
});

describe('a session that the device has ended', () => {
  test.each([0x03, 0x04])(
    '(error %i) is replaced, and the command sent once more as a new message',
    async (code) => {
      const client = await rig.open();
      rig.device.script = (frame) => {
        if (frame.kind === 'session-message' && frame.nth === 1) return failure(code);
        return frame.answer();
      };
      expect(await client.run(sign('a vote'))).toEqual(signature(utf8('a vote')));
      expect(rig.device.kinds.slice(2)).toEqual([
        'session-message',
        'create-session',
        'authenticate-session',
        'session-message',
      ]);
      const [, , first, , , second] = rig.device.seen;
      expect(second?.bytes).not.toEqual(first?.bytes);
      expect(rig.events).toEqual(['opened 0', 'lost 0 ERR_YUBIHSM_SESSION_LOST', 'opened 1']);
    },
  );

  test('is replaced once for a command, no more', async () => {
    const client = await rig.open();
    rig.device.script = (frame) =>
      frame.kind === 'session-message' ? failure(0x03) : frame.answer();
    await expect(client.run(sign('a vote'))).rejects.toEqual(
      coded('SESSION_LOST', { deviceCode: 3, mayHaveRun: true, remedy: 'wait' }),
    );
    expect(rig.device.kinds.filter((kind) => kind === 'session-message')).toHaveLength(2);
  });

  test('because the device was restarted costs the caller nothing', async () => {
    const client = await rig.open();
    rig.device.restart();
    expect(await client.run(sign('a vote'))).toEqual(signature(utf8('a vote')));
    expect(rig.device.done).toHaveLength(1);
  });

  test.each([0x01, 0x05, 0x06, 0x09, 0x0a, 0x0b, 0xff])(
    'by error %i in the plain, which is no word on the command, is not taken for one',
    async (code) => {
      const client = await rig.open();
      rig.device.script = (frame) =>
        frame.kind === 'session-message' ? failure(code) : frame.answer();
      await expect(client.run(sign('a vote'))).rejects.toEqual(
        coded('SESSION_LOST', { deviceCode: code, command: 'SignEddsa' }),
      );
      expect(rig.device.kinds.filter((kind) => kind === 'session-message')).toHaveLength(1);
      rig.device.script = (frame) => frame.answer();
      await client.run(sign('a vote'));
      expect(rig.events).toEqual(['opened 0', 'lost 0 ERR_YUBIHSM_SESSION_LOST', 'opened 1']);
    },
  );

  test('S30: a forged word of its end brings the same bytes to the device again, encrypted anew', async () => {
    const client = await rig.open();
    rig.device.script = (frame) => {
      const answer = frame.answer();
      return frame.kind === 'session-message' && frame.nth === 1 ? failure(0x03) : answer;
    };
    expect(await client.run(sign('a vote'))).toEqual(signature(utf8('a vote')));
    expect(rig.device.done.map(({ data }) => data)).toEqual([utf8('a vote'), utf8('a vote')]);
  });
});

describe('a connection that is known to have carried nothing', () => {
  test('costs the caller nothing, once', async () => {
    const client = await rig.open();
    rig.device.script = (frame) => {
      if (frame.kind === 'session-message' && frame.nth === 1) {
        throw new StaleConnectionError('memory', true);
      }
      return frame.answer();
    };
    expect(await client.run(sign('a vote'))).toEqual(signature(utf8('a vote')));
    expect(rig.device.done).toEqual([{ sessionId: 1, code: 0x6a, data: utf8('a vote') }]);
  });

  test('twice is an error', async () => {
    const client = await rig.open();
    rig.device.script = (frame) => {
      if (frame.kind === 'session-message') throw new StaleConnectionError('memory', true);
      return frame.answer();
    };
    await expect(client.run(sign('a vote'))).rejects.toEqual(
      coded('STALE_CONNECTION', { mayHaveRun: false }),
    );
    expect(rig.device.kinds.filter((kind) => kind === 'session-message')).toHaveLength(2);
  });
});

describe('credentials that are not right', () => {
  const wrong = {
    kind: 'keys',
    ...authenticationKeysFromPassword(utf8('passwort')),
  } as const;

  test('are tried once, and the device let know, so that it frees the session', async () => {
    await expect(rig.open({ credentials: wrong })).rejects.toEqual(
      coded('WRONG_CREDENTIALS', { remedy: 'restart', authKeyId: 1 }),
    );
    expect(rig.device.kinds).toEqual(['create-session', 'authenticate-session']);
    expect(rig.device.openSessions).toBe(0);
  });

  test('are not sent to a peer that breaks at them, where that is asked for', async () => {
    await expect(rig.open({ credentials: wrong, checkBeforeAuthenticating: true })).rejects.toEqual(
      coded('WRONG_CREDENTIALS'),
    );
    expect(rig.device.kinds).toEqual(['create-session']);
    const client = await rig.open({ checkBeforeAuthenticating: true });
    await client.run(echo(utf8('a')));
  });

  test('fail also when a forger says that they are right', async () => {
    rig.device.script = (frame) =>
      frame.kind === 'authenticate-session' ? Uint8Array.of(0x84, 0, 0) : frame.answer();
    await expect(rig.open({ credentials: wrong })).rejects.toEqual(coded('WRONG_CREDENTIALS'));
  });

  test('for a key that does not exist are tried once', async () => {
    await expect(rig.open({ authKeyId: 0x1234 })).rejects.toEqual(
      coded('AUTH_KEY_NOT_FOUND', { remedy: 'restart', deviceCode: 0x0b, authKeyId: 0x1234 }),
    );
    expect(rig.device.kinds).toEqual(['create-session']);
  });

  test('that were right before are a matter of the device, which an operator can put right', async () => {
    const client = await rig.open();
    rig.device.restart();
    rig.device.keys.set(1, authenticationKeysFromPassword(utf8('passwort')));
    await expect(client.run(sign('a vote'))).rejects.toEqual(
      coded('WRONG_CREDENTIALS', { remedy: 'repair' }),
    );
    rig.device.keys.delete(1);
    await expect(client.run(sign('a vote'))).rejects.toEqual(
      coded('AUTH_KEY_NOT_FOUND', { remedy: 'repair' }),
    );
    rig.device.keys.set(1, DEFAULT_KEYS);
    expect(await client.run(sign('a vote'))).toEqual(signature(utf8('a vote')));
  });

  test('are in nothing that shows the client', async () => {
    const client = await rig.open();
    const shown = inspect(client, { depth: 10, showHidden: true }) + JSON.stringify(client);
    expect(shown).not.toContain(DEFAULT_KEYS.encKey.toHex());
    expect(shown).not.toContain([...DEFAULT_KEYS.encKey].slice(0, 4).join(', '));
  });
});

describe('credentials that are given in Buffers', () => {
  test('are copied: neither side wipes those of the other', async () => {
    const encKey = Buffer.from(DEFAULT_KEYS.encKey);
    const macKey = Buffer.from(DEFAULT_KEYS.macKey);
    const client = await rig.open({ credentials: { kind: 'keys', encKey, macKey } });
    await client.renewSession();
    await client[Symbol.asyncDispose]();
    expect(new Uint8Array(encKey)).toEqual(DEFAULT_KEYS.encKey);
    const other = await rig.open({ credentials: { kind: 'keys', encKey, macKey } });
    encKey.fill(0);
    macKey.fill(0);
    await other.renewSession();
  });
});

describe('a device whose sessions are all in use', () => {
  test('is asked again after one to two seconds, as long as there is time', async () => {
    rig.device.script = (frame) =>
      frame.kind === 'create-session' && frame.nth < 3 ? failure(0x05) : frame.answer();
    const opening = rig.open({ commandTimeoutMs: 10_000 });
    for (const nth of [1, 2]) {
      await rig.device.untilSeen(nth);
      const askedAtMs = rig.clock.monotonicMs();
      while (rig.device.seen.length === nth) await rig.clock.advance(1);
      const waitedMs = rig.clock.monotonicMs() - askedAtMs;
      expect(waitedMs).toBeGreaterThanOrEqual(1_000);
      expect(waitedMs).toBeLessThanOrEqual(2_000);
    }
    await opening;
    expect(rig.device.kinds).toEqual([...Array(3).fill('create-session'), 'authenticate-session']);
  });

  test('is an error in the end, before the time is up and not after it', async () => {
    rig.device.script = () => failure(0x05);
    const opening = expect(rig.open({ commandTimeoutMs: 5_000 })).rejects.toEqual(
      coded('SESSIONS_FULL', { deviceCode: 5, remedy: 'wait' }),
    );
    for (let i = 0; i < 50; i++) await rig.clock.advance(100);
    await opening;
    expect(rig.device.seen.length).toBeGreaterThan(2);
    expect(rig.clock.monotonicMs()).toBeLessThanOrEqual(5_000);
  });

  test('is an error at once where there is no time to wait', async () => {
    rig.device.script = () => failure(0x05);
    await expect(rig.open({ commandTimeoutMs: 700 })).rejects.toEqual(coded('SESSIONS_FULL'));
    expect(rig.clock.monotonicMs()).toBe(0);
  });
});

describe('sessions that are lost again and again', () => {
  test('are opened eight at once, and then one a second', async () => {
    const client = await rig.open();
    rig.device.script = (frame) =>
      frame.kind === 'session-message' ? Uint8Array.of(0x85, 0, 0) : frame.answer();
    const untrusted = coded('UNTRUSTED_MESSAGE');
    for (let i = 0; i < 8; i++) {
      await expect(client.run(sign('a vote'))).rejects.toEqual(untrusted);
    }
    const options = { commandTimeoutMs: 700 };
    await expect(client.run(sign('a vote'), options)).rejects.toEqual(
      coded('SESSIONS_LOST_TOO_OFTEN', { remedy: 'wait', mayHaveRun: false }),
    );
    const slow = expect(client.run(sign('a vote'))).rejects.toEqual(untrusted);
    await rig.clock.advance(1_000);
    await slow;
    rig.device.script = (frame) => frame.answer();
    await rig.clock.advance(1_000);
    await client.run(sign('a vote'), options);
  });

  test('count also when it is not known whether they were opened', async () => {
    const client = await rig.open();
    rig.device.restart();
    rig.device.script = (frame) => {
      const answer = frame.answer();
      if (frame.kind === 'create-session') throw new ReplyLostError('memory', false);
      return answer;
    };
    for (let i = 0; i < 7; i++) {
      await expect(client.run(sign('a vote'))).rejects.toEqual(coded('REPLY_LOST'));
    }
    await expect(client.run(sign('a vote'), { commandTimeoutMs: 700 })).rejects.toEqual(
      coded('SESSIONS_LOST_TOO_OFTEN'),
    );
  });

  test('do not count where no device was there to open them', async () => {
    const client = await rig.open();
    rig.device.restart();
    rig.device.script = () => {
      throw new NoDeviceError('memory');
    };
    for (let i = 0; i < 20; i++) {
      await expect(client.run(sign('a vote'))).rejects.toEqual(coded('NO_DEVICE'));
    }
    rig.device.script = (frame) => frame.answer();
    await client.run(sign('a vote'));
  });
});

describe('a check of the device', () => {
  test('comes before anything else in each session', async () => {
    const serials: string[] = [];
    const client = await rig.open({
      checkDevice: async (run) => {
        serials.push((await run(deviceInfo())).serial);
      },
    });
    await client.run(sign('a vote'));
    rig.device.restart();
    rig.device.serial = 1;
    await client.run(sign('a vote'));
    expect(serials).toEqual(['0007550140', '0000000001']);
    expect(rig.device.done.map(({ code }) => code)).toEqual([0x06, 0x6a, 0x06, 0x6a]);
  });

  test('that fails closes the session, and nothing is run in it', async () => {
    let isRight = true;
    const objection = new Error('another device');
    const client = await rig.open({
      checkDevice: async () => {
        if (!isRight) throw objection;
      },
    });
    rig.device.restart();
    isRight = false;
    await expect(client.run(sign('a vote'))).rejects.toBe(objection);
    expect(rig.device.done.map(({ code }) => code)).toEqual([0x40]);
    expect(rig.device.openSessions).toBe(0);
    isRight = true;
    await client.run(sign('a vote'));
    expect(rig.events).toEqual(['opened 0', 'lost 0 ERR_YUBIHSM_SESSION_LOST', 'opened 2']);
  });

  test('that fails at the first session fails the opening of the client', async () => {
    const checkDevice = async (): Promise<void> => {
      throw new Error('another device');
    };
    await expect(rig.open({ checkDevice })).rejects.toThrow('another device');
    expect(rig.device.openSessions).toBe(0);
  });

  test('that never ends does so with the time of the command', async () => {
    const checkDevice = (): Promise<void> => new Promise(() => undefined);
    const opening = expect(rig.open({ checkDevice })).rejects.toEqual(
      coded('COMMAND_TIMEOUT', { mayHaveRun: false }),
    );
    await rig.device.untilSeen(2);
    await rig.clock.advance(5_000);
    await opening;
  });
});

describe('outside of a session', () => {
  test('commands travel as they are', async () => {
    const client = await rig.open();
    const { serial } = await client.runPlain(deviceInfo());
    expect(serial).toBe('0007550140');
    expect(rig.device.seen.at(-1)?.bytes).toEqual(Uint8Array.of(0x06, 0, 0));
  });

  test.each([
    ['an error of the device', failure(0x01), 'INVALID_COMMAND'],
    ['no frame', Uint8Array.of(0x86), 'GARBAGE_REPLY'],
    ['a reply to something else', Uint8Array.of(0x81, 0, 0), 'GARBAGE_REPLY'],
    ['a reply that cannot be', Uint8Array.of(0x86, 0, 0), 'MALFORMED_REPLY'],
  ])('%s is an error', async (_, answer, code) => {
    const client = await rig.open();
    rig.device.script = () => answer;
    await expect(client.runPlain(deviceInfo())).rejects.toEqual(coded(code));
  });
});

describe('the length of a command', () => {
  const long = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(7);

  test('up to 2021 bytes needs no look at the firmware', async () => {
    rig.device.firmware = [2, 2, 0];
    const client = await rig.open();
    await client.run(sign(long(2021)));
    expect(rig.device.done.map(({ code }) => code)).toEqual([0x6a]);
  });

  test('up to 3116 bytes is sent to firmware 2.4 and later, which is asked once in each session', async () => {
    const client = await rig.open();
    await client.run(sign(long(2022)));
    expect(await client.run(sign(long(3116)))).toEqual(signature(long(3116)));
    expect(rig.device.seen.at(-1)?.bytes.length).toBeLessThanOrEqual(3136);
    expect(rig.device.done.map(({ code }) => code)).toEqual([0x06, 0x6a, 0x6a]);
    rig.device.restart();
    rig.device.firmware = [2, 3, 1];
    await expect(client.run(sign(long(2022)))).rejects.toEqual(
      coded('MESSAGE_TOO_LONG', { limitBytes: 2021, actualBytes: 2022, firmware: '2.3.1' }),
    );
  });

  test('beyond that is refused without a word to the device', async () => {
    const client = await rig.open();
    const before = rig.device.seen.length;
    await expect(client.run(sign(long(3117)))).rejects.toEqual(
      coded('MESSAGE_TOO_LONG', { limitBytes: 3116, actualBytes: 3117, mayHaveRun: false }),
    );
    await expect(client.runPlain(echo(long(2022)))).rejects.toEqual(coded('MESSAGE_TOO_LONG'));
    expect(rig.device.seen).toHaveLength(before);
  });

  test('beyond 2021 bytes is refused for older firmware, and the session goes on', async () => {
    rig.device.firmware = [2, 3, 1];
    const client = await rig.open();
    await expect(client.run(sign(long(2022)))).rejects.toEqual(
      coded('MESSAGE_TOO_LONG', { message: expect.stringMatching(/2\.3\.1/) }),
    );
    await client.run(sign(long(2021)));
    expect(rig.events).toEqual(['opened 0']);
  });
});
