/** What an authentication key may ask for, and what an object may be used for: 64 bits. */
import { InvalidRequestError } from '../commands/invalid-request-error.ts';

/** In the order of their bits, from bit 0. */
const NAMES = [
  'get-opaque',
  'put-opaque',
  'put-authentication-key',
  'put-asymmetric-key',
  'generate-asymmetric-key',
  'sign-pkcs',
  'sign-pss',
  'sign-ecdsa',
  'sign-eddsa',
  'decrypt-pkcs',
  'decrypt-oaep',
  'derive-ecdh',
  'export-wrapped',
  'import-wrapped',
  'put-wrap-key',
  'generate-wrap-key',
  'exportable-under-wrap',
  'set-option',
  'get-option',
  'get-pseudo-random',
  'put-mac-key',
  'generate-hmac-key',
  'sign-hmac',
  'verify-hmac',
  'get-log-entries',
  'sign-ssh-certificate',
  'get-template',
  'put-template',
  'reset-device',
  'decrypt-otp',
  'create-otp-aead',
  'randomize-otp-aead',
  'rewrap-from-otp-aead-key',
  'rewrap-to-otp-aead-key',
  'sign-attestation-certificate',
  'put-otp-aead-key',
  'generate-otp-aead-key',
  'wrap-data',
  'unwrap-data',
  'delete-opaque',
  'delete-authentication-key',
  'delete-asymmetric-key',
  'delete-wrap-key',
  'delete-hmac-key',
  'delete-template',
  'delete-otp-aead-key',
  'change-authentication-key',
  'put-symmetric-key',
  'generate-symmetric-key',
  'delete-symmetric-key',
  'decrypt-ecb',
  'encrypt-ecb',
  'decrypt-cbc',
  'encrypt-cbc',
  'put-public-wrap-key',
  'delete-public-wrap-key',
] as const;

/** A right by the vendor's name; `bit-N` (decimal, 0 to 63) for one that is not known here. */
export type Capability = (typeof NAMES)[number] | `bit-${number}`;

const BITS: ReadonlyMap<string, number> = new Map(NAMES.map((name, bit) => [name, bit]));

/** All 64, known or not: what the authentication key of a new device has. */
export const ALL_CAPABILITIES: readonly Capability[] = capabilitiesFromBits(2n ** 64n - 1n);

/** The 64 bits of these rights. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST for what is none. */
export function capabilityBits(capabilities: readonly Capability[]): bigint {
  return capabilities.reduce((bits, capability) => bits | (1n << BigInt(bitOf(capability))), 0n);
}

/** The rights in 64 bits, in the order of the bits. Never refuses one. */
export function capabilitiesFromBits(bits: bigint): readonly Capability[] {
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => ((bits >> BigInt(bit)) & 1n) === 1n)
    .map((bit) => NAMES[bit] ?? (`bit-${bit}` as const));
}

function bitOf(capability: Capability): number {
  const digits = /^bit-(0|[1-9]\d?)$/.exec(capability)?.[1];
  const bit = BITS.get(capability) ?? Number(digits ?? Number.NaN);
  if (!(bit < 64)) {
    throw new InvalidRequestError('capabilities', `'${capability}' is no capability`);
  }
  return bit;
}
