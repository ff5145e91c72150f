/** Objects under wrap (3.9 of the sheet): the sheet's own blob, and what may be wrapped by what. */
import { createDecipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { opensslVerifies } from '../../harness/independent-ed25519.ts';
import { RFC_8032 } from '../known-bytes.ts';
import {
  ALL,
  bits,
  byte,
  CODE,
  DeviceUnderTest,
  error,
  long,
  openAs,
  params,
  type RawSession,
} from './raw-session.ts';

const WRAP_KEY = '21a6ca8cfd5dbe9c26320b5c4935ff1e63b9ab54e2dfe24f66677aba8852be13';
const HEADER =
  '2a0000000000010100000100600001032e000276616c696461746f7200000000000000000000000000000000000000000000000000000000000000';
const BODY =
  '4fe94d9006f020a5a3c080d96827fffd3c010ac0f12e7a42cb33284f86837c309b4f0afe280b746a778684e75442502057b7473a03f08f96f5a38e9287e01f8fd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const BLOB =
  '000102030405060708090a0b0c748d4e6af7fbefa643b64d5de01cfb849ff17fe0d6ddeba81979957ce3eb8409f1a9e9be13f4b9f244a9d8c7ae154b84927d408c4ab42f9e9b4d208233897f3df015ac54c1c3af5e44df1fe7402facbd437843a07e4eb3353008a2410f1eedbb334c4f72fd614839da12e2698877e313c9c1a6b961973f0a0aea5880c6ad4310983ea0bc3c3d7f9cc90b6e4bcdd6f9aa6f6b8280ed03034b239993b9a67c1db17e484974d2a7c47df0ce81';

const [RFC_TEST_1] = RFC_8032;
const SIGN_EDDSA = bits(0x08);
const EXPORTABLE = bits(0x10);
const EXPORT_IMPORT = bits(0x0c, 0x0d);

/** The wrap key of the sheet, under id 1. */
function putWrapKey(
  session: RawSession,
  rights: {
    readonly capabilities?: bigint;
    readonly delegated?: bigint;
    readonly id?: number;
  } = {},
): void {
  const { capabilities = EXPORT_IMPORT, delegated = ALL, id = 1 } = rights;
  session.data(
    CODE.putWrapKey,
    params({ id, capabilities, algorithm: 42 }) + long(delegated) + WRAP_KEY,
  );
}

/** The key of the sheet's blob, under id 1. */
function putKey(session: RawSession, capabilities: bigint = SIGN_EDDSA | EXPORTABLE): void {
  session.data(
    CODE.putAsymmetricKey,
    params({ id: 1, label: 'validator', capabilities, algorithm: 46 }) + RFC_TEST_1?.seed.toHex(),
  );
}

function unwrapped(blob: Uint8Array): string {
  const decipher = createDecipheriv(
    'aes-256-ccm',
    Buffer.from(WRAP_KEY, 'hex'),
    blob.slice(0, 13),
    {
      authTagLength: 16,
    },
  );
  decipher.setAuthTag(blob.slice(-16));
  const plain = decipher.update(blob.slice(13, -16)).toString('hex');
  decipher.final();
  return plain;
}

describe('the blob of the sheet', () => {
  test('is what an export with its nonce gives', () => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    putWrapKey(session);
    putKey(session);
    simulation.nextRandom.push(Uint8Array.fromHex('000102030405060708090a0b0c'));
    expect(session.data(CODE.exportWrapped, '0001030001').toHex()).toBe(BLOB);
  });

  test('is taken, and its key signs as its seed does, though the seed is not in it', () => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session);
    expect(session.run(CODE.importWrapped, `0001${BLOB}`)).toBe('cb0003030001');
    for (const { message, publicKey } of RFC_8032) {
      const signature = session.data(CODE.signEddsa, `0001${message.toHex()}`);
      const own = RFC_TEST_1?.publicKey ?? publicKey;
      expect(opensslVerifies(own, message, signature)).toBe(true);
    }
    expect(session.data(CODE.signEddsa, '0001')).toEqual(RFC_TEST_1?.signature);
  });

  test('keeps id, label, domains and capabilities, and 10 is or-ed into the origin', () => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session);
    putKey(session);
    const before = session.data(CODE.getObjectInfo, '000103');
    session.data(CODE.deleteObject, '000103');
    session.data(CODE.importWrapped, `0001${BLOB}`);
    const after = session.data(CODE.getObjectInfo, '000103');
    expect(before[17]).toBe(0x02);
    expect(after[17]).toBe(0x12);
    expect(after[16]).toBe(1); // the id existed before
    expect(after.with(16, 0).with(17, 2)).toEqual(before);
  });

  test('is the same key when it is exported once more, without a seed there is to ask for', () => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session);
    session.data(CODE.importWrapped, `0001${BLOB}`);
    for (const flag of ['', '01']) {
      const again = session.data(CODE.exportWrapped, `0001030001${flag}`);
      // Header with the new origin; the body as it was.
      expect(unwrapped(again)).toBe(`${HEADER.slice(0, 36)}12${HEADER.slice(38)}${BODY}`);
    }
  });
});

