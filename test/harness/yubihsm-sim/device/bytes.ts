/** Big-endian numbers and joined byte strings. */
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';

/** The parts, one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export function u64(value: bigint): Uint8Array {
  return bytesFromInteger(value, 8);
}

/** An unsigned integer of any size. */
export function integerFromBytes(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${hexFromBytes(bytes)}`);
}

/** `value` in `length` bytes. @throws {RangeError} when it does not fit. */
export function bytesFromInteger(value: bigint, length: number): Uint8Array {
  const hex = value.toString(16);
  if (hex.length > 2 * length) throw new RangeError(`an integer does not fit ${length} bytes`);
  return bytesFromHex(hex.padStart(2 * length, '0'));
}

/** Whether the two are the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
