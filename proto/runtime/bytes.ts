/** Byte strings: the few operations everybody needs, over plain `Uint8Array`. */
import { CodedError } from './coded-error.ts';

/** A text that should be hexadecimal or base64 is not. */
export class InvalidByteTextError extends CodedError {
  override readonly name = 'InvalidByteTextError';
  readonly code = 'ERR_INVALID_BYTE_TEXT';
  readonly encoding: 'hex' | 'base64';

  constructor(encoding: 'hex' | 'base64') {
    super(`not a valid ${encoding} text`);
    this.encoding = encoding;
  }
}

/** Whether both hold the same bytes. Not for secrets: see `sodium_memcmp` users in proto/crypto. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Order of two byte strings as unsigned numbers, shorter first on a common prefix. Negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** All parts, one after the other, in a new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}

/** Lower-case hexadecimal. */
export function hexFromBytes(bytes: Uint8Array): string {
  return bufferOver(bytes).toString('hex');
}

/** @throws {InvalidByteTextError} ERR_INVALID_BYTE_TEXT on anything but an even number of hex digits. */
export function bytesFromHex(text: string): Uint8Array {
  // A decoder of Node's stops at what it cannot read: only a text that comes back was read to its end.
  const decoded = Buffer.from(text, 'hex');
  if (decoded.toString('hex') !== text.toLowerCase()) throw new InvalidByteTextError('hex');
  return new Uint8Array(decoded);
}

/** Standard alphabet, padded. */
export function base64FromBytes(bytes: Uint8Array): string {
  return bufferOver(bytes).toString('base64');
}

/** @throws {InvalidByteTextError} ERR_INVALID_BYTE_TEXT unless standard, padded base64 without spaces. */
export function bytesFromBase64(text: string): Uint8Array {
  // Spaces, the other alphabet, missing padding and bits left over would not come back.
  const decoded = Buffer.from(text, 'base64');
  if (decoded.toString('base64') !== text) throw new InvalidByteTextError('base64');
  return new Uint8Array(decoded);
}

/** The same memory as a `Buffer`, which can write text on every Node we run on; `Uint8Array` cannot on 24. */
function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** UTF-8 bytes of a text. */
export function utf8Bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
