/** The text alphabets of libp2p ids: base58btc, base36, base32. */
import { bytesFromHex, hexFromBytes } from '../runtime/bytes.ts';
import { CodedError } from '../runtime/coded-error.ts';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz';
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** Longest text that is looked at: ids are under 70 characters, and decoding takes quadratic time. */
const MAX_TEXT_LENGTH = 128;

/** A text is not in the alphabet it claims to be in. */
export class InvalidMultibaseError extends CodedError {
  override readonly name = 'InvalidMultibaseError';
  readonly code = 'ERR_INVALID_MULTIBASE';

  constructor(reason: string) {
    super(`not a multibase text: ${reason}`);
  }
}

/** Base58 as Bitcoin writes it: leading zero bytes are leading `1`s. */
export function encodeBase58(bytes: Uint8Array): string {
  return encodeRadix(bytes, BASE58);
}

/** @throws {InvalidMultibaseError} ERR_INVALID_MULTIBASE */
export function decodeBase58(text: string): Uint8Array {
  return decodeRadix(text, BASE58);
}

/**
 * Text that says its alphabet by its first character: `z` base58btc, `k` base36, `b` base32
 * (RFC 4648 without padding, lower case).
 *
 * @throws {InvalidMultibaseError} ERR_INVALID_MULTIBASE on others, and on text that is not canonical.
 */
export function decodeMultibase(text: string): Uint8Array {
  const body = text.slice(1);
  switch (text.charAt(0)) {
    case 'z':
      return decodeRadix(body, BASE58);
    case 'k':
      return decodeRadix(body, BASE36);
    case 'b':
      return decodeBase32(body);
    default:
      throw new InvalidMultibaseError(`unknown prefix ${JSON.stringify(text.charAt(0))}`);
  }
}

function encodeRadix(bytes: Uint8Array, alphabet: string): string {
  const radix = BigInt(alphabet.length);
  const firstNonZero = bytes.findIndex((byte) => byte !== 0);
  const zeros = firstNonZero < 0 ? bytes.length : firstNonZero;
  let value = bytes.length === zeros ? 0n : BigInt(`0x${hexFromBytes(bytes)}`);
  let text = '';
  for (; value > 0n; value /= radix) text = alphabet.charAt(Number(value % radix)) + text;
  return alphabet.charAt(0).repeat(zeros) + text;
}

function decodeRadix(text: string, alphabet: string): Uint8Array {
  checkLength(text);
  const radix = BigInt(alphabet.length);
  let value = 0n;
  let zeros = 0;
  for (const character of text) {
    const digit = digitOf(character, alphabet);
    if (value === 0n && digit === 0) zeros += 1;
    value = value * radix + BigInt(digit);
  }
  const hex = value === 0n ? '' : value.toString(16);
  const bytes = bytesFromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
  const result = new Uint8Array(zeros + bytes.length);
  result.set(bytes, zeros);
  return result;
}

function decodeBase32(text: string): Uint8Array {
  checkLength(text);
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const character of text) {
    held = ((held << 5) | digitOf(character, BASE32)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >>> bits) & 0xff);
    }
  }
  if (bits >= 5 || (held & ((1 << bits) - 1)) !== 0) {
    throw new InvalidMultibaseError('the bits are no whole bytes');
  }
  return Uint8Array.from(bytes);
}

function checkLength(text: string): void {
  if (text.length > MAX_TEXT_LENGTH) throw new InvalidMultibaseError('too long');
}

function digitOf(character: string, alphabet: string): number {
  const digit = alphabet.indexOf(character);
  if (digit < 0) throw new InvalidMultibaseError(`character ${JSON.stringify(character)}`);
  return digit;
}
