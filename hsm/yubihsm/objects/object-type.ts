/** The kinds of object a device holds. An object is named by its type and id together. */
import { namedBytes } from './named-bytes.ts';

const CODES = {
  opaque: 0x01,
  'authentication-key': 0x02,
  'asymmetric-key': 0x03,
  'wrap-key': 0x04,
  'hmac-key': 0x05,
  template: 0x06,
  'otp-aead-key': 0x07,
  'symmetric-key': 0x08,
  'public-wrap-key': 0x09,
} as const;

/** A kind by the vendor's name; `type-N` (decimal) for one that is not known here. */
export type ObjectType = keyof typeof CODES | `type-${number}`;

const BYTES = namedBytes('type', CODES);

/** The byte for a type. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST for what is none. */
export function objectTypeCode(type: ObjectType): number {
  return BYTES.code(type);
}

/** The type for a byte. Never refuses: newer firmware may have more. */
export function objectTypeFromCode(code: number): ObjectType {
  return BYTES.name(code);
}