describe('an export', () => {
  test('has another nonce each time', () => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session);
    putKey(session);
    const [first, second] = [0, 1].map(() => session.data(CODE.exportWrapped, '0001030001'));
    expect(first?.slice(0, 13)).not.toEqual(second?.slice(0, 13));
  });

  test('has the seed at its end when it is asked for, and comes back with it', () => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session);
    putKey(session);
    const blob = session.data(CODE.exportWrapped, '000103000101');
    const seed = RFC_TEST_1?.seed.toHex() ?? '';
    expect(unwrapped(blob)).toBe(HEADER.replace('0060', '0080') + BODY + seed);
    session.data(CODE.deleteObject, '000103');
    session.data(CODE.importWrapped, `0001${blob.toHex()}`);
    expect(session.data(CODE.signEddsa, '0001')).toEqual(RFC_TEST_1?.signature);
    expect(unwrapped(session.data(CODE.exportWrapped, '000103000101')).slice(-64)).toBe(seed);
  });

  test('of the seed is 08 before firmware 2.4', () => {
    const session = new DeviceUnderTest({ firmware: { major: 2, minor: 3, patch: 0 } }).open();
    putWrapKey(session);
    putKey(session);
    expect(session.run(CODE.exportWrapped, '000103000101')).toBe(error(0x08));
  });

  test.each<[string, { wrap?: bigint; delegated?: bigint; key?: bigint }, string, string]>([
    ['a wrap key that may not export is 09', { wrap: bits(0x0d) }, '0001030001', error(0x09)],
    ['an object that may not leave is 09', { key: SIGN_EDDSA }, '0001030001', error(0x09)],
    [
      'a right that the wrap key may not carry is 09',
      { delegated: EXPORTABLE },
      '0001030001',
      error(0x09),
    ],
    [
      'exportable-under-wrap itself has to be carried: 09',
      { delegated: SIGN_EDDSA },
      '0001030001',
      error(0x09),
    ],
    ['an absent wrap key is 0b', {}, '0002030001', error(0x0b)],
    ['an absent object is 0b', {}, '0001030002', error(0x0b)],
    ['a byte too many is 08', {}, '00010300010100', error(0x08)],
    ['a flag that is none is 02', {}, '000103000102', error(0x02)],
  ])('%s', (_what, { wrap, delegated, key }, data, reply) => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session, { capabilities: wrap ?? EXPORT_IMPORT, delegated: delegated ?? ALL });
    putKey(session, key);
    expect(session.run(CODE.exportWrapped, data)).toBe(reply);
  });
});

