/** What a device says of itself and of its objects. */
import { expect, it } from 'vitest';
import { capabilitiesFromBits } from 'yubihsm/objects/capability';
import { decodeDeviceInfo, decodePartNumber, isAtLeast } from 'yubihsm/objects/device-info';
import { ALL_DOMAINS } from 'yubihsm/objects/domains';
import { decodeObjectInfo } from 'yubihsm/objects/object-info';
import { decodeObjectList, encodeObjectFilter } from 'yubihsm/objects/object-list';
import { hex } from '../known-bytes.ts';

const malformed = expect.objectContaining({ code: 'ERR_YUBIHSM_MALFORMED_REPLY' });

const DEVICE_INFO = hex(
  `020000 007334bc 3e 04
   0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f`,
);

it('reads DeviceInfo: firmware, ten digits of serial, the log, the algorithms', () => {
  const info = decodeDeviceInfo(DEVICE_INFO);
  expect(info).toMatchObject({
    version: { major: 2, minor: 0, patch: 0 },
    serial: '0007550140',
    logTotal: 62,
    logUsed: 4,
  });
  expect(info.algorithms).toHaveLength(47);
  expect(info.algorithms.at(45)).toBe('ed25519');
});

it('keeps algorithms that newer firmware lists', () => {
  expect(decodeDeviceInfo(hex('020500 00000001 3e 00 2e c8')).algorithms).toEqual([
    'ed25519',
    'algorithm-200',
  ]);
});

it('refuses a DeviceInfo that is cut short', () => {
  expect(() => decodeDeviceInfo(DEVICE_INFO.subarray(0, 8))).toThrow(malformed);
  expect(() => decodeDeviceInfo(new Uint8Array(0))).toThrow(malformed);
});

it('reads the part number of the second page', () => {
  expect(decodePartNumber(new TextEncoder().encode('5060408461'))).toBe('5060408461');
  expect(() => decodePartNumber(new Uint8Array(0))).toThrow(malformed);
  expect(() => decodePartNumber(hex('0a1b'))).toThrow(malformed);
});

it.each([
  ['2.4.0', '2.4.0', true],
  ['2.3.9', '2.4.0', false],
  ['3.0.0', '2.4.1', true],
  ['2.4.0', '2.4.1', false],
])('firmware %s against %s: %o', (version, least, expected) => {
  const parse = (text: string) => {
    const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
    return { major, minor, patch };
  };
  expect(isAtLeast(parse(version), parse(least))).toBe(expected);
});

/** The default authentication key, as the sheet describes it. */
const DEFAULT_KEY = hex(
  `ffffffffffffffff 0001 0028 ffff 02 26 00 02
   ${Buffer.from('DEFAULT AUTHKEY CHANGE THIS ASAP').toString('hex').padEnd(80, '0')}
   ffffffffffffffff`,
);

it('reads GetObjectInfo: the key of a new device', () => {
  const all = capabilitiesFromBits(2n ** 64n - 1n);
  expect(decodeObjectInfo(DEFAULT_KEY)).toEqual({
    type: 'authentication-key',
    id: 1,
    label: 'DEFAULT AUTHKEY CHANGE THIS ASAP',
    domains: ALL_DOMAINS,
    capabilities: all,
    delegatedCapabilities: all,
    algorithm: 'aes128-yubico-authentication',
    lengthBytes: 40,
    sequence: 0,
    origin: 'imported',
  });
});

it('reads every field of GetObjectInfo from its own place', () => {
  const reply = hex(
    `0000000000000100 0064 0060 0004 03 2e 07 12 ${'6b'.padEnd(80, '0')} 0000000000010000`,
  );
  expect(decodeObjectInfo(reply)).toEqual({
    type: 'asymmetric-key',
    id: 0x64,
    label: 'k',
    domains: [3],
    capabilities: ['sign-eddsa'],
    delegatedCapabilities: ['exportable-under-wrap'],
    algorithm: 'ed25519',
    lengthBytes: 96,
    sequence: 7,
    origin: 'imported-then-wrapped',
  });
});

it('refuses a GetObjectInfo of 65 or 67 bytes', () => {
  expect(() => decodeObjectInfo(DEFAULT_KEY.subarray(0, 65))).toThrow(malformed);
  expect(() => decodeObjectInfo(hex(`${DEFAULT_KEY.toHex()}00`))).toThrow(malformed);
});

it('writes a filter with all its parts', () => {
  const filter = encodeObjectFilter({
    id: 2,
    type: 'opaque',
    domains: ALL_DOMAINS,
    capabilities: capabilitiesFromBits(2n ** 56n - 1n),
    algorithm: 'hmac-sha384',
  });
  expect(filter).toEqual(hex('01 0002 02 01 03 ffff 04 00ffffffffffffff 05 15'));
  expect(encodeObjectFilter({ label: 'ab' })).toEqual(hex(`06 6162 ${'00'.repeat(38)}`));
  expect(encodeObjectFilter({})).toEqual(new Uint8Array(0));
});

it('reads a list', () => {
  expect(decodeObjectList(hex('00010200648f030000010300000405000005050000050300'))).toEqual([
    { type: 'authentication-key', id: 1, sequence: 0 },
    { type: 'asymmetric-key', id: 0x648f, sequence: 0 },
    { type: 'asymmetric-key', id: 1, sequence: 0 },
    { type: 'hmac-key', id: 4, sequence: 0 },
    { type: 'hmac-key', id: 5, sequence: 0 },
    { type: 'asymmetric-key', id: 5, sequence: 0 },
  ]);
  expect(decodeObjectList(new Uint8Array(0))).toEqual([]);
});

it('lists objects of a type that is not known here', () => {
  expect(decodeObjectList(hex('0001 63 05'))).toEqual([{ type: 'type-99', id: 1, sequence: 5 }]);
});

it('refuses a list that ends within an object', () => {
  expect(() => decodeObjectList(hex('000102'))).toThrow(malformed);
});
