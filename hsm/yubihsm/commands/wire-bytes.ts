/** Fields of a request as bytes: checked numbers, big-endian, and their concatenation. */
import { InvalidRequestError } from './invalid-request-error.ts';

/** All parts, one after the other, in a new array. */
export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** A copy in memory of its own. `slice` makes none of a `Buffer`, which callers may well pass. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

/** One byte. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST unless 0 to 255. */
export function uint8(field: string, value: number): Uint8Array {
  return Uint8Array.of(checked(field, value, 0xff));
}

/** Two bytes. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST unless 0 to 65535. */
export function uint16(field: string, value: number): Uint8Array {
  checked(field, value, 0xffff);
  return Uint8Array.of(value >>> 8, value & 0xff);
}

/** Eight bytes. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST unless 0 to 2^64 − 1. */
export function uint64(field: string, value: bigint): Uint8Array {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw new InvalidRequestError(field, `${value} does not fit in 64 bits`);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/** The bytes themselves. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST unless of one of these lengths. */
export function sized(field: string, bytes: Uint8Array, lengths: readonly number[]): Uint8Array {
  if (!lengths.includes(bytes.length)) {
    throw new InvalidRequestError(
      field,
      `${bytes.length} bytes, but it has ${lengths.join(' or ')}`,
    );
  }
  return bytes;
}

function checked(field: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new InvalidRequestError(field, `${value} is not a whole number from 0 to ${max}`);
  }
  return value;
}
