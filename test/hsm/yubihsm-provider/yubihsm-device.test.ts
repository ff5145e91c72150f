import { setImmediate as turn } from 'node:timers/promises';
import type { DeviceLogKeeper, YubiHsmDevice } from '@privval/hsm/yubihsm-provider/yubihsm-device';
import { describe, expect, test } from 'vitest';
import { deviceInfo } from 'yubihsm/commands/device-commands';
import { HttpConnector } from 'yubihsm/connector/http-connector';
import { opensslVerifies } from '../../harness/independent-ed25519.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import {
  AUTH_KEY_ID,
  KEY_ID,
  SERIAL,
  ValidatorDevice,
  type ValidatorDeviceOptions,
} from '../../harness/validator-device.ts';
import type { WrongAnswer } from '../../harness/yubihsm-sim/connector/wrong-answers.ts';
import { OPTION } from '../../harness/yubihsm-sim/device/options.ts';

const CREATE_SESSION = 0x03;
const SIGN_EDDSA = 0x6a;
const ONE = new Uint8Array([1]);
/** Audits every command of note by default. */
const FIRMWARE_2_2 = { major: 2, minor: 2, patch: 0 };
const DEFAULT_RIGHTS = ['sign-eddsa', 'get-log-entries'] as const;

/** A device, and the signer's end of it, on one clock that stands still. */
async function start(
  options: ValidatorDeviceOptions = {},
): Promise<
  AsyncDisposable & { place: ValidatorDevice; device: YubiHsmDevice; clock: ManualClock }
