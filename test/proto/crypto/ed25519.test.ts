import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { verifyZip215 } from '@privval/proto/crypto/zip215';
import { bytesFromHex, utf8Bytes } from '@privval/proto/runtime/bytes';
import { describe, expect, test } from 'vitest';

const ff = 'ff'.repeat(30);

/**
 * The 14 encodings of the 8 points of small order: the eight canonical ones, then the six that
 * name one of them with y ≥ p or a sign bit on x = 0. Henry de Valence, "It's 255:19AM. Do you know
 * what your validation criteria are?" (2020), the points of ZIP-215's own test.
 */
const SMALL_ORDER = [
  `01${'00'.repeat(31)}`,
  `ec${ff}7f`,
  `00${'00'.repeat(31)}`,
  `00${'00'.repeat(30)}80`,
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  `01${'00'.repeat(30)}80`,
  `ec${ff}ff`,
  `ed${ff}7f`,
  `ed${ff}ff`,
  `ee${ff}7f`,
  `ee${ff}ff`,
] as const;

/**
 * The 12 cases of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (SSR 2020), and what
 * two of the tested libraries say: libsodium, and Zebra, which is ZIP-215.
 */
const CASES = [
  {
    is: 'small A and R, S = 0',
    zip215: true,
    strict: false,
    message: '8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6',
    key: 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    signature:
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000',
  },
  {
    is: 'small A, mixed R',
    zip215: true,
    strict: false,
    message: '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    key: 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    signature:
      'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  },
  {
    is: 'mixed A, small R',
    zip215: true,
    strict: false,
    message: 'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
    key: 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    signature:
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
  },
  {
    is: 'mixed A and R',
    zip215: true,
    strict: true,
    message: '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    key: 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    signature:
      '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
  },
  {
    is: 'mixed A and R, only with the cofactor',
    zip215: true,
    strict: false,
    message: 'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    key: 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    signature:
      '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
  },
  {
    is: 'mixed A, only with the cofactor not reduced into h',
    zip215: true,
    strict: false,
    message: 'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    key: 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    signature:
      '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405',
  },
  {
    is: 'S > L',
    zip215: false,
    strict: false,
    message: '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    key: '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    signature:
      'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
  },
  {
    is: 'S far above L',
    zip215: false,
    strict: false,
    message: '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    key: '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    signature:
      '8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22',
  },
  {
    is: 'non-canonical R, reduced for the hash',
    zip215: false,
    strict: false,
    message: '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    key: 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    signature:
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f',
  },
  {
    is: 'non-canonical R, hashed as it is',
    zip215: true,
    strict: false,
    message: '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    key: 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    signature:
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908',
  },
  {
    is: 'non-canonical A, valid either way',
    zip215: true,
    strict: false,
    message: 'e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b',
    key: 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    signature:
      'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  },
  {
    is: 'non-canonical A, hashed as it is',
    zip215: true,
    strict: false,
    message: '39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f',
    key: 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    signature:
      'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  },
] as const;

describe('verification of Ed25519', () => {
  test('accepts what an honest key signs, both ways, and nothing that was changed', () => {
    for (let i = 0; i < 20; i++) {
      using secret = Ed25519SecretKey.generate();
      const message = new Uint8Array(i * 7).fill(i);
      const signature = secret.sign(message);
      for (const verify of [verifyStrict, verifyZip215]) {
        expect(verify(secret.publicKey, message, signature)).toBe(true);
        const position = (i * 13) % 64;
        const changed = signature.with(position, (signature[position] ?? 0) ^ 0x10);
        expect(verify(secret.publicKey, message, changed)).toBe(false);
        expect(verify(secret.publicKey, Uint8Array.of(...message, 0), signature)).toBe(false);
      }
    }
  });

  test('takes 64 bytes for a signature and no other number', () => {
    using secret = Ed25519SecretKey.generate();
    const message = utf8Bytes('a message');
    const signature = secret.sign(message);
    for (const length of [0, 32, 63, 65, 96, 128]) {
      const resized = new Uint8Array(length);
      resized.set(signature.subarray(0, length));
      expect(verifyStrict(secret.publicKey, message, resized)).toBe(false);
      expect(verifyZip215(secret.publicKey, message, resized)).toBe(false);
    }
  });

  test('by ZIP-215 accepts all 196 pairs of small-order points as key and R with S = 0, strict none (S20)', () => {
    const message = utf8Bytes('Zcash');
    for (const a of SMALL_ORDER) {
      const key = ed25519PublicKey(bytesFromHex(a));
      for (const r of SMALL_ORDER) {
        const signature = bytesFromHex(r + '00'.repeat(32));
        expect({ a, r, zip215: verifyZip215(key, message, signature) }).toEqual({
          a,
          r,
          zip215: true,
        });
        expect({ a, r, strict: verifyStrict(key, message, signature) }).toEqual({
          a,
          r,
          strict: false,
        });
      }
    }
  });

  test.each(CASES)(
    'says for $is: ZIP-215 $zip215, strict $strict',
    ({ message, key, signature, zip215, strict }) => {
      const publicKey = ed25519PublicKey(bytesFromHex(key));
      expect(verifyZip215(publicKey, bytesFromHex(message), bytesFromHex(signature))).toBe(zip215);
      expect(verifyStrict(publicKey, bytesFromHex(message), bytesFromHex(signature))).toBe(strict);
    },
  );

  test('refuses a key that is no point of the curve, both ways', () => {
    const key = ed25519PublicKey(bytesFromHex(`02${'00'.repeat(31)}`));
    const signature = bytesFromHex(`01${'00'.repeat(63)}`);
    expect(verifyZip215(key, new Uint8Array(0), signature)).toBe(false);
    expect(verifyStrict(key, new Uint8Array(0), signature)).toBe(false);
  });
});
