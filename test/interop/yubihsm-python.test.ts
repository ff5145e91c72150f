/**
 * Yubico's own Python client 3.1.2 against our simulated device: through every command that both have,
 * and Yubico's own tests of a device, as their package brings them.
 *
 * What the tests of a device skip here: FIPS mode, which the simulated device does not have. What
 * neither side has: SignSshCertificate.
 */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseFirmware } from '../harness/yubihsm-sim/device/firmware.ts';
import { startYubiHsmSimulator } from '../harness/yubihsm-sim/simulator.ts';
import { RFC_8032 } from '../yubihsm/known-bytes.ts';
import { peerBinary } from './peers/peers.ts';

const run = promisify(execFile);

const DRIVER = join(import.meta.dirname, 'yubihsm-python/drive.py');

const [RFC_TEST_1, , RFC_TEST_3] = RFC_8032.map((vector) => ({
  publicKey: vector.publicKey.toHex(),
  signature: vector.signature.toHex(),
}));

/** What the driver found, by part and by question. */
let found: Readonly<Record<string, Readonly<Record<string, unknown>>>>;

beforeAll(async () => {
  await using simulator = await startYubiHsmSimulator({}, { serial: 7550140 });
  const { stdout } = await run(peerBinary('yubihsm-python'), [DRIVER, simulator.url]);
  found = JSON.parse(stdout);
});

