/** The few forms of DER (X.690) that a certificate is made of. */
import { concatBytes, utf8Bytes } from '@privval/proto/runtime/bytes';

/** One value: tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...content);
  if (body.length < 0x80) return concatBytes(Uint8Array.of(tag, body.length), body);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  return concatBytes(Uint8Array.of(tag, 0x80 | length.length, ...length), body);
}

/** SEQUENCE. */
export function sequence(...content: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...content);
}

/** SET of one. */
export function setOf(content: Uint8Array): Uint8Array {
  return der(0x31, content);
}

/** OBJECT IDENTIFIER, from its dotted text. */
export function objectId(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Uint8Array.from(bytes));
}

/** INTEGER of an unsigned big-endian number whose first byte is not zero. */
export function unsigned(bytes: Uint8Array): Uint8Array {
  return der(0x02, (bytes[0] ?? 0) & 0x80 ? concatBytes(Uint8Array.of(0), bytes) : bytes);
}

/** BOOLEAN true. */
export const TRUE: Uint8Array = der(0x01, Uint8Array.of(0xff));

/** UTF8String. */
export function utf8String(text: string): Uint8Array {
  return der(0x0c, utf8Bytes(text));
}

/** OCTET STRING. */
export function octets(content: Uint8Array): Uint8Array {
  return der(0x04, content);
}

/** BIT STRING; `unused` bits of the last byte do not count. */
export function bits(content: Uint8Array, unused = 0): Uint8Array {
  return der(0x03, Uint8Array.of(unused), content);
}

/** A time as X.509 has it: UTCTime before 2050, GeneralizedTime from then on. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replaceAll(/\.\d+|[-:T]/g, '');
  return digits < '2050' ? der(0x17, utf8Bytes(digits.slice(2))) : der(0x18, utf8Bytes(digits));
}

/** A value under a context tag of its own: `[number]`, constructed. */
export function tagged(number: number, ...content: readonly Uint8Array[]): Uint8Array {
  return der(0xa0 | number, ...content);
}
