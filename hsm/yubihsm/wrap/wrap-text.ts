/** Wrapped objects as text: base64, as tmkms and Yubico's shell and wrap tool write it into files. */
import { MalformedWrapError } from './wrap-errors.ts';

/** One line of base64, with a newline at its end. */
export function formatWrap(blob: Uint8Array): string {
  return `${Buffer.from(blob).toString('base64')}\n`;
}

/**
 * Reads such a file. Lines may be broken anywhere, and white space around it does not count.
 *
 * @throws {MalformedWrapError} ERR_YUBIHSM_MALFORMED_WRAP when it is not base64 in its one spelling, or empty.
 */
export function parseWrap(text: string): Uint8Array {
  const base64 = text.replace(/\s+/g, '');
  const blob = Buffer.from(base64, 'base64');
  if (base64 === '' || blob.toString('base64') !== base64) {
    throw new MalformedWrapError('the text is not base64');
  }
  return Uint8Array.from(blob);
}
