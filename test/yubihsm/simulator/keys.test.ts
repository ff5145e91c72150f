/** What keys on the device compute, checked by OpenSSL and by published values. */
import {
  constants,
  createECDH,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { opensslVerifies } from '../../harness/independent-ed25519.ts';
import { ecSpki } from '../../harness/yubihsm-sim/crypto/ec-key.ts';
import { CURVES } from '../../harness/yubihsm-sim/device/algorithm.ts';
import { hex } from '../channel/vectors.ts';
import { RFC_8032 } from '../known-bytes.ts';
import {
  ALL,
  byte,
  CODE,
  DeviceUnderTest,
  error,
  params,
  type RawSession,
  word,
} from './raw-session.ts';

const ED25519 = 46;
const P256 = 12;
const ID = '0064';

function put(session: RawSession, algorithm: number, key: Uint8Array): void {
  const text = params({ id: 0x64, capabilities: ALL, algorithm });
  session.data(CODE.putAsymmetricKey, text + key.toHex());
}

function generate(session: RawSession, algorithm: number): void {
  session.data(CODE.generateAsymmetricKey, params({ id: 0x64, capabilities: ALL, algorithm }));
}

describe('Ed25519', () => {
  test.each(RFC_8032)('signs as RFC 8032 has it: $name', (vector) => {
    const session = new DeviceUnderTest().open();
    put(session, ED25519, vector.seed);
    expect(session.data(CODE.getPublicKey, ID)).toEqual(
      Uint8Array.of(ED25519, ...vector.publicKey),
    );
    expect(session.data(CODE.signEddsa, ID + vector.message.toHex())).toEqual(vector.signature);
  });

  test('generates keys that differ, and sign', () => {
    const sessions = [0, 1].map(() => new DeviceUnderTest().open());
    const keys = sessions.map((session) => {
      generate(session, ED25519);
      return session.data(CODE.getPublicKey, ID).slice(1);
    });
    expect(keys[0]).not.toEqual(keys[1]);
    const message = Uint8Array.from(randomBytes(2019));
    const signature = sessions[0]?.data(CODE.signEddsa, ID + message.toHex()) ?? new Uint8Array();
    expect(opensslVerifies(keys[0] ?? new Uint8Array(), message, signature)).toBe(true);
  });

  test.each([
    ['a seed that is too short is 08', '11'.repeat(31), error(0x08)],
    ['a seed that is too long is 08', '11'.repeat(33), error(0x08)],
  ])('%s', (_what, seed, reply) => {
    const session = new DeviceUnderTest().open();
    const text = params({ id: 0x64, algorithm: ED25519 });
    expect(session.run(CODE.putAsymmetricKey, text + seed)).toBe(reply);
  });
});

describe('ECDSA', () => {
  test.each([...CURVES])('signs on curve %i digests of every length', (algorithm, curve) => {
    const session = new DeviceUnderTest().open();
    generate(session, algorithm);
    const point = session.data(CODE.getPublicKey, ID).slice(1);
    expect(point).toHaveLength(2 * curve.bytes);
    const key = createPublicKey({
      key: Buffer.from(ecSpki({ curve, scalar: new Uint8Array(), point })),
      format: 'der',
      type: 'spki',
    });
    for (const hash of ['sha1', 'sha224', 'sha256', 'sha384', 'sha512']) {
      const message = Buffer.from(hash);
      const digest = createHash(hash).update(message).digest('hex');
      const signature = session.data(CODE.signEcdsa, ID + digest);
      expect.soft(verify(hash, message, key, signature), hash).toBe(true);
    }
  });

  test('signs with another k each time', () => {
    const session = new DeviceUnderTest().open();
    generate(session, P256);
    const [first, second] = [0, 1].map(() => session.run(CODE.signEcdsa, ID + '11'.repeat(32)));
    expect(first).not.toBe(second);
  });

  test.each([
    ['a digest of 31 bytes is 08', CODE.signEcdsa, '11'.repeat(31), error(0x08)],
    ['an Ed25519 signature with such a key is 02', CODE.signEddsa, '11', error(0x02)],
  ])('%s', (_what, code, data, reply) => {
    const session = new DeviceUnderTest().open();
    generate(session, P256);
    expect(session.run(code, ID + data)).toBe(reply);
  });

  test.each([
    ['zero', '00'.repeat(32)],
    ['the order of the group', 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'],
  ])('a private key of %s is 02', (_what, scalar) => {
    const session = new DeviceUnderTest().open();
    const text = params({ id: 0x64, algorithm: P256 });
    expect(session.run(CODE.putAsymmetricKey, text + scalar)).toBe(error(0x02));
  });

  test('agrees on a secret with the other side (DeriveEcdh)', () => {
    const session = new DeviceUnderTest().open();
    generate(session, P256);
    const point = session.data(CODE.getPublicKey, ID).slice(1);
    const other = createECDH('prime256v1');
    const otherPoint = other.generateKeys('hex');
    const secret = other.computeSecret(Buffer.concat([Buffer.of(4), point]), null, 'hex');
    expect(session.data(CODE.deriveEcdh, ID + otherPoint).toHex()).toBe(secret);
    expect(session.run(CODE.deriveEcdh, `${ID}04${'11'.repeat(64)}`)).toBe(error(0x02));
  });
});

describe('RSA', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { p = '', q = '', n = '' } = privateKey.export({ format: 'jwk' });
  const bytes = (text: string): Uint8Array =>
    Uint8Array.fromBase64(text, { alphabet: 'base64url' });
  const publicKey: KeyObject = createPublicKey(privateKey);

  function withKey(): RawSession {
    const session = new DeviceUnderTest().open();
    put(session, 9, Uint8Array.from([...bytes(p), ...bytes(q)]));
    return session;
  }

  test('shows its modulus', () => {
    expect(withKey().data(CODE.getPublicKey, ID)).toEqual(Uint8Array.of(9, ...bytes(n)));
  });

  test('signs by PKCS #1 and by PSS', () => {
    const session = withKey();
    const message = Uint8Array.of(1, 2, 3);
    const digest = createHash('sha256').update(message).digest('hex');
    const pkcs1 = session.data(0x47, ID + digest);
    expect(verify('sha256', message, publicKey, pkcs1)).toBe(true);
    const pss = session.data(0x55, `${ID}21${word(32)}${digest}`);
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify('sha256', message, { key: publicKey, ...padding }, pss)).toBe(true);
  });

  test('decrypts by PKCS #1 and by OAEP', () => {
    const session = withKey();
    const secret = Uint8Array.of(7, 8, 9);
    const pkcs1 = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, secret);
    expect(session.data(0x49, ID + pkcs1.toString('hex'))).toEqual(secret);
    const oaep = publicEncrypt({ key: publicKey, oaepHash: 'sha256' }, secret).toString('hex');
    const label = createHash('sha256').digest('hex');
    expect(session.data(0x59, `${ID}21${oaep}${label}`)).toEqual(secret);
    expect(session.run(0x59, `${ID}21${oaep}${'00'.repeat(32)}`)).toBe(error(0x02));
    expect(session.run(0x49, ID + '11'.repeat(256))).toBe(error(0x02));
  });

  test('refuses primes that make no modulus of its length', () => {
    const session = new DeviceUnderTest().open();
    const text = params({ id: 0x64, algorithm: 9 });
    expect(session.run(CODE.putAsymmetricKey, text + '01'.repeat(256))).toBe(error(0x02));
  });
});

