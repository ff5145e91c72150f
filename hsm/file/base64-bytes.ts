/**
 * Base64 between byte arrays, for secrets: no string is ever made (S18).
 *
 * Without tables or branches on a byte's value, so that neither cache nor timing tells of it.
 */

const PADDING = 0x3d;

/** Bytes that a padded base64 text of `textBytes` bytes can hold at most. */
export function maxDecodedBytes(textBytes: number): number {
  return Math.floor(textBytes / 4) * 3;
}

/** Length of the padded base64 text of `length` bytes. */
export function encodedBytes(length: number): number {
  return Math.ceil(length / 3) * 4;
}

/**
 * Decodes standard, padded base64 into `target`.
 *
 * @returns how many bytes were written, or `undefined` when the text is not strict base64 (wrong
 *   alphabet, missing padding, bits left over) or does not fit. `target` is then left half-written.
 */
export function decodeBase64Into(target: Uint8Array, text: Uint8Array): number | undefined {
  if (text.length === 0 || text.length % 4 !== 0) return undefined;
  const padding = text.at(-1) !== PADDING ? 0 : text.at(-2) !== PADDING ? 1 : 2;
  const length = maxDecodedBytes(text.length) - padding;
  if (length > target.length) return undefined;
  let bad = 0;
  let written = 0;
  for (let at = 0; at < text.length; at += 4) {
    let group = 0;
    for (let i = at; i < at + 4; i++) {
      const isPadding = i >= text.length - padding;
      const value = isPadding ? 0 : sextetOf(text[i] ?? 0);
      bad |= value >> 8;
      group = (group << 6) | (value & 0x3f);
    }
    for (let shift = 16; shift >= 0; shift -= 8) {
      const byte = (group >> shift) & 0xff;
      if (written < length) target[written++] = byte;
      else bad |= byte;
    }
  }
  return bad === 0 ? written : undefined;
}

/** Encodes `bytes` as padded base64 into `target`, which has room for {@link encodedBytes}. */
export function encodeBase64Into(target: Uint8Array, bytes: Uint8Array): void {
  let written = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let i = 0; i < 4; i++) {
      target[written++] =
        at + i > bytes.length ? PADDING : letterOf((group >> (18 - 6 * i)) & 0x3f);
    }
  }
}

/** All ones when `low <= value <= high`, else zero; for numbers below 2^30. */
function within(value: number, low: number, high: number): number {
  return ~((value - low) | (high - value)) >> 31;
}

/** Value of a letter, 0 … 63; 256 for one outside the alphabet. */
function sextetOf(letter: number): number {
  const upper = within(letter, 0x41, 0x5a);
  const lower = within(letter, 0x61, 0x7a);
  const digit = within(letter, 0x30, 0x39);
  const plus = within(letter, 0x2b, 0x2b);
  const slash = within(letter, 0x2f, 0x2f);
  return (
    (upper & (letter - 0x41)) |
    (lower & (letter - 0x61 + 26)) |
    (digit & (letter - 0x30 + 52)) |
    (plus & 62) |
    (slash & 63) |
    (~(upper | lower | digit | plus | slash) & 256)
  );
}

/** Letter of a value 0 … 63. */
function letterOf(value: number): number {
  return (
    (within(value, 0, 25) & (value + 0x41)) |
    (within(value, 26, 51) & (value - 26 + 0x61)) |
    (within(value, 52, 61) & (value - 52 + 0x30)) |
    (within(value, 62, 62) & 0x2b) |
    (within(value, 63, 63) & 0x2f)
  );
}
