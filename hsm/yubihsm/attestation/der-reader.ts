/** As much of DER as it takes to walk through a certificate. */
import { MalformedAttestationError } from './malformed-attestation-error.ts';

/** Tags that occur on the way. */
export const DER_TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  /** `[3]`, constructed: a certificate's extensions. */
  context3: 0xa3,
} as const;

/** One item: its tag and what is in it. */
export interface DerItem {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The items that fill these bytes. @throws {MalformedAttestationError} ERR_YUBIHSM_MALFORMED_ATTESTATION */
export function readItems(bytes: Uint8Array): readonly DerItem[] {
  const items: DerItem[] = [];
  let position = 0;
  while (position < bytes.length) {
    const { start, end } = extentOf(bytes, position);
    items.push({ tag: bytes[position] ?? 0, content: bytes.subarray(start, end) });
    position = end;
  }
  return items;
}

/** The one item that fills these bytes, of this tag. @throws {MalformedAttestationError} ERR_YUBIHSM_MALFORMED_ATTESTATION */
export function readItem(bytes: Uint8Array, tag: number): Uint8Array {
  const [item, ...others] = readItems(bytes);
  if (item?.tag !== tag || others.length > 0) {
    throw new MalformedAttestationError(`not one DER item with tag ${tag}`);
  }
  return item.content;
}

/** Content of an item among others, by its place. @throws {MalformedAttestationError} ERR_YUBIHSM_MALFORMED_ATTESTATION */
export function contentOf(item: DerItem | undefined, tag: number): Uint8Array {
  if (item?.tag === tag) return item.content;
  throw new MalformedAttestationError(`a DER item with tag ${tag} is not in its place`);
}

/** A whole number that is not negative. @throws {MalformedAttestationError} ERR_YUBIHSM_MALFORMED_ATTESTATION */
export function unsignedOf(content: Uint8Array): bigint {
  if (content.length === 0 || content.length > 1024 || (content[0] ?? 0) >= 0x80) {
    throw new MalformedAttestationError('a number is negative, or none');
  }
  return BigInt(`0x${Buffer.from(content).toString('hex')}`);
}

/** Whole bytes of a bit string. @throws {MalformedAttestationError} ERR_YUBIHSM_MALFORMED_ATTESTATION */
export function bitStringBytes(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new MalformedAttestationError('a bit string does not end at a byte');
  return content.subarray(1);
}

/** Where the content of the item at `position` starts and ends. Definite lengths, in their shortest form. */
function extentOf(bytes: Uint8Array, position: number): { start: number; end: number } {
  const tag = bytes[position] ?? 0;
  const first = bytes[position + 1] ?? 0xff;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = position + 2 + lengthBytes;
  let length = first < 0x80 ? first : 0;
  for (const byte of bytes.subarray(position + 2, start)) length = length * 256 + byte;
  const isShortest = lengthBytes === 0 || (bytes[position + 2] !== 0 && length >= 0x80);
  const isDefinite = lengthBytes <= 3 && first !== 0x80 && (tag & 0x1f) !== 0x1f;
  if (!isDefinite || !isShortest || start + length > bytes.length) {
    throw new MalformedAttestationError('it is not DER');
  }
  return { start, end: start + length };
}
