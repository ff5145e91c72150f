/** Objects: the factory's, their ids and sequences, what is said of them, and how many fit. */
import { describe, expect, test } from 'vitest';
import {
  ALL,
  bits,
  byte,
  CODE,
  DeviceUnderTest,
  error,
  long,
  params,
  type RawSession,
  word,
} from './raw-session.ts';

const FACTORY_LABEL = new TextEncoder().encode('DEFAULT AUTHKEY CHANGE THIS ASAP').toHex();
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';

function putOpaque(session: RawSession, id: number, bytes = 1): string {
  return session.run(CODE.putOpaque, params({ id, algorithm: 30 }) + 'aa'.repeat(bytes));
}

describe('a device from the factory', () => {
  const factoryInfo =
    'ffffffffffffffff' + // capabilities
    '0001' + // id
    '0028' + // length: 40 bytes
    'ffff' + // domains
    '02' + // authentication key
    '26' + // algorithm 38
    '00' + // sequence
    '02' + // imported
    FACTORY_LABEL.padEnd(80, '0') +
    'ffffffffffffffff'; // delegated

  test('has one object: authentication key 1', () => {
    const session = new DeviceUnderTest().open();
    expect(session.run(CODE.listObjects)).toBe('c8000400010200');
    expect(session.run(CODE.getObjectInfo, '000102')).toBe(`ce0042${factoryInfo}`);
  });

  test('is what ResetDevice makes of any device', () => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    putOpaque(session, 7);
    session.data(CODE.setOption, '01000101');
    expect(session.run(CODE.resetDevice)).toBe('880000');
    expect(session.run(CODE.echo)).toBe('outer 7f000103');
    const next = simulation.open();
    expect(next.run(CODE.listObjects)).toBe('c8000400010200');
    expect(next.run(CODE.getObjectInfo, '000102')).toBe(`ce0042${factoryInfo}`);
    expect(next.run(CODE.getOption, '01')).toBe('d0000100');
  });

  test('has room for 256 objects in 1024 pages of 126 bytes', () => {
    const session = new DeviceUnderTest().open();
    expect(session.run(CODE.getStorageInfo)).toBe('c1000a010000ff040003ff007e');
    for (let id = 2; id <= 256; id++) expect(putOpaque(session, id)).toBe(`c20002${word(id)}`);
    expect(putOpaque(session, 257)).toBe(error(0x07));
    session.data(CODE.deleteObject, '000201');
    expect(putOpaque(session, 257)).toBe('c200020101');
  });

  test('has no room for more than its pages', () => {
    const session = new DeviceUnderTest().open();
    const outcomes = Array.from({ length: 70 }, (_, index) => putOpaque(session, index + 2, 2000));
    expect(outcomes.at(0)).toBe('c200020002');
    expect(outcomes.at(-1)).toBe(error(0x07));
  });
});

describe('ids', () => {
  test('are chosen by the device when they are 0', () => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    simulation.nextRandom.push(Uint8Array.of(0, 0), Uint8Array.of(0xff, 0xff), Uint8Array.of(1, 2));
    expect(putOpaque(session, 0)).toBe('c200020102');
    simulation.nextRandom.push(Uint8Array.of(1, 2), Uint8Array.of(0xff, 0xfe));
    expect(putOpaque(session, 0)).toBe('c20002fffe');
  });

  test('belong to a type: the same one may exist once in each', () => {
    const session = new DeviceUnderTest().open();
    expect(putOpaque(session, 1)).toBe('c200020001');
    expect(putOpaque(session, 1)).toBe(error(0x11));
    const generate = params({ id: 1, algorithm: 46 });
    expect(session.run(CODE.generateAsymmetricKey, generate)).toBe('c600020001');
    expect(session.run(CODE.generateAsymmetricKey, generate)).toBe(error(0x11));
  });

  test('count how often they existed before, in one byte', () => {
    const session = new DeviceUnderTest().open();
    const sequence = (): string => session.run(CODE.listObjects, '0201').slice(-2);
    for (const expected of ['00', '01', '02']) {
      putOpaque(session, 5);
      expect(sequence()).toBe(expected);
      session.data(CODE.deleteObject, '000501');
    }
    for (let times = 3; times <= 256; times++) {
      putOpaque(session, 5);
      if (times < 256) session.data(CODE.deleteObject, '000501');
    }
    expect(sequence()).toBe('00');
  });
});

