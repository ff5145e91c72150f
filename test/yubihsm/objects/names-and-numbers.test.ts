/** Types, algorithms, origins and capabilities: names where they are known, numbers where not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AlgorithmName,
  algorithmCode,
  algorithmFromCode,
  publicKeyBytes,
} from 'yubihsm/objects/algorithm';
import {
  ALL_CAPABILITIES,
  type Capability,
  capabilitiesFromBits,
  capabilityBits,
} from 'yubihsm/objects/capability';
import { objectTypeCode, objectTypeFromCode } from 'yubihsm/objects/object-type';
import { originCode, originFromCode } from 'yubihsm/objects/origin';

const refused = expect.objectContaining({ code: 'ERR_YUBIHSM_INVALID_REQUEST' });

describe('every byte is a type, an algorithm and an origin', () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);

  it('and comes back as the same byte', () => {
    expect(bytes.map((byte) => objectTypeCode(objectTypeFromCode(byte)))).toEqual(bytes);
    expect(bytes.map((byte) => algorithmCode(algorithmFromCode(byte)))).toEqual(bytes);
    expect(bytes.map((byte) => originCode(originFromCode(byte)))).toEqual(bytes);
  });

  it('with one name for each', () => {
    expect(new Set(bytes.map(objectTypeFromCode)).size).toBe(256);
    expect(new Set(bytes.map(algorithmFromCode)).size).toBe(256);
    expect(new Set(bytes.map(originFromCode)).size).toBe(256);
  });
});

it.each<[AlgorithmName, number]>([
  ['rsa-pkcs1-sha1', 1],
  ['rsa-pss-sha512', 8],
  ['rsa2048', 9],
  ['ecp256', 12],
  ['eck256', 15],
  ['ecbp512', 18],
  ['hmac-sha384', 21],
  ['ecdh', 24],
  ['rsa-oaep-sha512', 28],
  ['aes128-ccm-wrap', 29],
  ['opaque-data', 30],
  ['opaque-x509-certificate', 31],
  ['mgf1-sha512', 35],
  ['aes128-yubico-otp', 37],
  ['aes128-yubico-authentication', 38],
  ['aes256-yubico-otp', 40],
  ['aes192-ccm-wrap', 41],
  ['aes256-ccm-wrap', 42],
  ['ecdsa-sha512', 45],
  ['ed25519', 46],
  ['ecp224', 47],
  ['rsa-pkcs1-decrypt', 48],
  ['ec-p256-yubico-authentication', 49],
  ['aes256', 52],
  ['aes-kwp', 55],
  ['algorithm-56', 56],
  ['algorithm-255', 255],
])('the algorithm %s is %i', (name, code) => {
  expect(algorithmCode(name)).toBe(code);
  expect(algorithmFromCode(code)).toBe(name);
});

it('knows how long the public keys of a validator and of an account are', () => {
  expect(publicKeyBytes('ed25519')).toBe(32);
  expect(publicKeyBytes('eck256')).toBe(64);
  expect(publicKeyBytes('algorithm-99')).toBeUndefined();
});

it.each<[string, readonly Capability[], bigint]>([
  ['get-opaque is bit 0', ['get-opaque'], 0x1n],
  [
    'HMAC keys that may be exported',
    ['sign-hmac', 'verify-hmac', 'exportable-under-wrap'],
    0xc10000n,
  ],
  ['wrapping of data', ['wrap-data', 'unwrap-data'], 0x6000000000n],
  ['a consensus key', ['sign-eddsa'], 0x100n],
  ['a consensus key that may be exported', ['sign-eddsa', 'exportable-under-wrap'], 0x10100n],
  ['an account key that may be exported', ['sign-ecdsa', 'exportable-under-wrap'], 0x10080n],
  [
    'the operator of tmkms',
    [
      'generate-asymmetric-key',
      'put-asymmetric-key',
      'generate-hmac-key',
      'put-mac-key',
      'import-wrapped',
      'export-wrapped',
      'get-opaque',
      'get-option',
      'get-log-entries',
      'sign-attestation-certificate',
    ],
    0x0401343019n,
  ],
  [
    'the auditor of tmkms',
    ['get-log-entries', 'get-option', 'set-option', 'get-opaque'],
    0x01060001n,
  ],
  [
    'the validator of tmkms',
    ['sign-ecdsa', 'sign-eddsa', 'sign-attestation-certificate', 'get-log-entries'],
    0x0401000180n,
  ],
  [
    'the wrap key of tmkms',
    ['export-wrapped', 'import-wrapped', 'wrap-data', 'unwrap-data'],
    0x6000003000n,
  ],
  ['the highest bit that has a name', ['delete-public-wrap-key'], 1n << 0x37n],
  ['the lowest one that has none', ['bit-56'], 1n << 56n],
])('capabilities: %s', (_, names, bits) => {
  expect(capabilityBits(names)).toBe(bits);
  expect(new Set(capabilitiesFromBits(bits))).toEqual(new Set(names));
});

it('any 64 bits are capabilities, and come back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (bits) => {
      expect(capabilityBits(capabilitiesFromBits(bits))).toBe(bits);
    }),
  );
});

it('the authentication key of a new device has all 64, the eight without a name too', () => {
  expect(ALL_CAPABILITIES).toHaveLength(64);
  expect(capabilityBits(ALL_CAPABILITIES)).toBe(0xffff_ffff_ffff_ffffn);
  expect(ALL_CAPABILITIES.slice(-8)).toEqual(
    [56, 57, 58, 59, 60, 61, 62, 63].map((bit) => `bit-${bit}`),
  );
});

it('a bit may be named by its number even where it has a name', () => {
  expect(capabilityBits(['bit-8', 'sign-eddsa'])).toBe(0x100n);
});

it.each(['bit-64', 'bit-08', 'bit-1e1', 'bit--1', 'sign-eddsa ', 'constructor'])(
  'refuses %o as a capability',
  (name) => {
    expect(() => capabilityBits([name as Capability])).toThrow(refused);
  },
);

it.each(['algorithm-256', 'algorithm-', 'algorithm-1.5', 'toString', 'ED25519'])(
  'refuses %o as an algorithm',
  (name) => {
    expect(() => algorithmCode(name as AlgorithmName)).toThrow(refused);
  },
);

it('refuses what is no type and no origin', () => {
  expect(() => objectTypeCode('type-999')).toThrow(refused);
  expect(() => originCode('origin-256')).toThrow(refused);
});