> {
  const clock = new ManualClock();
  const place = await ValidatorDevice.start({ clock, ...options });
  const device = place.connect({ serial: SERIAL });
  return {
    place,
    device,
    clock,
    [Symbol.asyncDispose]: async () => {
      await device[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** The messages of warnings. */
function warnings({ logger }: ValidatorDevice): readonly string[] {
  return logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
}

/** Signatures the device has made, by its log. */
function signaturesIn({ simulator }: ValidatorDevice): number {
  const bytes = simulator.device.state.log.read();
  let count = 0;
  for (let at = 5; at < bytes.length; at += 32) if (bytes[at + 2] === SIGN_EDDSA) count++;
  return count;
}

/** A full log stops the device from now on. */
function forceAudit({ simulator }: ValidatorDevice): void {
  simulator.device.state.options.write(OPTION.forceAudit, Uint8Array.of(1), false);
}

/** Drains as the signer's own keeper does, and counts. */
class Keeper implements DeviceLogKeeper {
  readonly counted = { asked: 0, answered: 0 };
  drains = 0;
  readonly #device: YubiHsmDevice;

  constructor(device: YubiHsmDevice) {
    this.#device = device;
    device.keepLogWith(this);
  }

  async drain(): Promise<void> {
    this.drains++;
    const { entries } = await this.#device.readLog();
    const last = entries.at(-1);
    if (last !== undefined) await this.#device.freeLog(last.number);
  }

  count(keyId: number, what: 'asked' | 'answered'): void {
    expect(keyId).toBe(KEY_ID);
    this.counted[what]++;
  }
}

describe('keys that share a device', () => {
  test('share a session and its opening, and close it when the device is closed', async () => {
    await using rig = await start();
    const { place, device } = rig;
    const providers = Array.from({ length: 8 }, () => place.provider(device));
    const keys = await Promise.all(providers.map((provider) => provider.openKey()));
    await Promise.all(keys.map((key) => key.sign(ONE)));
    expect(device.sessions).toBe(1);
    expect(place.simulator.device.sessionCount).toBe(1);
    await device[Symbol.asyncDispose]();
    expect(place.simulator.device.sessionCount).toBe(0);
    await expect(keys[0]?.sign(ONE)).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' });
  });

  test('are opened again in a session other than the one in which they were closed (S29)', async () => {
    await using rig = await start();
    const { place, device } = rig;
    const provider = place.provider(device);
    await (await provider.openKey())[Symbol.asyncDispose]();
    await using key = await provider.openKey();
    expect(device.sessions).toBe(2);
    expect(place.simulator.device.sessionCount).toBe(1);
    await key.sign(ONE);
  });

  test.each<[string, (place: ValidatorDevice) => void, string]>([
    [
      'another one has its id',
      ({ simulator }) => simulator.switches.changeEd25519Key(KEY_ID),
      'ERR_ANOTHER_KEY',
    ],
    [
      'it is gone',
      (place) => place.remove(place.change('key', () => ({}))),
      'ERR_DEVICE_KEY_MISSING',
    ],
  ])('do not sign in a session in which %s (S26)', async (_, change, code) => {
    await using rig = await start({ firmware: FIRMWARE_2_2 });
    const { place, device } = rig;
    const keys = [await place.provider(device).openKey(), await place.provider(device).openKey()];
    await keys[0]?.sign(ONE);
    change(place);
    place.simulator.switches.resetSessions();
    const [first, second] = await Promise.allSettled(keys.map((key) => key.sign(ONE)));
    expect(first).toMatchObject({ reason: { code } });
    expect(second).toMatchObject({ reason: { code } });
    await expect(keys[0]?.sign(ONE)).rejects.toMatchObject({ code: 'ERR_DEVICE_KEY_MISSING' });
    expect(signaturesIn(place)).toBe(1);
  });

  test('sign on when another key of the device is gone', async () => {
    await using rig = await start();
    const { place, device } = rig;
    const gone = await place.provider(device).openKey();
    const copy = place.change('key', () => ({}));
    place.restore({ ...copy, id: KEY_ID + 1 });
    const other = await place.provider(device, { objectId: KEY_ID + 1 }).openKey();
    place.remove(copy);
    place.simulator.switches.resetSessions();
    // Whoever opens the session is told; from the next one on each key stands for itself.
    await expect(other.sign(ONE)).rejects.toMatchObject({ code: 'ERR_DEVICE_KEY_MISSING' });
    expect(await other.sign(ONE)).toHaveLength(64);
    await expect(gone.sign(ONE)).rejects.toMatchObject({ code: 'ERR_DEVICE_KEY_MISSING' });
  });

  test('need one new session for all that were closed together (S29)', async () => {
    await using rig = await start();
    const { place, device } = rig;
    const providers = Array.from({ length: 8 }, () => place.provider(device));
    const keys = await Promise.all(providers.map((provider) => provider.openKey()));
    await Promise.all(keys.map((key) => key[Symbol.asyncDispose]()));
    await Promise.all(providers.map((provider) => provider.openKey()));
    expect(device.sessions).toBe(2);
  });

  test('leave no sessions behind, however often the device is pulled', async () => {
    await using rig = await start();
    const { place, device, clock } = rig;
    const provider = place.provider(device);
    for (let pull = 0; pull < 40; pull++) {
      const key = await provider.openKey();
      place.simulator.switches.powerCycle();
      await key.sign(ONE).catch(() => undefined);
      await key[Symbol.asyncDispose]();
      // Sessions may be opened so often in so long a time only.
      await clock.advance(5_000);
    }
    expect(place.simulator.device.sessionCount).toBeLessThanOrEqual(1);
  });
});

describe('which device it is', () => {
  test('is asked in each new session, before anything else: also when nobody knew that it was a new one (S26)', async () => {
    await using rig = await start();
    const { place, device, clock } = rig;
    await using key = await place.provider(device).openKey();
    await key.sign(ONE);
    // Nothing fails: the session ends for want of commands, and another device sits there by then.
    await clock.advance(31_000);
    place.simulator.switches.changeSerial(1_234_567);
    await expect(key.sign(ONE)).rejects.toMatchObject({ code: 'ERR_ANOTHER_DEVICE' });
    place.simulator.switches.changeSerial(Number(SERIAL));
    expect(await key.sign(ONE)).toHaveLength(64);
  });

  test('does not matter when no serial was given', async () => {
    await using place = await ValidatorDevice.start();
    await using device = place.connect();
    place.simulator.switches.changeSerial(1_234_567);
    await using key = await place.provider(device).openKey();
    expect(await key.sign(ONE)).toHaveLength(64);
  });
});

describe('a password that is refused', () => {
  test('is tried once, by whichever key comes first, and not again: each try holds a session (S26)', async () => {
    await using rig = await start();
    const { place, device } = rig;
    place.writePassword('wrong');
    const refused = { code: 'ERR_YUBIHSM_WRONG_CREDENTIALS', remedy: 'restart' };
    await expect(place.provider(device).openKey()).rejects.toMatchObject(refused);
    const before = place.simulator.device.state.log.used;
    for (let tries = 0; tries < 5; tries++) {
      await expect(place.provider(device).openKey()).rejects.toMatchObject(refused);
    }
    expect(place.simulator.device.state.log.used).toBe(before);
    expect(place.simulator.device.sessionCount).toBe(0);
  });

  test('is a device’s fault when it was good before: a reset, another device', async () => {
    await using rig = await start();
    const { place, device } = rig;
    await using key = await place.provider(device).openKey();
    const authKey = place.change('auth-key', () => ({
      material: {
        kind: 'auth-symmetric',
        encKey: new Uint8Array(16),
        macKey: new Uint8Array(16),
      },
    }));
    place.simulator.switches.resetSessions();
    await expect(key.sign(ONE)).rejects.toMatchObject({
      code: 'ERR_YUBIHSM_WRONG_CREDENTIALS',
      remedy: 'repair',
    });
    place.restore(authKey);
    expect(await key.sign(ONE)).toHaveLength(64);
  });
});

describe('a reply that is lost', () => {
  test.each<[string, WrongAnswer]>([
    ['on a connection that ends', { kind: 'closed' }],
    ['half-way', { kind: 'closed-mid-body' }],
    ['in an HTTP 500', { kind: 'http-500' }],
    ['in garbage', { kind: 'garbage' }],
    ['with a bad MAC', { kind: 'flipped-mac-bit' }],
    ['behind a replayed one', { kind: 'replayed' }],
    ['behind a forged error', { kind: 'outer-error', code: 0x09 }],
  ])('%s is asked for once more, over the same bytes (S30)', async (_, answer) => {
    await using rig = await start({ firmware: FIRMWARE_2_2 });
    const { place, device } = rig;
    const keeper = new Keeper(device);
    await using key = await place.provider(device).openKey();
    place.simulator.switches.answerWrongly({ answer, command: SIGN_EDDSA });
    const signature = await key.sign(ONE);
    expect(opensslVerifies(place.publicKey, ONE, signature)).toBe(true);
    expect(place.simulator.switches.wrongAnswersLeft).toBe(0);
    expect(signaturesIn(place)).toBe(2);
    expect(keeper.counted).toEqual({ asked: 2, answered: 1 });
    expect(device.sessions).toBe(2);
  });

  test('twice is a fault (S30)', async () => {
    await using rig = await start({ firmware: FIRMWARE_2_2 });
    const { place, device } = rig;
    await using key = await place.provider(device).openKey();
    const answer = { kind: 'closed' } as const;
    place.simulator.switches.answerWrongly({ answer, command: SIGN_EDDSA, times: 3 });
    await expect(key.sign(ONE)).rejects.toMatchObject({
      code: 'ERR_YUBIHSM_REPLY_LOST',
      remedy: 'wait',
      blamesKey: true,
    });
    expect(signaturesIn(place)).toBe(2);
  });

  test('at the deadline is not asked for again: the other device is waiting (S28)', async () => {
    await using rig = await start({ firmware: FIRMWARE_2_2 });
    const { place, device, clock } = rig;
    const keeper = new Keeper(device);
    await using key = await place.provider(device).openKey();
    place.simulator.switches.stall(60_000);
    let outcome: unknown;
    void key.sign(ONE).catch((error: unknown) => {
      outcome = error;
    });
    // The message is on its way when there is a deadline for it.
    for (let turns = 0; turns < 50; turns++) await turn();
    const startMs = clock.monotonicMs();
    while (outcome === undefined) await clock.advance(10);
    expect(outcome).toMatchObject({ code: 'ERR_YUBIHSM_COMMAND_TIMEOUT', remedy: 'wait' });
    expect(clock.monotonicMs() - startMs).toBe(700);
    expect(keeper.counted).toEqual({ asked: 1, answered: 0 });
  });

  test('for its MAC is a warning: it is a matter of security', async () => {
    await using rig = await start();
    const { place, device } = rig;
    await using key = await place.provider(device).openKey();
    place.simulator.switches.answerWrongly({ answer: { kind: 'flipped-mac-bit' } });
    await key.sign(ONE);
    expect(place.logger.named('a session with this device was lost')).toMatchObject([
      { level: 'warn', fields: { code: 'ERR_YUBIHSM_UNTRUSTED_MESSAGE' } },
    ]);
  });
});

describe('time in line', () => {
  test('has a limit of its own, which says nothing against the device (S28)', async () => {
    await using rig = await start();
    const { place, device, clock } = rig;
    await using key = await place.provider(device, { queueTimeoutMs: 100 }).openKey();
    place.simulator.switches.stall(60_000);
    const outcomes = Promise.allSettled([key.sign(ONE), key.sign(ONE)]);
    for (let turns = 0; turns < 50; turns++) await turn();
    await clock.advance(100);
    for (let ms = 0; ms < 700; ms += 50) await clock.advance(50);
    expect(await outcomes).toMatchObject([
      { reason: { code: 'ERR_YUBIHSM_COMMAND_TIMEOUT', blamesKey: true } },
      { reason: { code: 'ERR_YUBIHSM_QUEUE_TIMEOUT', blamesKey: false } },
    ]);
  });
});

describe('a device whose log is full, with force-audit on', () => {
  test('is drained by its keeper, and signs (S31)', async () => {
    await using rig = await start({ firmware: FIRMWARE_2_2 });
    const { place, device } = rig;
    forceAudit(place);
    const keeper = new Keeper(device);
    await using key = await place.provider(device).openKey();
    for (let signatures = 0; signatures < 200; signatures++) await key.sign(ONE);
    expect(keeper.drains).toBeGreaterThanOrEqual(3);
    expect(keeper.counted.answered).toBe(200);
  });

  test('is opened all the same, and the serial looked at as soon as it can be (S26, S31)', async () => {
    await using rig = await start({ firmware: FIRMWARE_2_2 });
    const { place, device } = rig;
    forceAudit(place);
    place.simulator.switches.fillLog();
    new Keeper(device);
    await using key = await place.provider(device).openKey();
    expect(await key.sign(ONE)).toHaveLength(64);
  });

  test('is not signed with while its serial could not be looked at (S26)', async () => {
    await using rig = await start({ firmware: FIRMWARE_2_2 });
    const { place, device } = rig;
    // DeviceInfo is among what is logged, so that a full log stops it too.
    const { options } = place.simulator.device.state;
    options.write(OPTION.commandAudit, Uint8Array.of(deviceInfo().code, 1), false);
    forceAudit(place);
    place.simulator.switches.fillLog();
    place.simulator.switches.changeSerial(1_234_567);
    new Keeper(device);
    await expect(place.provider(device).openKey()).rejects.toMatchObject({
      code: 'ERR_ANOTHER_DEVICE',
    });
    expect(signaturesIn(place)).toBe(0);
  });

  test('is a fault that says so where nobody drains it', async () => {
    await using rig = await start({ firmware: FIRMWARE_2_2 });
    const { place, device } = rig;
    await using key = await place.provider(device).openKey();
    forceAudit(place);
    place.simulator.switches.fillLog();
    await expect(key.sign(ONE)).rejects.toMatchObject({ code: 'ERR_YUBIHSM_LOG_FULL' });
  });
});

describe('what an operator should change is said once (S26)', () => {
  test.each<[string, ValidatorDeviceOptions, readonly RegExp[]]>([
    ['nothing', {}, []],
    [
      'rights beyond signing',
      { rights: [...DEFAULT_RIGHTS, 'export-wrapped'] },
      [/export-wrapped/],
    ],
    ['the factory’s password', { hasFactoryKey: true }, [/password of the factory/]],
  ])('%s', async (_, options, expected) => {
    await using rig = await start(options);
    const { place, device } = rig;
    const providers = [place.provider(device), place.provider(device)];
    for (let times = 0; times < 3; times++) {
      for (const provider of providers) await (await provider.openKey())[Symbol.asyncDispose]();
    }
    const said = warnings(place);
    expect(said).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(said[index]).toMatch(pattern);
    expect(place.simulator.device.sessionCount).toBe(1);
  });

  test.each([
    ['no authentication key 1', {}],
    ['one of an admin', { adminLabel: 'admin:2026-03-05T20:31:07Z' }],
  ])('the factory’s password is not tried where there is %s', async (_, options) => {
    await using place = await ValidatorDevice.start({ clock: new ManualClock(), ...options });
    const asked: number[] = [];
    await using device = place.connect({}, async (url) => {
      const connector = HttpConnector.open({ clock: place.clock }, { url });
      return {
        name: connector.name,
        transceive: (frame, wait) => {
          const [command, , , , authKeyId = 0] = frame;
          if (command === CREATE_SESSION) asked.push(authKeyId);
          return connector.transceive(frame, wait);
        },
        status: (wait) => connector.status(wait),
        [Symbol.asyncDispose]: () => connector[Symbol.asyncDispose](),
      };
    });
    await place.provider(device).openKey();
    expect(asked).toEqual([AUTH_KEY_ID]);
    expect(warnings(place)).toEqual([]);
  });

  test('force-audit without the right to drain', async () => {
    await using rig = await start({ rights: ['sign-eddsa', 'get-option'] });
    const { place, device } = rig;
    forceAudit(place);
    await place.provider(device).openKey();
    expect(warnings(place).join('\n')).toMatch(/lacks get-log-entries/);
  });
});
