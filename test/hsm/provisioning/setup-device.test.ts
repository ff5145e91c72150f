import { pbkdf2Sync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { DeviceSecrets } from '@privval/hsm/provisioning/device-secrets';
import { ROLE_NAMES, ROLES } from '@privval/hsm/provisioning/roles';
import { type SetupRequest, setUpDevice } from '@privval/hsm/provisioning/setup-device';
import { planSetup } from '@privval/hsm/provisioning/setup-plan';
import { afterEach, describe, expect, test } from 'vitest';
import { capabilityBits } from 'yubihsm/objects/capability';
import { domainBits } from 'yubihsm/objects/domains';
import { ManualClock } from '../../harness/manual-clock.ts';
import { MemoryConnector } from '../../harness/memory-connector.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { OBJECT_TYPE } from '../../harness/yubihsm-sim/device/object-type.ts';

const FACTORY_ENC_KEY = '090b47dbed595654901dee1cc655e420';
const REPORT = { uuid: 'a-uuid', hostname: 'a-host', username: 'a-user', software: 'privval test' };
const IN_FOLDER = { kind: 'folder' } as const;

let folder = new ScratchFolder();
afterEach(() => {
  folder[Symbol.dispose]();
  folder = new ScratchFolder();
});

function setUp(connector: MemoryConnector, partial: Partial<SetupRequest> = {}) {
  const clock = new ManualClock({ nowMs: Date.UTC(2026, 2, 5, 20, 31, 7) });
  return setUpDevice(
    { clock, connect: async () => connector },
    {
      connector: 'memory',
      access: undefined,
      restoreFile: undefined,
      places: { folder: folder.join('device'), phrase: IN_FOLDER },
      resetSerial: undefined,
      report: REPORT,
      ...partial,
    },
  );
}

/** Every object: type, id, label, rights, domains, origin. */
function objectsOf({ device }: MemoryConnector): readonly string[] {
  return device.state.store
    .all()
    .map(({ type, id, label, capabilities, delegated, domains }) => {
      const text = Buffer.from(label).toString('latin1').replaceAll('\0', '');
      return `${type}/${id.toString(16)} ${text} ${hex(capabilities)} ${hex(delegated)} ${domains.toString(16)}`;
    })
    .sort();
}

function hex(bits: bigint): string {
  return bits.toString(16).padStart(16, '0');
}

/** The K-ENC of an authentication key, which shows whose password it takes. */
function encKeyOf({ device }: MemoryConnector, id: number): string | undefined {
  const material = device.state.store.get(OBJECT_TYPE.authenticationKey, id)?.material;
  return material?.kind === 'auth-symmetric' ? material.encKey.toHex() : undefined;
}

const COMPLETE = [
  '1/fffe privval setup report 0000000000000001 0000000000000000 ffff',
  '2/1 admin:2026-03-05T20:31:07Z ffffffffffffffff ffffffffffffffff ffff',
  '2/2 operator:2026-03-05T20:31:07Z 0000000401343019 ffffffffffffffff ffff',
  '2/3 auditor:2026-03-05T20:31:07Z 0000000001060001 0000000000000000 ffff',
  '2/4 validator:2026-03-05T20:31:07Z 0000000401000180 0000000000000000 1',
  '4/1 primary:2026-03-05T20:31:07Z 0000006000003000 ffffffffffffffff ffff',
];

describe('the roles (hsm.md 4.1)', () => {
  test.each([
    ['admin', 1, 'ffffffffffffffff', 'ffffffffffffffff', 0xffff],
    ['operator', 2, '0000000401343019', 'ffffffffffffffff', 0xffff],
    ['auditor', 3, '0000000001060001', '0000000000000000', 0xffff],
    ['validator', 4, '0000000401000180', '0000000000000000', 1],
  ] as const)(
    '%s is key %i with the rights of the table',
    (name, id, rights, delegated, domains) => {
      const role = ROLES[name];
      expect(role.authKeyId).toBe(id);
      expect(hex(capabilityBits(role.capabilities))).toBe(rights);
      expect(hex(capabilityBits(role.delegated))).toBe(delegated);
      expect(domainBits(role.domains)).toBe(domains);
    },
  );

  test('the plan removes the key of the factory before it makes anything worth guarding', () => {
    const kinds = planSetup({
      version: 1,
      device_serial_number: '0007550140',
      date: '2026-03-05T20:31:07Z',
      ...REPORT,
    }).map(({ kind }) => kind);
    expect(kinds).toEqual([
      'put-temporary-key',
      'delete-factory-key',
      'put-role',
      'put-role',
      'put-role',
      'put-role',
      'put-wrap-key',
      'put-report',
      'delete-temporary-key',
    ]);
  });
});

describe('setting a new device up', () => {
  test('leaves the roles, the wrap key and the report on it, and nothing of the factory', async () => {
    const connector = MemoryConnector.fromFactory();
    const outcome = await setUp(connector);
    expect(outcome).toMatchObject({ serial: '0007550140', wasReset: false });
    expect(objectsOf(connector)).toEqual(COMPLETE);
    expect(connector.device.sessionCount).toBe(0);
  });

  test('gives each role the password of the phrase, and the wrap key its bytes', async () => {
    const connector = MemoryConnector.fromFactory();
    await setUp(connector);
    using secrets = DeviceSecrets.fromPhraseFile(folder.join('device', 'recovery-phrase.txt'));
    for (const role of ROLE_NAMES) {
      const password = secrets.password(role).use((bytes) => Buffer.from(bytes).toString());
      const file = readFileSync(folder.join('device', `${role}.password`), 'utf8');
      expect(file).toBe(`${password}\n`);
      expect(encKeyOf(connector, ROLES[role].authKeyId)).toBe(encKeyFrom(password));
    }
    const wrap = connector.device.state.store.get(OBJECT_TYPE.wrapKey, 1)?.material;
    const wrapHex = readFileSync(folder.join('device', 'wrap-key.hex'), 'utf8').trim();
    expect(wrap).toEqual({ kind: 'bytes', bytes: Uint8Array.fromHex(wrapHex) });
  });

  test('a second device by the same phrase takes the same passwords and wrap key', async () => {
    const first = MemoryConnector.fromFactory();
    const second = MemoryConnector.fromFactory({ serial: 2 });
    await setUp(first);
    const restoreFile = folder.join('device', 'recovery-phrase.txt');
    const places = { folder: undefined, phrase: { kind: 'kept' } } as const;
    const outcome = await setUp(second, { restoreFile, places });
    expect(outcome).toMatchObject({ serial: '0000000002', files: [] });
    expect(objectsOf(second)).toEqual(COMPLETE);
    for (const id of [1, 2, 3, 4]) expect(encKeyOf(second, id)).toBe(encKeyOf(first, id));
  });

  test('two devices without a common phrase have nothing in common', async () => {
    const [first, second] = [MemoryConnector.fromFactory(), MemoryConnector.fromFactory()];
    await setUp(first);
    await setUp(second, { places: { folder: folder.join('other'), phrase: IN_FOLDER } });
    expect(encKeyOf(first, 2)).not.toBe(encKeyOf(second, 2));
  });

  test('the report on the device says who, when and with what, and nothing secret', async () => {
    const connector = MemoryConnector.fromFactory();
    await setUp(connector);
    const material = connector.device.state.store.get(OBJECT_TYPE.opaque, 0xfffe)?.material;
    const text = material?.kind === 'bytes' ? Buffer.from(material.bytes).toString() : '';
    expect(JSON.parse(text)).toEqual({
      version: 1,
      device_serial_number: '0007550140',
      date: '2026-03-05T20:31:07Z',
      ...REPORT,
    });
  });
});

describe('a device that is not blank', () => {
  /** Set up by somebody, and known by its admin's password. */
  async function used(): Promise<MemoryConnector> {
    const connector = MemoryConnector.fromFactory();
    await setUp(connector, { places: { folder: folder.join('old'), phrase: IN_FOLDER } });
    return connector;
  }
  const admin = () => ({ authKeyId: 1, passwordFile: folder.join('old', 'admin.password') });

  test('is refused when the password of the factory does not open it', async () => {
    const connector = await used();
    const before = objectsOf(connector);
    await expect(setUp(connector)).rejects.toMatchObject({
      code: 'ERR_DEVICE_NOT_BLANK',
      serial: '0007550140',
    });
    expect(objectsOf(connector)).toEqual(before);
    expect(existsSync(folder.join('device'))).toBe(false);
  });

  test('is refused when it holds something beside the key of the factory', async () => {
    const connector = MemoryConnector.fromFactory();
    const key = connector.device.state.store.get(OBJECT_TYPE.authenticationKey, 1);
    if (key === undefined) throw new TypeError('the factory put one there');
    connector.device.state.store.add({ ...key, id: 7 });
    const refused = setUp(connector);
    await expect(refused).rejects.toThrow('authentication-key 0x0007');
    await expect(refused).rejects.toMatchObject({ serial: '0007550140' });
    expect(existsSync(folder.join('device'))).toBe(false);
  });

  test('is refused when somebody opens it and does not say that it may be destroyed', async () => {
    const connector = await used();
    await expect(setUp(connector, { access: admin() })).rejects.toMatchObject({
      code: 'ERR_DEVICE_NOT_BLANK',
    });
  });

  test('is reset and set up when its serial is named', async () => {
    const connector = await used();
    const before = encKeyOf(connector, 2);
    const outcome = await setUp(connector, { access: admin(), resetSerial: '0007550140' });
    expect(outcome.wasReset).toBe(true);
    expect(objectsOf(connector)).toEqual(COMPLETE);
    expect(encKeyOf(connector, 2)).not.toBe(before);
  });

  test('is left alone when another serial is named', async () => {
    const connector = await used();
    const before = objectsOf(connector);
    await expect(
      setUp(connector, { access: admin(), resetSerial: '0000000009' }),
    ).rejects.toMatchObject({ code: 'ERR_ANOTHER_DEVICE', actual: '0007550140' });
    expect(objectsOf(connector)).toEqual(before);
  });

  test('is not reset by a key that may not', async () => {
    const connector = await used();
    const before = objectsOf(connector);
    const access = { authKeyId: 3, passwordFile: folder.join('old', 'auditor.password') };
    await expect(setUp(connector, { access, resetSerial: '0007550140' })).rejects.toMatchObject({
      code: 'ERR_YUBIHSM_INSUFFICIENT_PERMISSIONS',
    });
    expect(objectsOf(connector)).toEqual(before);
  });

  test('is found complete when it was set up by the same phrase', async () => {
    const connector = await used();
    const before = objectsOf(connector);
    const restoreFile = folder.join('old', 'recovery-phrase.txt');
    const places = { folder: undefined, phrase: { kind: 'kept' } } as const;
    await setUp(connector, { restoreFile, places });
    expect(objectsOf(connector)).toEqual(before);
  });
});

test('a blank device is set up by whoever names the factory’s own key and password', async () => {
  const connector = MemoryConnector.fromFactory();
  const passwordFile = folder.join('factory.password');
  writeFileSync(passwordFile, 'password\n', { mode: 0o600 });
  const outcome = await setUp(connector, { access: { authKeyId: 1, passwordFile } });
  expect(outcome.wasReset).toBe(false);
  expect(objectsOf(connector)).toEqual(COMPLETE);
});

describe('a setup that breaks off', () => {
  /** The frames of a whole one that change the device, those after them, and some others. */
  async function framesOfInterest(): Promise<readonly number[]> {
    const connector = MemoryConnector.fromFactory();
    const before: string[] = [];
    connector.loss = () => {
      before.push(objectsOf(connector).join());
      return undefined;
    };
    await setUp(connector, { places: { folder: folder.join('whole'), phrase: IN_FOLDER } });
    const changing = before.flatMap((objects, i) => (objects === before[i + 1] ? [] : [i + 1]));
    const others = before.map((_, i) => i + 1).filter((frame) => frame % 11 === 1);
    return [...new Set([...changing, ...changing.map((frame) => frame + 1), ...others])]
      .filter((frame) => frame <= connector.frames)
      .sort((a, b) => a - b);
  }

  test.each(['before', 'after'] as const)(
    'when frames are lost, the first of them %s it has reached the device, goes on by its phrase, and never guards anything with the factory’s key',
    async (loss) => {
      const frames = await framesOfInterest();
      expect(frames.length).toBeGreaterThan(15);
      for (const at of frames) {
        const connector = MemoryConnector.fromFactory();
        const out = folder.join(`${loss}-${at}`);
        const places = { folder: out, phrase: IN_FOLDER };
        // From this frame on the way to the device is gone.
        connector.loss = (frame) => (frame < at ? undefined : frame === at ? loss : 'before');
        const outcome = await setUp(connector, { places }).catch((error: unknown) => error);
        const hasFactoryKey = encKeyOf(connector, 1) === FACTORY_ENC_KEY;
        const guards = connector.device.state.store
          .all()
          .filter(({ type, id }) => type !== OBJECT_TYPE.authenticationKey || id < 0xfffe);
        if (hasFactoryKey) expect(guards).toHaveLength(1);
        if (outcome instanceof Error && outcome.name === 'SetupInterruptedError') {
          expect(outcome.message).toContain('--restore');
        }

        connector.loss = undefined;
        const phrase = `${out}/recovery-phrase.txt`;
        const restored = existsSync(phrase)
          ? {
              restoreFile: phrase,
              places: { folder: undefined, phrase: { kind: 'kept' } } as const,
            }
          : { places };
        await setUp(connector, restored);
        expect(objectsOf(connector)).toEqual(COMPLETE);
        expect(encKeyOf(connector, 1)).not.toBe(FACTORY_ENC_KEY);
      }
    },
  );

  test('says when the device still opens with the password that everybody knows', async () => {
    const connector = MemoryConnector.fromFactory();
    const { store } = connector.device.state;
    connector.loss = () =>
      store.get(OBJECT_TYPE.authenticationKey, 0xfffe) === undefined ? undefined : 'before';
    const broken = setUp(connector);
    await expect(broken).rejects.toMatchObject({ code: 'ERR_SETUP_INTERRUPTED' });
    await expect(broken).rejects.toThrow('password of the factory');
  });

  test('with another phrase is not gone on with', async () => {
    const connector = MemoryConnector.fromFactory();
    const { store } = connector.device.state;
    connector.loss = () =>
      store.get(OBJECT_TYPE.authenticationKey, 3) === undefined ? undefined : 'before';
    await expect(setUp(connector)).rejects.toMatchObject({ code: 'ERR_SETUP_INTERRUPTED' });
    connector.loss = undefined;
    await setUp(MemoryConnector.fromFactory(), {
      places: { folder: folder.join('other'), phrase: IN_FOLDER },
    });
    const restoreFile = folder.join('other', 'recovery-phrase.txt');
    const places = { folder: undefined, phrase: { kind: 'kept' } } as const;
    await expect(setUp(connector, { restoreFile, places })).rejects.toMatchObject({
      code: 'ERR_DEVICE_NOT_BLANK',
    });
  });
});

function encKeyFrom(password: string): string {
  return new Uint8Array(pbkdf2Sync(password, 'Yubico', 10_000, 16, 'sha256')).toHex();
}
