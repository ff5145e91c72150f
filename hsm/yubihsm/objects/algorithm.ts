/** What a key is for, or how it is used: one byte on the wire. */
import { namedBytes } from './named-bytes.ts';

const CODES = {
  'rsa-pkcs1-sha1': 1,
  'rsa-pkcs1-sha256': 2,
  'rsa-pkcs1-sha384': 3,
  'rsa-pkcs1-sha512': 4,
  'rsa-pss-sha1': 5,
  'rsa-pss-sha256': 6,
  'rsa-pss-sha384': 7,
  'rsa-pss-sha512': 8,
  rsa2048: 9,
  rsa3072: 10,
  rsa4096: 11,
  ecp256: 12,
  ecp384: 13,
  ecp521: 14,
  /** secp256k1. */
  eck256: 15,
  ecbp256: 16,
  ecbp384: 17,
  ecbp512: 18,
  'hmac-sha1': 19,
  'hmac-sha256': 20,
  'hmac-sha384': 21,
  'hmac-sha512': 22,
  'ecdsa-sha1': 23,
  ecdh: 24,
  'rsa-oaep-sha1': 25,
  'rsa-oaep-sha256': 26,
  'rsa-oaep-sha384': 27,
  'rsa-oaep-sha512': 28,
  'aes128-ccm-wrap': 29,
  'opaque-data': 30,
  'opaque-x509-certificate': 31,
  'mgf1-sha1': 32,
  'mgf1-sha256': 33,
  'mgf1-sha384': 34,
  'mgf1-sha512': 35,
  'template-ssh': 36,
  'aes128-yubico-otp': 37,
  'aes128-yubico-authentication': 38,
  'aes192-yubico-otp': 39,
  'aes256-yubico-otp': 40,
  'aes192-ccm-wrap': 41,
  'aes256-ccm-wrap': 42,
  'ecdsa-sha256': 43,
  'ecdsa-sha384': 44,
  'ecdsa-sha512': 45,
  ed25519: 46,
  ecp224: 47,
  'rsa-pkcs1-decrypt': 48,
  'ec-p256-yubico-authentication': 49,
  aes128: 50,
  aes192: 51,
  aes256: 52,
  'aes-ecb': 53,
  'aes-cbc': 54,
  'aes-kwp': 55,
} as const;

/** An algorithm by the vendor's name; `algorithm-N` (decimal) for one that is not known here. */
export type AlgorithmName = keyof typeof CODES | `algorithm-${number}`;

const BYTES = namedBytes('algorithm', CODES);

/** How long the public half of a key is as GetPublicKey gives it. Coordinates come without a prefix. */
const PUBLIC_KEY_BYTES: ReadonlyMap<AlgorithmName, number> = new Map<AlgorithmName, number>([
  ['rsa2048', 256],
  ['rsa3072', 384],
  ['rsa4096', 512],
  ['ecp224', 56],
  ['ecp256', 64],
  ['ecp384', 96],
  ['ecp521', 132],
  ['eck256', 64],
  ['ecbp256', 64],
  ['ecbp384', 96],
  ['ecbp512', 128],
  ['ed25519', 32],
  ['ec-p256-yubico-authentication', 64],
]);

/** The byte for an algorithm. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST for what is none. */
export function algorithmCode(algorithm: AlgorithmName): number {
  return BYTES.code(algorithm);
}

/** The algorithm for a byte. Never refuses: newer firmware may have more. */
export function algorithmFromCode(code: number): AlgorithmName {
  return BYTES.name(code);
}

/** Bytes of a public key of this algorithm, where that is known and fixed. */
export function publicKeyBytes(algorithm: AlgorithmName): number | undefined {
  return PUBLIC_KEY_BYTES.get(algorithm);
}
