/** Wrapped objects: the vector that was checked against the vendor's tool, and the ways to be wrong. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { algorithmFromCode } from 'yubihsm/objects/algorithm';
import { capabilitiesFromBits } from 'yubihsm/objects/capability';
import { domainsFromBits } from 'yubihsm/objects/domains';
import { objectTypeFromCode } from 'yubihsm/objects/object-type';
import { originFromCode } from 'yubihsm/objects/origin';
import { decodeEd25519Body, ed25519BodyFromSeed } from 'yubihsm/wrap/ed25519-body';
import { unwrapObject, wrapObject } from 'yubihsm/wrap/wrap-cipher';
import { MalformedWrapError } from 'yubihsm/wrap/wrap-errors';
import { formatWrap, parseWrap } from 'yubihsm/wrap/wrap-text';
import {
  decodeWrappedObject,
  encodeWrappedObject,
  type WrappedObject,
} from 'yubihsm/wrap/wrapped-object';
import { hex, RFC_8032 } from '../known-bytes.ts';

const WRAP_KEY = hex('21a6ca8cfd5dbe9c26320b5c4935ff1e63b9ab54e2dfe24f66677aba8852be13');
const NONCE = hex('000102030405060708090a0b0c');
const SEED = RFC_8032[0]?.seed ?? new Uint8Array(0);

const HEADER = hex(
  `2a0000000000010100000100600001032e000276616c696461746f72000000000000000000000000
   00000000000000000000000000000000000000`,
);
const BODY = hex(
  `4fe94d9006f020a5a3c080d96827fffd3c010ac0f12e7a42cb33284f86837c309b4f0afe280b746a
   778684e75442502057b7473a03f08f96f5a38e9287e01f8fd75a980182b10ab7d54bfed3c964073a
   0ee172f3daa62325af021a68f707511a`,
);
const BLOB = hex(
  `000102030405060708090a0b0c748d4e6af7fbefa643b64d5de01cfb849ff17fe0d6ddeba8197995
   7ce3eb8409f1a9e9be13f4b9f244a9d8c7ae154b84927d408c4ab42f9e9b4d208233897f3df015ac
   54c1c3af5e44df1fe7402facbd437843a07e4eb3353008a2410f1eedbb334c4f72fd614839da12e2
   698877e313c9c1a6b961973f0a0aea5880c6ad4310983ea0bc3c3d7f9cc90b6e4bcdd6f9aa6f6b82
   80ed03034b239993b9a67c1db17e484974d2a7c47df0ce81`,
);

const OBJECT: WrappedObject = {
  wrapAlgorithm: 'aes256-ccm-wrap',
  type: 'asymmetric-key',
  id: 1,
  label: 'validator',
  domains: [1],
  capabilities: ['sign-eddsa', 'exportable-under-wrap'],
  algorithm: 'ed25519',
  sequence: 0,
  origin: 'imported',
  body: BODY,
};

const withCode = (code: string) => expect.objectContaining({ code });

describe('the vector', () => {
  it('its body follows from the seed', () => {
    expect(ed25519BodyFromSeed(SEED)).toEqual(BODY);
  });

  it('is written', () => {
    expect(encodeWrappedObject(OBJECT)).toEqual(Uint8Array.of(...HEADER, ...BODY));
    expect(wrapObject(WRAP_KEY, OBJECT, { nonce: NONCE })).toEqual(BLOB);
  });

  it('is read', () => {
    expect(unwrapObject(WRAP_KEY, BLOB)).toEqual(OBJECT);
  });

  it('its key is the one that signs the example of RFC 8032', () => {
    const { scalar, publicKey } = decodeEd25519Body(BODY);
    expect(publicKey).toEqual(RFC_8032[0]?.publicKey);
    expect(publicKeyOfScalar(scalar)).toEqual(publicKey);
  });
});

/** The scalar times the base point, by the Montgomery ladder of X25519: the same point in other coordinates. */
function publicKeyOfScalar(scalar: Uint8Array): Uint8Array {
  const der = Buffer.concat([hex('302e020100300506032b656e04220420'), scalar]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  const u = littleEndian(key.export({ format: 'der', type: 'spki' }).subarray(-32));
  // RFC 7748, 4.1: y = (u - 1) / (u + 1). The sign of x is not in u; in this vector it is 0.
  const y = mod((u - 1n) * inverse(u + 1n));
  return Uint8Array.fromHex(y.toString(16).padStart(64, '0')).reverse();
}

const P = 2n ** 255n - 19n;

function mod(value: bigint): bigint {
  return ((value % P) + P) % P;
}

function inverse(value: bigint): bigint {
  let result = 1n;
  for (let base = mod(value), exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = mod(result * base);
    base = mod(base * base);
  }
  return result;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Uint8Array.from(bytes).reverse().toHex()}`);
}

const anyObject = fc.record({
  wrapAlgorithm: fc.nat(255).map(algorithmFromCode),
  type: fc.nat(255).map(objectTypeFromCode),
  id: fc.nat(0xfffe),
  label: fc
    .string({ unit: 'grapheme', maxLength: 40 })
    .filter((text) => Buffer.byteLength(text) <= 40 && !text.includes('\0')),
  domains: fc.nat(0xffff).map(domainsFromBits),
  capabilities: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(capabilitiesFromBits),
  algorithm: fc.nat(255).map(algorithmFromCode),
  sequence: fc.nat(255),
  origin: fc.nat(255).map(originFromCode),
  body: fc.uint8Array({ maxLength: 300 }),
});

describe('any object', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyObject, (object) => {
        expect(decodeWrappedObject(encodeWrappedObject(object))).toEqual(object);
      }),
    );
  });

  it.each([16, 24, 32])('survives a wrap key of %i bytes', (length) => {
    const key = new Uint8Array(length).fill(length);
    fc.assert(
      fc.property(anyObject, (object) => {
        expect(unwrapObject(key, wrapObject(key, object))).toEqual(object);
      }),
      { numRuns: 20 },
    );
  });
});

it('two wraps of one object have different nonces', () => {
  const blobs = [wrapObject(WRAP_KEY, OBJECT), wrapObject(WRAP_KEY, OBJECT)];
  expect(new Set(blobs.map((blob) => blob.subarray(0, 13).toHex())).size).toBe(2);
});

describe('refuses', () => {
  it('another wrap key', () => {
    expect(() => unwrapObject(new Uint8Array(32), BLOB)).toThrow(
      withCode('ERR_YUBIHSM_WRONG_WRAP_KEY'),
    );
    expect(() => unwrapObject(WRAP_KEY.subarray(0, 16), BLOB)).toThrow(
      withCode('ERR_YUBIHSM_WRONG_WRAP_KEY'),
    );
  });

  it('a wrap key of no AES', () => {
    expect(() => unwrapObject(new Uint8Array(31), BLOB)).toThrow(
      withCode('ERR_YUBIHSM_INVALID_REQUEST'),
    );
  });

  it('a nonce of twelve bytes', () => {
    expect(() => wrapObject(WRAP_KEY, OBJECT, { nonce: new Uint8Array(12) })).toThrow(
      withCode('ERR_YUBIHSM_INVALID_REQUEST'),
    );
  });

  it('a blob with any bit changed', () => {
    fc.assert(
      fc.property(fc.nat(BLOB.length - 1), fc.nat(7), (place, bit) => {
        const wrong = BLOB.with(place, (BLOB[place] ?? 0) ^ (1 << bit));
        expect(() => unwrapObject(WRAP_KEY, wrong)).toThrow(withCode('ERR_YUBIHSM_WRONG_WRAP_KEY'));
      }),
    );
  });

  it('a blob that is too short to be one', () => {
    for (let length = 0; length <= 29; length++) {
      expect(() => unwrapObject(WRAP_KEY, BLOB.subarray(0, length))).toThrow(
        withCode('ERR_YUBIHSM_MALFORMED_WRAP'),
      );
    }
  });

  it('a body of another length than the header says', () => {
    const plaintext = encodeWrappedObject(OBJECT);
    for (const wrong of [plaintext.subarray(0, -1), Uint8Array.of(...plaintext, 0), HEADER]) {
      expect(() => decodeWrappedObject(wrong)).toThrow(withCode('ERR_YUBIHSM_MALFORMED_WRAP'));
    }
  });

  it('any bytes that are no object, and only so', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decodeWrappedObject(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedWrapError);
        }
      }),
    );
  });

  it.each([
    ['95 bytes', BODY.subarray(1)],
    ['97 bytes', Uint8Array.of(...BODY, 0)],
    ['a scalar that is not clamped', BODY.with(0, 0x0f)],
    ['a scalar with a low bit', BODY.with(31, (BODY[31] ?? 0) | 1)],
  ])('an Ed25519 body with %s', (_, body) => {
    expect(() => decodeEd25519Body(body)).toThrow(withCode('ERR_YUBIHSM_MALFORMED_WRAP'));
  });
});

describe('as text', () => {
  it('it is one line of base64', () => {
    expect(formatWrap(hex('fffefd'))).toBe('//79\n');
    expect(parseWrap(formatWrap(BLOB))).toEqual(BLOB);
  });

  it('lines may be broken anywhere', () => {
    expect(parseWrap(`\r\n ${formatWrap(BLOB).replace(/(.{64})/g, '$1\r\n')}\n`)).toEqual(BLOB);
  });

  it.each(['', ' \n', '*', 'AAA', 'AA=A', 'AAB=', 'A-_=', 'deadbeef0'])('%o is refused', (text) => {
    expect(() => parseWrap(text)).toThrow(withCode('ERR_YUBIHSM_MALFORMED_WRAP'));
  });

  it('any bytes survive it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        expect(parseWrap(formatWrap(bytes))).toEqual(bytes);
      }),
    );
  });
});
