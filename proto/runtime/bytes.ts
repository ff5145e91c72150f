/** Byte strings: the few operations everybody needs, over plain `Uint8Array`. */
import { CodedError } from './coded-error.ts';

/** A text that should be hexadecimal or base64 is not. */
export class InvalidByteTextError extends CodedError {
  override readonly name = 'InvalidByteTextError';
  readonly code = 'ERR_INVALID_BYTE_TEXT';
  readonly encoding: 'hex' | 'base64';

  constructor(encoding: 'hex' | 'base64', options?: ErrorOptions) {
    super(`not a valid ${encoding} text`, options);
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
  return bytes.toHex();
}

/** @throws {InvalidByteTextError} ERR_INVALID_BYTE_TEXT on anything but an even number of hex digits. */
export function bytesFromHex(text: string): Uint8Array {
  try {
    return Uint8Array.fromHex(text);
  } catch (cause) {
    throw new InvalidByteTextError('hex', { cause });
  }
}

/** Standard alphabet, padded. */
export function base64FromBytes(bytes: Uint8Array): string {
  return bytes.toBase64();
}

/** @throws {InvalidByteTextError} ERR_INVALID_BYTE_TEXT unless standard, padded base64 without spaces. */
export function bytesFromBase64(text: string): Uint8Array {
  if (/\s/.test(text)) throw new InvalidByteTextError('base64');
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' });
  } catch (cause) {
    throw new InvalidByteTextError('base64', { cause });
  }
}

/** UTF-8 bytes of a text. */
export function utf8Bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