describe('an import', () => {
  const changed = BLOB.slice(0, -2) + byte(Number.parseInt(BLOB.slice(-2), 16) ^ 1);

  test.each<[string, { wrap?: bigint; delegated?: bigint }, string, string]>([
    ['a blob with one bit changed is 02', {}, `0001${changed}`, error(0x02)],
    ['a wrap key that may not import is 09', { wrap: bits(0x0c) }, `0001${BLOB}`, error(0x09)],
    [
      'a right that the wrap key may not carry is 09',
      { delegated: EXPORTABLE },
      `0001${BLOB}`,
      error(0x09),
    ],
    ['an absent wrap key is 0b', {}, `0002${BLOB}`, error(0x0b)],
    ['a blob without a nonce is 08', {}, '0001aabb', error(0x08)],
    ['a blob without a tag is 02', {}, `0001${'00'.repeat(13)}`, error(0x02)],
  ])('%s', (_what, { wrap, delegated }, data, reply) => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session, { capabilities: wrap ?? EXPORT_IMPORT, delegated: delegated ?? ALL });
    expect(session.run(CODE.importWrapped, data)).toBe(reply);
  });

  test('over an object that is there is 11, and leaves it alone', () => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session);
    session.data(CODE.generateAsymmetricKey, params({ id: 1, algorithm: 46 }));
    const before = session.run(CODE.getPublicKey, '0001');
    expect(session.run(CODE.importWrapped, `0001${BLOB}`)).toBe(error(0x11));
    expect(session.run(CODE.getPublicKey, '0001')).toBe(before);
  });

  test('into domains that its importer is not in is 09', () => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    session.data(
      CODE.putWrapKey,
      params({ id: 1, domains: 0xffff, capabilities: EXPORT_IMPORT, algorithm: 42 }) +
        long(ALL) +
        WRAP_KEY,
    );
    const outside = openAs(simulation, { id: 2, domains: 2, capabilities: ALL });
    expect(outside.run(CODE.importWrapped, `0001${BLOB}`)).toBe(error(0x09));
  });

  test.each([
    ['an EC key', CODE.generateAsymmetricKey, 12, '03'],
    ['a secp256k1 key', CODE.generateAsymmetricKey, 15, '03'],
    ['an RSA key', CODE.generateAsymmetricKey, 9, '03'],
    ['an HMAC key', CODE.generateHmacKey, 20, '05'],
    ['an AES key', 0x6e, 52, '08'],
  ])('restores %s', (_what, code, algorithm, type) => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session);
    session.data(code, params({ id: 9, capabilities: ALL, algorithm }));
    const show = (): string =>
      type === '03'
        ? session.run(CODE.getPublicKey, '0009')
        : session.run(type === '05' ? CODE.signHmac : 0x70, `0009${'11'.repeat(16)}`);
    const before = show();
    const blob = session.data(CODE.exportWrapped, `0001${type}0009`).toHex();
    session.data(CODE.deleteObject, `0009${type}`);
    expect(session.run(CODE.importWrapped, `0001${blob}`)).toBe(`cb0003${type}0009`);
    expect(show()).toBe(before);
    expect(session.data(CODE.getObjectInfo, `0009${type}`)[17]).toBe(0x11);
  });

  test('restores an authentication key with what it may hand on', () => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    putWrapKey(session);
    openAs(simulation, { id: 2, capabilities: EXPORTABLE, delegated: bits(1, 2) });
    const blob = session.data(CODE.exportWrapped, '0001020002').toHex();
    session.data(CODE.deleteObject, '000202');
    session.data(CODE.importWrapped, `0001${blob}`);
    const info = session.data(CODE.getObjectInfo, '000202');
    expect(info.slice(58).toHex()).toBe(long(bits(1, 2)));
    const keys = { encKey: new Uint8Array(16).fill(2), macKey: new Uint8Array(16).fill(2) };
    expect(simulation.open(2, keys).run(CODE.echo)).toBe('810000');
  });
});

describe('data under wrap', () => {
  test('comes back from the key that wrapped it', () => {
    const session = new DeviceUnderTest().open();
    putWrapKey(session, { capabilities: bits(0x25, 0x26) });
    const wrapped = session.data(CODE.wrapData, '0001aabbcc').toHex();
    // One byte more than nonce, data and tag: Yubico's C library counts on it.
    expect(wrapped).toHaveLength(2 * (13 + 1 + 3 + 16));
    expect(unwrapped(Uint8Array.fromHex(wrapped))).toBe('2aaabbcc');
    expect(session.run(CODE.unwrapData, `0001${wrapped}`)).toBe('e90003aabbcc');
    expect(session.run(CODE.unwrapData, `0001${wrapped}00`)).toBe(error(0x02));
  });

  test.each([
    ['2.4.1', 0x02],
    ['2.5.0', 0x09],
  ])('without the right on the key is, on firmware %s, %i', (version, code) => {
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    const session = new DeviceUnderTest({ firmware: { major, minor, patch } }).open();
    putWrapKey(session, { capabilities: bits(0x26) });
    expect(session.run(CODE.wrapData, '0001aa')).toBe(error(code));
  });
});