describe('GetObjectInfo', () => {
  test.each([
    [
      'a generated Ed25519 key',
      CODE.generateAsymmetricKey,
      params({ id: 9, label: 'consensus', capabilities: bits(8, 0x10), algorithm: 46 }),
      `0000000000010100 0009 0060 0001 03 2e 00 01`,
    ],
    [
      'an imported secp256k1 key',
      CODE.putAsymmetricKey,
      `${params({ id: 9, domains: 0x8001, capabilities: bits(7), algorithm: 15 })}${'11'.repeat(32)}`,
      `0000000000000080 0009 0060 8001 03 0f 00 02`,
    ],
    [
      'data',
      CODE.putOpaque,
      `${params({ id: 9, algorithm: 30 })}0102030405`,
      `0000000000000000 0009 0005 0001 01 1e 00 02`,
    ],
    [
      'a wrap key',
      CODE.generateWrapKey,
      params({ id: 9, capabilities: bits(0x0c), algorithm: 42 }) + long(bits(8)),
      `0000000000001000 0009 0028 0001 04 2a 00 01`,
    ],
  ])('shows %s', (_what, code, data, head) => {
    const session = new DeviceUnderTest().open();
    const type = head.split(' ')[4] ?? '';
    expect(session.run(code, data)).toBe(`${byte(code | 0x80)}00020009`);
    const info = session.data(CODE.getObjectInfo, `0009${type}`);
    expect(info).toHaveLength(66);
    expect(info.subarray(0, 18).toHex()).toBe(head.replaceAll(' ', ''));
  });

  test('gives back labels that are no text', () => {
    const session = new DeviceUnderTest().open();
    const raw = params({ id: 9, algorithm: 30 }).slice(0, 4) + 'ff'.repeat(40);
    session.data(CODE.putOpaque, `${raw}0001${long(0n)}1eaa`);
    const info = session.data(CODE.getObjectInfo, '000901');
    expect(info.subarray(18, 58).toHex()).toBe('ff'.repeat(40));
  });
});

describe('ListObjects', () => {
  function populated(): RawSession {
    const session = new DeviceUnderTest().open();
    const put = (text: Parameters<typeof params>[0]): void => {
      session.data(CODE.putAsymmetricKey, params(text) + SEED);
    };
    put({ id: 2, label: 'a', domains: 1, capabilities: bits(8), algorithm: 46 });
    put({ id: 3, label: 'b', domains: 6, capabilities: bits(8, 0x10), algorithm: 46 });
    session.data(CODE.putOpaque, `${params({ id: 2, label: 'a', domains: 4, algorithm: 30 })}aa`);
    return session;
  }

  const [all, key2, key3, opaque2] = ['00010200', '00020300', '00030300', '00020100'];

  test.each([
    ['everything without a filter', '', [all, key2, key3, opaque2]],
    ['by id', '010002', [key2, opaque2]],
    ['by type', '0203', [key2, key3]],
    ['by any of the domains', '030006', [all, key3, opaque2]],
    ['by any of the capabilities', `04${long(bits(0x10, 0x3f))}`, [all, key3]],
    ['by algorithm', '052e', [key2, key3]],
    ['by label, all 40 bytes', `06${'61'.padEnd(80, '0')}`, [key2, opaque2]],
    ['by all filters at once, in any order', `0203${'010002'}052e`, [key2]],
    ['the request of the sheet', '010002020103ffff0400ffffffffffffff0515', []],
  ])('finds %s', (_what, filters, found) => {
    expect(populated().data(CODE.listObjects, filters).toHex()).toBe(found.join(''));
  });

  test.each([
    ['an unknown filter', '0700', error(0x02)],
    ['a filter twice', '010002010003', error(0x02)],
    ['half a filter', '0100', error(0x08)],
  ])('refuses %s', (_what, filters, reply) => {
    expect(populated().run(CODE.listObjects, filters)).toBe(reply);
  });
});

describe('data that is stored', () => {
  test('comes back as it was', () => {
    const session = new DeviceUnderTest().open();
    const bytes = 'deadbeef'.repeat(480);
    session.data(CODE.putOpaque, params({ id: 9, algorithm: 31 }) + bytes);
    expect(session.data(CODE.getOpaque, '0009').toHex()).toBe(bytes);
  });

  test.each([
    ['empty', params({ id: 9, algorithm: 30 }), error(0x08)],
    ['of an algorithm that is for keys', `${params({ id: 9, algorithm: 46 })}aa`, error(0x02)],
    ['too short to be a command', '0009', error(0x08)],
  ])('is refused when it is %s', (_what, data, reply) => {
    expect(new DeviceUnderTest().open().run(CODE.putOpaque, data)).toBe(reply);
  });
});

describe('random bytes', () => {
  test.each([
    ['none', '0000', 'd10000'],
    ['more than a frame holds', '0c2d', error(0x02)],
  ])('%s', (_what, count, reply) => {
    expect(new DeviceUnderTest().open().run(CODE.getPseudoRandom, count)).toBe(reply);
  });

  test('fill a frame at most', () => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    const request = session.seal(CODE.getPseudoRandom, Uint8Array.of(0x0c, 0x2c));
    expect(simulation.device.exchange(request).reply).toHaveLength(3132); // of 3136
  });

  test('are as many as were asked for, and not the same twice', () => {
    const session = new DeviceUnderTest().open();
    const [first, second] = [0, 1].map(() => session.data(CODE.getPseudoRandom, '0020').toHex());
    expect(first).toHaveLength(64);
    expect(first).not.toBe(second);
  });
});

test('capabilities without a name are stored as they are', () => {
  const session = new DeviceUnderTest().open();
  session.data(CODE.putOpaque, `${params({ id: 9, capabilities: ALL, algorithm: 30 })}aa`);
  expect(session.data(CODE.getObjectInfo, '000901').subarray(0, 8).toHex()).toBe('f'.repeat(16));
});
