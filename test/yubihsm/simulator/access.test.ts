/** Who may do what (3.1 of the sheet), row by row. */
import { describe, expect, test } from 'vitest';
import {
  ALL,
  bits,
  byte,
  CODE,
  DeviceUnderTest,
  error,
  long,
  openAs,
  type ParamsText,
  params,
  type RawSession,
  word,
} from './raw-session.ts';

const ED25519 = 46;
const SIGN_EDDSA = bits(0x08);
const GENERATE = bits(0x04);
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';

/** A device with an Ed25519 key 0x64 in the domains given, which may sign unless told otherwise. */
function withKey(key: Partial<ParamsText> = {}): DeviceUnderTest {
  const simulation = new DeviceUnderTest();
  const text = { id: 0x64, capabilities: SIGN_EDDSA, algorithm: ED25519, ...key };
  simulation.open().data(CODE.putAsymmetricKey, params(text) + SEED);
  return simulation;
}

describe('a signature needs sign-eddsa on both keys, and a domain in common', () => {
  test.each([
    ['both keys, the same domain', { domains: 1, capabilities: SIGN_EDDSA }, {}, 'signs'],
    [
      'both keys, one domain of many',
      { domains: 0x8000, capabilities: SIGN_EDDSA },
      { domains: 0x8001 },
      'signs',
    ],
    ['not on the authentication key', { domains: 1 }, {}, error(0x09)],
    [
      'not on the signing key',
      { domains: 1, capabilities: SIGN_EDDSA },
      { capabilities: 0n },
      error(0x09),
    ],
    [
      'no domain in common: the key is absent',
      { domains: 2, capabilities: SIGN_EDDSA },
      {},
      error(0x0b),
    ],
  ])('%s', (_what, rights, key, outcome) => {
    const session = openAs(withKey(key), { id: 2, ...rights });
    const reply = session.run(CODE.signEddsa, '0064af82');
    expect(reply.startsWith('ea0040') ? 'signs' : reply).toBe(outcome);
  });
});

describe('an object outside the domains is absent for', () => {
  const everything = { id: 2, domains: 0x0002, capabilities: ALL, delegated: ALL };

  test.each<[string, (session: RawSession) => string, string]>([
    ['GetObjectInfo', (session) => session.run(CODE.getObjectInfo, '006403'), error(0x0b)],
    ['GetPublicKey', (session) => session.run(CODE.getPublicKey, '0064'), error(0x0b)],
    ['DeleteObject', (session) => session.run(CODE.deleteObject, '006403'), error(0x0b)],
    ['ListObjects', (session) => session.run(CODE.listObjects, '0203'), 'c80000'],
    [
      'SignAttestationCertificate',
      (session) => session.run(CODE.signAttestationCertificate, '00640000'),
      error(0x0b),
    ],
  ])('%s', (_name, run, reply) => {
    expect(run(openAs(withKey(), everything))).toBe(reply);
  });

  test('but its id is taken', () => {
    const session = openAs(withKey(), everything);
    const again = params({ id: 0x64, domains: 2, algorithm: ED25519 });
    expect(session.run(CODE.generateAsymmetricKey, again)).toBe(error(0x11));
  });
});

describe('a new object', () => {
  test.each([
    ['holds what its creator may hand on', { capabilities: SIGN_EDDSA, domains: 1 }, 'made'],
    ['may be in fewer domains', { capabilities: 0n, domains: 2 }, 'made'],
    ['holds nothing more', { capabilities: SIGN_EDDSA | bits(0x10), domains: 1 }, error(0x09)],
    ['is in no other domain', { capabilities: SIGN_EDDSA, domains: 5 }, error(0x09)],
    ['is in some domain', { capabilities: SIGN_EDDSA, domains: 0 }, error(0x02)],
    ['has not the reserved id', { id: 0xffff, domains: 1 }, error(0x0c)],
  ])('%s', (_what, text, outcome) => {
    const session = openAs(new DeviceUnderTest(), {
      id: 2,
      domains: 3,
      capabilities: GENERATE,
      delegated: SIGN_EDDSA,
    });
    const reply = session.run(CODE.generateAsymmetricKey, params({ algorithm: ED25519, ...text }));
    expect(reply.startsWith('c60002') ? 'made' : reply).toBe(outcome);
  });

  test('that opens sessions can hand on no more than its creator', () => {
    const session = openAs(new DeviceUnderTest(), {
      id: 2,
      capabilities: bits(0x02),
      delegated: SIGN_EDDSA,
    });
    const put = (delegated: bigint): string =>
      session.run(
        CODE.putAuthenticationKey,
        params({ id: 3, algorithm: 38 }) + long(delegated) + '33'.repeat(32),
      );
    expect(put(bits(0x1c))).toBe(error(0x09));
    expect(put(SIGN_EDDSA)).toBe('c400020003');
  });
});

