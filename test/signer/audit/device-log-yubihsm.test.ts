/** The drain over the whole stack: the provider's device, the secure channel, and a simulated YubiHSM. */

import { setUpDevice } from '@privval/hsm/provisioning/setup-device';
import { generateYubiHsmKey } from '@privval/hsm/provisioning/yubihsm-keys';
import type { SigningKey } from '@privval/hsm/signing-key';
import { YubiHsmDevice } from '@privval/hsm/yubihsm-provider/yubihsm-device';
import { YubiHsmProvider } from '@privval/hsm/yubihsm-provider/yubihsm-provider';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import { type Clock, systemClock } from '@privval/proto/runtime/clock';
import { DeviceLog } from '@privval/signer/audit/device-log';
import { DeviceLogDrain } from '@privval/signer/audit/device-log-drain';
import { verifyDeviceLog } from '@privval/signer/audit/verify-device-log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { MemoryConnector } from '../../harness/memory-connector.ts';
import { whilePassing } from '../../harness/passing-time.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';
import { OPTION } from '../../harness/yubihsm-sim/device/options.ts';

const KEY_ID = 0x64;
const REPORT = { uuid: 'u', hostname: 'h', username: 'n', software: 's' };
const SIGN_EDDSA = 0x6a;

let folder: ScratchFolder;
let connector: MemoryConnector;
/** The device's time; it stands still but where a test lets it pass. */
let deviceClock: ManualClock;
const logger = new RecordingLogger();

/** A device that is set up, with a key, that stops when its log is full. */
beforeEach(async () => {
  folder = new ScratchFolder();
  logger.lines.length = 0;
  deviceClock = new ManualClock();
  connector = MemoryConnector.fromFactory({ monotonicMs: () => deviceClock.monotonicMs() });
  const deps = { clock: systemClock, connect: async () => connector };
  const places = { folder: folder.join('device'), phrase: { kind: 'folder' } } as const;
  const request = { connector: 'memory', access: undefined, restoreFile: undefined };
  await setUpDevice(deps, { ...request, places, resetSerial: undefined, report: REPORT });
  await generateYubiHsmKey(deps, {
    connector: 'memory',
    authKeyId: 2,
    passwordFile: folder.join('device', 'operator.password'),
    id: KEY_ID,
    label: 'consensus',
    domains: [1],
    isExportable: true,
    backup: undefined,
    attestationFile: undefined,
  });
  audit([SIGN_EDDSA]);
});
afterEach(() => folder[Symbol.dispose]());

/** Turns force-audit on, and the logging of these commands. */
function audit(commands: readonly number[]): void {
  const { options } = connector.device.state;
  options.write(OPTION.forceAudit, Uint8Array.of(1), false);
  for (const command of commands) {
    options.write(OPTION.commandAudit, Uint8Array.of(command, 1), false);
  }
}

/** The device, opened as the validator's role. */
function openDevice(clock: Clock = systemClock): YubiHsmDevice {
  return new YubiHsmDevice(
    { clock, logger, connect: async () => connector },
    {
      connector: 'memory',
      authKeyId: 4,
      passwordFile: folder.join('device', 'validator.password'),
    },
  );
}

/** One life of a signer, as far as it has to do with the device. */
class Life implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  readonly log: DeviceLog;
  readonly drain: DeviceLogDrain;
  readonly #provider: YubiHsmProvider;

  constructor(clock: Clock = systemClock) {
    this.log = this.#resources.use(DeviceLog.open(folder.join('device-log.db')));
    const device = this.#resources.use(openDevice(clock));
    const deps = { log: this.log, device, clock, logger };
    this.drain = this.#resources.use(DeviceLogDrain.start(deps, { keyIds: [KEY_ID] }));
    device.keepLogWith(this.drain);
    this.#provider = new YubiHsmProvider({ device, clock }, { objectId: KEY_ID });
  }

  async key(): Promise<SigningKey> {
    return this.#resources.use(await this.#provider.openKey());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

async function sign(key: SigningKey, text: string): Promise<void> {
  const message = utf8Bytes(`\0${text}`);
  expect(verifyStrict(key.publicKey, message, await key.sign(message))).toBe(true);
}

function alarms(): readonly unknown[] {
  return logger.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields['code']);
}

describe('S31: a YubiHSM with force-audit', () => {
  test('signs hundreds of times, one after the other and eight at once', async () => {
    await using life = new Life();
    const key = await life.key();
    for (let i = 0; i < 150; i++) await sign(key, `one ${i}`);
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 8 }, (_, i) => sign(key, `many ${round} ${i}`)));
    }
    await life.drain.drain();
    expect(alarms()).toEqual([]);
    expect(verifyDeviceLog(life.log)).toMatchObject({ tampered: [], breaks: [] });
    expect(life.log.newestSeq).toBeGreaterThanOrEqual(310);
  });

  test('that logs every command signs as well: draining is logged, too', async () => {
    audit([0x03, 0x04, 0x06, 0x40, 0x48, 0x4d, 0x4e, 0x54, 0x67]);
    await using life = new Life();
    const key = await life.key();
    for (let i = 0; i < 200; i++) await sign(key, `one ${i}`);
    await life.drain.drain();
    expect(alarms()).toEqual([]);
    expect(verifyDeviceLog(life.log).breaks).toEqual([]);
  });

  test('whose log is full already when the signer starts is drained, and signs', async () => {
    audit([0x06, 0x4e, 0x54]);
    const { log } = connector.device.state;
    const ids = { sessionKey: 0xffff, targetKey: 0xffff, secondKey: 0xffff };
    while (log.add({ command: 0x7e, length: 0, ...ids, result: 0xfe, tick: 0 }, true));
    await using life = new Life();
    await sign(await life.key(), 'the first');
    expect(alarms()).toEqual([]);
    expect(life.log.newestSeq).toBeGreaterThan(50);
  });

  test('is without an alarm over lives that end in good order', async () => {
    for (let i = 0; i < 3; i++) {
      await using life = new Life();
      const key = await life.key();
      for (let j = 0; j < 25; j++) await sign(key, `${i} ${j}`);
    }
    expect(alarms()).toEqual([]);
  });

  test('signed by somebody else while nobody served: an alarm at the next start', async () => {
    {
      await using life = new Life();
      await sign(await life.key(), 'ours');
    }
    {
      await using device = openDevice();
      const stranger = new YubiHsmProvider({ device, clock: systemClock }, { objectId: KEY_ID });
      await using key = await stranger.openKey();
      await sign(key, 'not ours');
    }
    await using life = new Life();
    await life.drain.drain();
    expect(alarms()).toEqual(['ERR_DEVICE_SIGNATURE_EXTRA']);
  });

  test('behind a way that loses frames is never misjudged, and never stops (seed 7)', async () => {
    const random = new SeededRandom(7);
    {
      await using life = new Life(deviceClock);
      const key = await life.key();
      let failed = 0;
      connector.loss = () => {
        if (random.uniform() > 0.03) return undefined;
        return random.uniform() < 0.5 ? 'before' : 'after';
      };
      for (let i = 0; i < 300; i++) {
        const { error } = await whilePassing(deviceClock, sign(key, `one ${i}`));
        if (error !== undefined) failed += 1;
        // As a validator asks; a lost session holds its place in the device for 30 s.
        await deviceClock.advance(2_000);
      }
      expect(failed).toBeLessThan(30);
      connector.loss = undefined;
      await sign(key, 'the last');
      await life.drain.drain();
      expect(verifyDeviceLog(life.log)).toMatchObject({ tampered: [], breaks: [] });
    }
    expect(alarms()).toEqual([]);
  });
});