describe('HMAC', () => {
  test.each([
    // RFC 4231, test case 2.
    [20, '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    [
      22,
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554' +
        '9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
    ],
  ])('signs and verifies with algorithm %i', (algorithm, expected) => {
    const session = new DeviceUnderTest().open();
    const key = Buffer.from('Jefe').toString('hex');
    const data = Buffer.from('what do ya want for nothing?').toString('hex');
    session.data(CODE.putHmacKey, params({ id: 0x64, capabilities: ALL, algorithm }) + key);
    expect(session.data(CODE.signHmac, ID + data).toHex()).toBe(expected);
    expect(session.run(CODE.verifyHmac, ID + expected + data)).toBe('dc000101');
    expect(session.run(CODE.verifyHmac, `${ID}${expected}${data}00`)).toBe('dc000100');
  });
});

describe('an algorithm that is switched off', () => {
  test('is 12 for new keys, and can be switched on a fresh device only', () => {
    const session = new DeviceUnderTest().open();
    expect(session.run(CODE.setOption, `040002${byte(ED25519)}00`)).toBe('cf0000');
    const text = params({ id: 0x64, algorithm: ED25519 });
    expect(session.run(CODE.generateAsymmetricKey, text)).toBe(error(0x12));
    generate(session, P256);
    expect(session.run(CODE.setOption, `040002${byte(ED25519)}01`)).toBe(error(0x02));
  });
});

describe('a command that is not modelled, or that the firmware does not have', () => {
  test.each([
    ['SignSshCertificate', '2.4.1', 0x5d],
    ['PutPublicWrapKey', '2.3.9', 0x73],
    ['EncryptEcb', '2.2.0', 0x70],
    ['ChangeAuthenticationKey', '2.0.0', 0x6c],
    ['number 7e', '2.4.1', 0x7e],
  ])('is 01: %s on %s', (_name, version, code) => {
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    const simulation = new DeviceUnderTest({ firmware: { major, minor, patch } });
    expect(simulation.open().run(code, hex('00'))).toBe(error(0x01));
  });
});
