import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { describe, expect, test } from 'vitest';
import { scriptedVote } from '../../harness/scripted-node.ts';
import { OBJECT_TYPE } from '../../harness/yubihsm-sim/device/object-type.ts';
import { forceAudit, putKey, signatureIn, voteUntilSigned, YubiHsmRig } from './yubihsm-rig.ts';

/** GenerateAsymmetricKey. */
const GENERATE = 0x46;

const SEED = new Uint8Array(32).fill(7);

/** Ids of the signing keys in a device. */
function keysIn(rig: YubiHsmRig, index = 0): readonly number[] {
  return rig
    .device(index)
    .device.state.store.all()
    .filter(({ type }) => type === OBJECT_TYPE.asymmetricKey)
    .map(({ id }) => id)
    .filter((id) => id !== 0);
}

describe('a validator whose key is in a YubiHSM', () => {
  test('is made by init, served, and signs heights while everything happens to the device', async () => {
    await using rig = await YubiHsmRig.create();
    const { exitCode, notes } = await rig.init(...rig.serving(), ...rig.generating);
    expect(notes).toBe('');
    expect(exitCode).toBe(0);
    const publicKey = await rig.publicKey();
    await using signer = await rig.serve();
    const connection = await rig.node.accept();
    const { switches } = rig.device();
    const signatures = new Set<string>();
    for (let height = 1n; height <= 24n; height++) {
      // Between two heights, and during one.
      if (height % 8n === 2n) switches.powerCycle();
      if (height % 8n === 4n) switches.resetSessions();
      if (height % 8n === 6n) switches.closeIdleConnections();
      const asked = voteUntilSigned(connection, publicKey, height);
      if (height % 8n === 0n) switches.powerCycle();
      if (height === 20n) switches.stall(900);
      signatures.add(Buffer.from(await asked).toString('hex'));
    }
    expect(signatures.size).toBe(24);
    expect(signer.status().validators).toMatchObject([
      { fault: undefined, floor: { height: 24n }, nodes: [{ state: 'serving' }] },
    ]);
  });

  test('answers with an error while the device is out, keeps the connection, and signs when it is back', async () => {
    await using rig = await YubiHsmRig.create();
    await rig.init(...rig.serving(), ...rig.generating);
    const publicKey = await rig.publicKey();
    await using signer = await rig.serve();
    const connection = await rig.node.accept();
    await voteUntilSigned(connection, publicKey, 1n);
    rig.device().switches.unplug();
    const refused = await connection.signVote(scriptedVote({ height: 2n }));
    expect(signatureIn(refused)).toBeUndefined();
    expect(signer.status().validators[0]).toMatchObject({
      fault: { remedy: 'wait' },
      providers: [{ state: 'out-of-service' }],
      nodes: [{ state: 'serving' }],
    });
    // Another block at the height that is promised: nothing but the first is ever signed there.
    const other = await connection.signVote(scriptedVote({ height: 2n, block: 2 }));
    expect(other).toMatchObject({ error: { description: expect.stringContaining('CONFLICTING') } });
    rig.device().switches.plug();
    await voteUntilSigned(connection, publicKey, 2n);
    await voteUntilSigned(connection, publicKey, 3n);
  });

  test('S28: signs with the other device when the first goes', async () => {
    await using rig = await YubiHsmRig.create(2);
    for (const device of rig.devices) await putKey(device, 0x64, SEED);
    const { exitCode } = await rig.init(
      ...rig.serving(),
      ...['--object-id', '0x64', '--floor-height', '0'],
      ...['--standby-connector', rig.device(1).url, '--standby-auth-key', '4'],
      ...['--standby-password-file', rig.validatorPassword],
    );
    expect(exitCode).toBe(0);
    const publicKey = await rig.publicKey();
    await using signer = await rig.serve();
    const connection = await rig.node.accept();
    await voteUntilSigned(connection, publicKey, 1n);
    const active = signer.status().validators[0]?.providers.findIndex(({ isActive }) => isActive);
    rig.device(active).switches.unplug();
    for (let height = 2n; height <= 5n; height++) {
      await voteUntilSigned(connection, publicKey, height);
    }
    expect(signer.status().validators[0]).toMatchObject({ fault: undefined });
    const states = signer.status().validators[0]?.providers.map(({ state }) => state);
    expect(states?.toSorted()).toEqual(['in-service', 'out-of-service']);
  });

  test('S31: goes on past the 62 places of a log that must be read', async () => {
    await using rig = await YubiHsmRig.create();
    await rig.init(...rig.serving(), ...rig.generating);
    const publicKey = await rig.publicKey();
    await forceAudit(rig.device());
    rig.device().switches.fillLog();
    await using _ = await rig.serve();
    const connection = await rig.node.accept();
    for (let height = 1n; height <= 70n; height++) {
      await voteUntilSigned(connection, publicKey, height);
    }
    expect(existsSync(rig.folder.join('home', 'device-log.db'))).toBe(true);
  });

  test('S18: has no password in its log, its status or its configuration', async () => {
    await using rig = await YubiHsmRig.create();
    const made = await rig.init(...rig.serving(), ...rig.generating);
    const publicKey = await rig.publicKey();
    await using signer = await rig.serve();
    await voteUntilSigned(await rig.node.accept(), publicKey, 1n);
    const said = [
      made.output,
      made.notes,
      JSON.stringify([rig.logger.lines, signer.status()], (_, value) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
      readFileSync(rig.folder.join('home', 'signer.toml'), 'utf8'),
    ].join('\n');
    expect(said).not.toContain('the validator’s');
    expect(said).not.toContain('the operator’s');
    expect(said).not.toContain('operator.pass');
  });
});

describe('S26: a start that cannot come to anything ends at once', () => {
  test.each<[string, (rig: YubiHsmRig) => unknown, string]>([
    [
      'the password is another one',
      (rig) => writeFileSync(rig.validatorPassword, 'wrong'),
      'ERR_YUBIHSM_WRONG_CREDENTIALS',
    ],
    [
      'there is no such authentication key',
      (rig) => replaceInConfig(rig, 'auth_key = 0x0004', 'auth_key = 0x0009'),
      'ERR_YUBIHSM_AUTH_KEY_NOT_FOUND',
    ],
    [
      'the key is not there',
      (rig) => replaceInConfig(rig, /object_id = .*/, 'object_id = 0x0fff'),
      'ERR_DEVICE_KEY_MISSING',
    ],
    [
      'S35: another key lies under its id',
      (rig) => rig.device().switches.changeEd25519Key(keysIn(rig)[0] ?? 0),
      'ERR_ANOTHER_KEY',
    ],
    [
      'another device answers',
      (rig) => {
        replaceInConfig(rig, 'auth_key', 'serial = "7550140"\nauth_key');
        rig.device().switches.changeSerial(1);
      },
      'ERR_ANOTHER_DEVICE',
    ],
    [
      'the authentication key may not sign',
      (rig) => {
        replaceInConfig(rig, 'auth_key = 0x0004', 'auth_key = 0x0002');
        writeFileSync(rig.validatorPassword, 'the operator’s');
      },
      'ERR_DEVICE_AUTH_KEY_UNSUITABLE',
    ],
  ])('when %s', async (_what, spoil, code) => {
    await using rig = await YubiHsmRig.create();
    await rig.init(...rig.serving(), ...rig.generating);
    await spoil(rig);
    const error = await rig.serve().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(errorCode(error)).toBe('ERR_NO_VALIDATOR_IN_SERVICE');
    expect((error as Error).message).toContain(code);
    expect((error as Error).message).not.toContain('within 30 s');
  });
});

describe('signer init on a YubiHSM', () => {
  test('warns when the key that serves may do more than sign', async () => {
    await using rig = await YubiHsmRig.create();
    const access = ['--provider', 'yubihsm', '--connector', rig.device().url, '--auth-key', '1'];
    const { exitCode, notes } = await rig.init(
      ...access,
      ...['--password-file', rig.factoryPassword, '--generate', '--object-id', '0x64'],
    );
    expect(exitCode).toBe(0);
    expect(notes).toContain('holds more than serving needs');
    expect(keysIn(rig)).toEqual([0x64]);
  });

  test('makes nothing with a key that may not make any', async () => {
    await using rig = await YubiHsmRig.create();
    const { exitCode, notes } = await rig.init(...rig.serving(), '--generate');
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_DEVICE_MAY_NOT_GENERATE');
    expect(keysIn(rig)).toEqual([]);
    expect(existsSync(rig.home)).toBe(false);
  });

  test('makes nothing for an authentication key that could not sign with it', async () => {
    await using rig = await YubiHsmRig.create();
    const access = ['--provider', 'yubihsm', '--connector', rig.device().url, '--auth-key', '2'];
    const flags = [...access, '--password-file', rig.operatorPassword, '--generate'];
    const { exitCode, notes } = await rig.init(...flags);
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_DEVICE_AUTH_KEY_UNSUITABLE');
    expect(keysIn(rig)).toEqual([]);
  });

  test('makes no key for a home that is there already', async () => {
    await using rig = await YubiHsmRig.create();
    await rig.init(...rig.serving(), ...rig.generating);
    const before = keysIn(rig);
    const { notes } = await rig.init(...rig.serving(), ...rig.generating);
    expect(notes).toContain('ERR_HOME_EXISTS');
    expect(keysIn(rig)).toEqual(before);
  });

  test('names the object that is left where the rights do not allow to delete it', async () => {
    await using rig = await YubiHsmRig.create();
    // The device makes the key and then hangs up on whoever wants to serve it.
    const { device, switches } = rig.device();
    device.filterReplies((command, message) => {
      if (command === GENERATE) queueMicrotask(() => switches.unplug());
      return message;
    });
    const { exitCode, notes } = await rig.init(...rig.serving(), ...rig.generating);
    expect(exitCode).toBe(1);
    const [left = 0] = keysIn(rig);
    expect(notes).toContain('ERR_GENERATED_KEY_LEFT');
    expect(notes).toContain(`object 0x${left.toString(16).padStart(4, '0')}`);
    expect(notes).toContain('delete-asymmetric-key');
    expect(existsSync(rig.home)).toBe(false);
  });

  test('pins a device by its serial when asked to', async () => {
    await using rig = await YubiHsmRig.create();
    const flags = [...rig.serving(), ...rig.generating];
    const wrong = await rig.init(...flags, '--serial', '1');
    expect(wrong.notes).toContain('ERR_ANOTHER_DEVICE');
    expect(keysIn(rig)).toEqual([]);
    expect((await rig.init(...flags, '--serial', '7550140')).exitCode).toBe(0);
  });
});

function replaceInConfig(rig: YubiHsmRig, from: string | RegExp, to: string): void {
  const text = readFileSync(rig.folder.join('home', 'signer.toml'), 'utf8');
  writeFileSync(rig.folder.join('home', 'signer.toml'), text.replace(from, to));
}
