/** Labels: up to 40 bytes of text that a device keeps with an object. */
import { InvalidRequestError } from '../commands/invalid-request-error.ts';

/** Bytes on the wire, filled up with zeros. */
export const LABEL_BYTES = 40;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The 40 bytes of a label.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST when it takes more than 40 bytes of UTF-8 (it is
 *   not cut), holds a NUL (which would end it), or half a surrogate pair.
 */
export function encodeLabel(label: string): Uint8Array {
  const bytes = new TextEncoder().encode(label);
  if (bytes.length > LABEL_BYTES) {
    throw new InvalidRequestError(
      'label',
      `${bytes.length} bytes as UTF-8, but at most ${LABEL_BYTES} fit`,
    );
  }
  if (label.includes('\0') || !label.isWellFormed()) {
    throw new InvalidRequestError('label', 'it holds a character that no label can have');
  }
  const padded = new Uint8Array(LABEL_BYTES);
  padded.set(bytes);
  return padded;
}

/** The text up to the first zero byte; what is not UTF-8 in hexadecimal: `0xfffe01`. Never refuses. */
export function decodeLabel(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const text = end === -1 ? bytes : bytes.subarray(0, end);
  try {
    return utf8.decode(text);
  } catch {
    return `0x${Buffer.from(text).toString('hex')}`;
  }
}