describe('every command with a capability is refused without it, before anything is read', () => {
  test.each([
    ['ResetDevice', 0x08, 0x1c],
    ['PutOpaque', 0x42, 0x01],
    ['GetOpaque', 0x43, 0x00],
    ['PutAuthenticationKey', 0x44, 0x02],
    ['PutAsymmetricKey', 0x45, 0x03],
    ['GenerateAsymmetricKey', 0x46, 0x04],
    ['SignPkcs1', 0x47, 0x05],
    ['DecryptPkcs1', 0x49, 0x09],
    ['ExportWrapped', 0x4a, 0x0c],
    ['ImportWrapped', 0x4b, 0x0d],
    ['PutWrapKey', 0x4c, 0x0e],
    ['GetLogEntries', 0x4d, 0x18],
    ['SetOption', 0x4f, 0x11],
    ['GetOption', 0x50, 0x12],
    ['GetPseudoRandom', 0x51, 0x13],
    ['PutHmacKey', 0x52, 0x14],
    ['SignHmac', 0x53, 0x16],
    ['SignPss', 0x55, 0x06],
    ['SignEcdsa', 0x56, 0x07],
    ['DeriveEcdh', 0x57, 0x0b],
    ['DecryptOaep', 0x59, 0x0a],
    ['GenerateHmacKey', 0x5a, 0x15],
    ['GenerateWrapKey', 0x5b, 0x0f],
    ['VerifyHmac', 0x5c, 0x17],
    ['PutTemplate', 0x5e, 0x1b],
    ['GetTemplate', 0x5f, 0x1a],
    ['DecryptOtp', 0x60, 0x1d],
    ['CreateOtpAead', 0x61, 0x1e],
    ['RandomizeOtpAead', 0x62, 0x1f],
    ['RewrapOtpAead', 0x63, 0x20],
    ['SignAttestationCertificate', 0x64, 0x22],
    ['PutOtpAeadKey', 0x65, 0x23],
    ['GenerateOtpAeadKey', 0x66, 0x24],
    ['SetLogIndex', 0x67, 0x18],
    ['WrapData', 0x68, 0x25],
    ['UnwrapData', 0x69, 0x26],
    ['SignEddsa', 0x6a, 0x08],
    ['ChangeAuthenticationKey', 0x6c, 0x2e],
    ['PutSymmetricKey', 0x6d, 0x2f],
    ['GenerateSymmetricKey', 0x6e, 0x30],
    ['DecryptEcb', 0x6f, 0x32],
    ['EncryptEcb', 0x70, 0x33],
    ['DecryptCbc', 0x71, 0x34],
    ['EncryptCbc', 0x72, 0x35],
    ['PutPublicWrapKey', 0x73, 0x36],
    ['GetRsaWrappedKey', 0x74, 0x0c],
    ['PutRsaWrappedKey', 0x75, 0x0d],
    ['ExportRsaWrapped', 0x76, 0x0c],
    ['ImportRsaWrapped', 0x77, 0x0d],
  ])('%s', (_name, code, bit) => {
    const simulation = new DeviceUnderTest();
    const without = openAs(simulation, { id: 2, capabilities: ALL & ~bits(bit) });
    const only = openAs(simulation, { id: 3, capabilities: bits(bit) });
    expect(without.run(code, '')).toBe(error(0x09));
    expect(only.run(code, '')).not.toBe(error(0x09));
  });

  test.each([
    ['Echo', 0x01, ''],
    ['DeviceInfo', 0x06, ''],
    ['CloseSession', 0x40, ''],
    ['GetStorageInfo', 0x41, ''],
    ['ListObjects', 0x48, ''],
    ['GetObjectInfo', 0x4e, '000202'],
    ['BlinkDevice', 0x6b, '01'],
  ])('%s needs none', (_name, code, data) => {
    const session = openAs(new DeviceUnderTest(), { id: 2 });
    expect(session.run(code, data).slice(0, 2)).toBe(byte(code | 0x80));
  });
});

