/** The kinds of object a device holds. An object is named by its type and id together. */
import { InvalidRequestError } from '../commands/invalid-request-error.ts';

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

const NAMES: ReadonlyMap<number, ObjectType> = new Map(
  Object.entries(CODES).map(([name, code]) => [code, name as ObjectType]),
);

/** The byte for a type. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST for what is no type. */
export function objectTypeCode(type: ObjectType): number {
  const code = (CODES as Partial<Record<string, number>>)[type] ?? numberOf(type);
  if (code === undefined) throw new InvalidRequestError('type', `'${type}' is no object type`);
  return code;
}

/** The type for a byte. Never refuses: newer firmware has more of them. */
export function objectTypeFromCode(code: number): ObjectType {
  return NAMES.get(code) ?? `type-${code}`;
}

function numberOf(type: string): number | undefined {
  const digits = /^type-(0|[1-9]\d{0,2})$/.exec(type)?.[1];
  const code = Number(digits ?? Number.NaN);
  return code <= 0xff ? code : undefined;
}