describe("Yubico's Python client", () => {
  it('learns what the device is, within a session and without', () => {
    expect(found['device']).toEqual({
      version: [2, 4, 1],
      serial: 7550140,
      logSize: 62,
      logUsed: 2,
      algorithms: 55,
      partNumber: 'SIMULATOR',
      storage: [256, 255, 1024, 1023, 126],
      randomBytes: 40,
      blink: 'ok',
      plainEcho: 'plain',
      longestEcho: 3000,
    });
  });

  it('opens sessions both ways, sixteen at most, and with the right keys only', () => {
    expect(found['sessions']).toEqual({
      asymmetricEcho: 'asymmetric',
      sixteenMore: 'SESSIONS_FULL',
      openedBeforeFull: 15,
      unknownKey: 'OBJECT_NOT_FOUND',
      wrongPassword: 'YubiHsmAuthenticationError',
      wrongPrivateKey: 'YubiHsmAuthenticationError',
      wrongDeviceKey: 'YubiHsmAuthenticationError',
      delete: 'ok',
    });
  });

  it('has with a key for signing that right, and no other', () => {
    expect(found['authentication_keys']).toEqual({
      lookAlike: 'YubiHsmAuthenticationError',
      signs: 'ok',
      otherDomain: 'OBJECT_NOT_FOUND',
      keyMayNot: 'INSUFFICIENT_PERMISSIONS',
      random: 'INSUFFICIENT_PERMISSIONS',
      deletes: 'INSUFFICIENT_PERMISSIONS',
      resets: 'INSUFFICIENT_PERMISSIONS',
      sees: [
        [1, 2],
        [4, 2],
        [0x64, 3],
        [0x66, 3],
      ],
      changeOwn: 'ok',
      changeOther: 'INVALID_ID',
      firstPassword: 'YubiHsmAuthenticationError',
      secondPassword: 'ok',
    });
  });

  it('gets signatures that verify', () => {
    expect(found['signatures']).toEqual({
      rfcPublicKey: RFC_TEST_3?.publicKey,
      rfcSignature: RFC_TEST_3?.signature,
      longMessageVerifies: true,
      p256: [true, true],
      secp256k1: [true, true],
      ecdsaByEd25519: 'INSUFFICIENT_PERMISSIONS',
      origins: [2, 1],
      // RFC 4231, test case 2.
      hmac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      hmacVerifies: [true, false],
    });
  });

  it('restores what other tools have wrapped, and reads what the device wraps', () => {
    const { plaintext, ...rest } = found['wrapping'] ?? {};
    expect(rest).toEqual({
      imported: [1, 3, 'validator', 1, 0x12],
      publicKey: RFC_TEST_1?.publicKey,
      signature: RFC_TEST_1?.signature,
      importOver: 'OBJECT_EXISTS',
      damaged: 'INVALID_DATA',
      restored: 'ok',
      signatureRestored: RFC_TEST_1?.signature,
      notExportable: 'INSUFFICIENT_PERMISSIONS',
      notDelegated: 'INSUFFICIENT_PERMISSIONS',
      otherWrapKey: 'INVALID_DATA',
      data: 'data',
    });
    // The header, with the origin of an object that came through a wrap, and the body of the fact sheet.
    expect(plaintext).toBe(
      '2a0000000000010100000100600001032e001276616c696461746f72' +
        '00'.repeat(31) +
        '4fe94d9006f020a5a3c080d96827fffd3c010ac0f12e7a42cb33284f86837c30' +
        '9b4f0afe280b746a778684e75442502057b7473a03f08f96f5a38e9287e01f8f' +
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    );
  });

  it('verifies the log, and is stopped by a full one until it is drained', () => {
    expect(found['log']).toEqual({
      first: [`0001${'ff'.repeat(14)}`, '0002000000ffff000000000000000000'],
      commands: Array(3).fill(['SIGN_EDDSA', 0x64, 0xea]),
      unlogged: [0, 0],
      whenFull: 'LOG_FULL',
      echoWhenFull: 'ok',
      sessionWhenFull: 'ok',
      drained: [62, 1],
      afterDraining: 'ok',
      rest: ['SET_LOG_INDEX', 'SIGN_EDDSA'],
      forceAudit: 'OFF',
      audited: [0x67, 0x6a],
      undoFixed: 'INVALID_DATA',
    });
  });

  it('stores, finds and loses objects, and reads errors by their codes', () => {
    expect(found['objects']).toEqual({
      sameData: true,
      info: ['🙂 label', 1900, 0xffff, 0],
      byLabel: [0x10],
      byDomain: [1, 0x10],
      byNothingElse: 0,
      again: 'OBJECT_EXISTS',
      reserved: 'INVALID_ID',
      gone: 'OBJECT_NOT_FOUND',
      sequence: 1,
      unknownCommand: 'INVALID_COMMAND',
      unknownOption: 'INVALID_DATA',
      shortCommand: 'WRONG_LENGTH',
    });
  });

  it('verifies an attestation of an Ed25519 key', () => {
    expect(found['attestation']).toEqual({
      verifies: true,
      sameKey: true,
      said: [[2, 4, 1], true, 1, 1, 0x100, 0x64, 'consensus'],
    });
  });

  it('leaves the device as it found it, and resets it', () => {
    expect(found['left']).toEqual([[1, 2]]);
    expect(found['reset']).toEqual({
      oldSession: 'closed',
      objects: 1,
      label: 'DEFAULT AUTHKEY CHANGE THIS ASAP',
      rights: '0xffffffffffffffff',
      audited: 0,
    });
  });
});

describe("Yubico's own tests of a device", () => {
  // Some need a later firmware than others, and the RSA ones take long: once is enough for those.
  it.each([
    { version: '2.4.1', only: 'not nothing', passed: 306, skipped: 4 },
    { version: '2.2.0', only: 'not rsa and not RSA', passed: 175, skipped: 40 },
  ])('are passed with firmware $version', async ({ version, only, passed, skipped }) => {
    await using simulator = await startYubiHsmSimulator({}, { firmware: parseFirmware(version) });
    const python = peerBinary('yubihsm-python');
    const tests = join(dirname(python), '../device-tests/tests/device');
    const flags = ['-q', '-p', 'no:cacheprovider', '--disable-warnings', '-k', only];
    const { stdout } = await run(
      python,
      ['-m', 'pytest', ...flags, '--backend', simulator.url, tests],
      { cwd: join(tests, '../..'), maxBuffer: 16 * 1024 * 1024 },
    );
    expect(stdout).toContain(`${passed} passed, ${skipped} skipped`);
  });
});