describe('deleting needs the right for that type', () => {
  const makers: readonly [string, number, number, (session: RawSession) => Uint8Array][] = [
    ['opaque', 1, 0x27, (session) => session.data(0x42, `${params({ algorithm: 30 })}aa`)],
    [
      'authentication-key',
      2,
      0x28,
      (session) => session.data(0x44, params({ algorithm: 38 }) + long(0n) + '77'.repeat(32)),
    ],
    ['asymmetric-key', 3, 0x29, (session) => session.data(0x46, params({ algorithm: ED25519 }))],
    ['wrap-key', 4, 0x2a, (session) => session.data(0x5b, params({ algorithm: 42 }) + long(0n))],
    ['hmac-key', 5, 0x2b, (session) => session.data(0x5a, params({ algorithm: 20 }))],
    ['template', 6, 0x2c, (session) => session.data(0x5e, `${params({ algorithm: 36 })}aa`)],
    [
      'otp-aead-key',
      7,
      0x2d,
      (session) => session.data(0x66, `${params({ algorithm: 37 })}01020304`),
    ],
    ['symmetric-key', 8, 0x31, (session) => session.data(0x6e, params({ algorithm: 52 }))],
    [
      'public-wrap-key',
      9,
      0x37,
      (session) => session.data(0x73, params({ algorithm: 9 }) + long(0n) + 'c1'.repeat(256)),
    ],
  ];

  test.each(makers)('%s', (_type, type, bit, make) => {
    const simulation = new DeviceUnderTest();
    const id = make(simulation.open()).toHex();
    const without = openAs(simulation, { id: 2, capabilities: ALL & ~bits(bit) });
    const only = openAs(simulation, { id: 3, capabilities: bits(bit) });
    expect(without.run(CODE.deleteObject, id + byte(type))).toBe(error(0x09));
    expect(only.run(CODE.deleteObject, id + byte(type))).toBe('d80000');
    expect(only.run(CODE.deleteObject, id + byte(type))).toBe(error(0x0b));
  });
});

describe('the password of an authentication key', () => {
  const changed = `${byte(38)}${'44'.repeat(32)}`;

  test('is changed by its own session only', () => {
    const simulation = new DeviceUnderTest();
    const own = openAs(simulation, { id: 2, capabilities: bits(0x2e) });
    const other = openAs(simulation, { id: 3, capabilities: ALL });
    expect(other.run(CODE.changeAuthenticationKey, word(2) + changed)).toBe(error(0x0c));
    expect(own.run(CODE.changeAuthenticationKey, word(2) + changed)).toBe('ec00020002');
    const keys = { encKey: new Uint8Array(16).fill(0x44), macKey: new Uint8Array(16).fill(0x44) };
    expect(simulation.open(2, keys).run(CODE.echo)).toBe('810000');
  });

  test('of the wrong length is 08, and of another kind of key 02', () => {
    const own = openAs(new DeviceUnderTest(), { id: 2, capabilities: bits(0x2e) });
    const change = (data: string): string => own.run(CODE.changeAuthenticationKey, `0002${data}`);
    expect(change(`26${'44'.repeat(31)}`)).toBe(error(0x08));
    expect(change(`26${'44'.repeat(33)}`)).toBe(error(0x08));
    expect(change(`2e${'44'.repeat(32)}`)).toBe(error(0x02));
  });
});
