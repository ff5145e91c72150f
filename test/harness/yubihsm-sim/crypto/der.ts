/** The little of ASN.1 DER that keys, signatures and certificates need. */
import { bytesFromInteger, concat } from '../device/bytes.ts';

/** One tag, its length and its content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(...parts);
  return concat(Uint8Array.of(tag), lengthOf(content.length), content);
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

export function set(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x31, ...parts);
}

/** A non-negative integer. */
export function integer(value: bigint): Uint8Array {
  const hex = value.toString(16);
  const bytes = bytesFromInteger(value, Math.ceil(hex.length / 2));
  return der(0x02, (bytes[0] ?? 0) & 0x80 ? concat(Uint8Array.of(0), bytes) : bytes);
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return der(0x04, bytes);
}

/** Whole bytes, no bit unused. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return der(0x03, Uint8Array.of(0), bytes);
}

export function utf8String(bytes: Uint8Array): Uint8Array {
  return der(0x0c, bytes);
}

/** `1.2.840.…`. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Uint8Array.from(bytes));
}

/** One element as it was read. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** With its tag and length. */
  readonly encoded: Uint8Array;
}

/** The elements of a constructed content, in order. @throws {RangeError} on what is not DER. */
export function derElements(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const { tag, start, end } = headerAt(bytes, at);
    elements.push({ tag, content: bytes.slice(start, end), encoded: bytes.slice(at, end) });
    at = end;
  }
  return elements;
}

function headerAt(bytes: Uint8Array, at: number) {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw new RangeError('DER ends early');
  const count = first < 0x80 ? 0 : first & 0x7f;
  if (count > 3 || first === 0x80) throw new RangeError('DER length is not usable');
  let length = count === 0 ? first : 0;
  for (let index = 0; index < count; index++) length = length * 256 + (bytes[at + 2 + index] ?? 0);
  const start = at + 2 + count;
  if (start + length > bytes.length) throw new RangeError('DER ends early');
  return { tag, start, end: start + length };
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes = length < 0x100 ? [length] : [length >>> 8, length & 0xff];
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}
