/** Algorithms: their numbers, what each needs, and which the firmware lists. */
import { type Firmware, isAtLeast } from './firmware.ts';

/** The numbers the model names. The others occur only in lists. */
export const ALGORITHM = {
  rsa2048: 9,
  rsa3072: 10,
  rsa4096: 11,
  ecp256: 12,
  eck256: 15,
  aes128CcmWrap: 29,
  opaqueData: 30,
  opaqueX509: 31,
  templateSsh: 36,
  aes128YubicoAuthentication: 38,
  aes192CcmWrap: 41,
  aes256CcmWrap: 42,
  ed25519: 46,
  ecP256YubicoAuthentication: 49,
} as const;

/** A curve as OpenSSL names it, with what ECDSA needs to know of it. */
export interface Curve {
  readonly name: string;
  readonly oid: string;
  /** Bytes of a scalar and of a coordinate. */
  readonly bytes: number;
  readonly order: bigint;
}

/** Curves of the `ec…` algorithms. Orders: SEC 2 and RFC 5639. */
export const CURVES: ReadonlyMap<number, Curve> = new Map([
  [
    12,
    curve(
      'prime256v1',
      '1.2.840.10045.3.1.7',
      32,
      'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
    ),
  ],
  [
    13,
    curve(
      'secp384r1',
      '1.3.132.0.34',
      48,
      'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    ),
  ],
  [
    14,
    curve(
      'secp521r1',
      '1.3.132.0.35',
      66,
      '01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
    ),
  ],
  [
    15,
    curve(
      'secp256k1',
      '1.3.132.0.10',
      32,
      'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
    ),
  ],
  [
    16,
    curve(
      'brainpoolP256r1',
      '1.3.36.3.3.2.8.1.1.7',
      32,
      'a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7',
    ),
  ],
  [
    17,
    curve(
      'brainpoolP384r1',
      '1.3.36.3.3.2.8.1.1.11',
      48,
      '8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565',
    ),
  ],
  [
    18,
    curve(
      'brainpoolP512r1',
      '1.3.36.3.3.2.8.1.1.13',
      64,
      'aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069',
    ),
  ],
  [
    47,
    curve(
      'secp224r1',
      '1.3.132.0.33',
      28,
      'ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d',
    ),
  ],
]);

/** Modulus lengths in bytes. */
export const RSA_BYTES: ReadonlyMap<number, number> = new Map([
  [ALGORITHM.rsa2048, 256],
  [ALGORITHM.rsa3072, 384],
  [ALGORITHM.rsa4096, 512],
]);

/** Key lengths of the AES-CCM wrap keys, in bytes. */
export const WRAP_KEY_BYTES: ReadonlyMap<number, 16 | 24 | 32> = new Map([
  [ALGORITHM.aes128CcmWrap, 16],
  [ALGORITHM.aes192CcmWrap, 24],
  [ALGORITHM.aes256CcmWrap, 32],
]);

/** Key lengths of plain AES keys, in bytes. */
export const AES_KEY_BYTES: ReadonlyMap<number, 16 | 24 | 32> = new Map([
  [50, 16],
  [51, 24],
  [52, 32],
]);

/** Key lengths of the keys that encrypt OTP secrets, in bytes. */
export const OTP_KEY_BYTES: ReadonlyMap<number, 16 | 24 | 32> = new Map([
  [37, 16],
  [39, 24],
  [40, 32],
]);

/** HMAC algorithms: the hash, its output and the longest key, both in bytes. */
export const HMACS: ReadonlyMap<
  number,
  { readonly hash: string; readonly bytes: number; readonly maxKeyBytes: number }
> = new Map([
  [19, { hash: 'sha1', bytes: 20, maxKeyBytes: 64 }],
  [20, { hash: 'sha256', bytes: 32, maxKeyBytes: 64 }],
  [21, { hash: 'sha384', bytes: 48, maxKeyBytes: 128 }],
  [22, { hash: 'sha512', bytes: 64, maxKeyBytes: 128 }],
]);

/** The hash of each OAEP algorithm. */
export const OAEP_HASHES: ReadonlyMap<number, string> = new Map([
  [25, 'sha1'],
  [26, 'sha256'],
  [27, 'sha384'],
  [28, 'sha512'],
]);

/** The hash of each MGF1 algorithm. */
export const MGF1_HASHES: ReadonlyMap<number, string> = new Map([
  [32, 'sha1'],
  [33, 'sha256'],
  [34, 'sha384'],
  [35, 'sha512'],
]);

/** What DeviceInfo lists: 47 at first, and more with each firmware. */
export function supportedAlgorithms(firmware: Firmware): readonly number[] {
  const last = isAtLeast(firmware, 2, 4)
    ? 55
    : isAtLeast(firmware, 2, 3)
      ? 54
      : isAtLeast(firmware, 2, 2)
        ? 48
        : 47;
  return Array.from({ length: last }, (_, index) => index + 1);
}

function curve(name: string, oid: string, bytes: number, order: string): Curve {
  return { name, oid, bytes, order: BigInt(`0x${order}`) };
}
