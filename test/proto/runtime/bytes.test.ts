import {
  base64FromBytes,
  bytesFromBase64,
  bytesFromHex,
  hexFromBytes,
  InvalidByteTextError,
} from '@privval/proto/runtime/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** The answer, or `undefined` for a text that is refused. Any other error is a failure. */
function decoded(decode: (text: string) => Uint8Array, text: string): Uint8Array | undefined {
  try {
    return decode(text);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidByteTextError);
    return undefined;
  }
}

/** What the language's own function says; Node 24 has none, and asks the harness's. */
function oracle(decode: () => Uint8Array): Uint8Array | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

const hexLike = fc.string({ unit: fc.constantFrom(...'09afAFgG:- \n\u212a\uff11'), maxLength: 12 });

const base64Like = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'AZaz09+/-_= \n\u212a'), maxLength: 12 }),
  // Nearly right: the right text with one character changed, put in or taken out.
  fc
    .tuple(
      fc.uint8Array({ maxLength: 20 }),
      fc.nat(30),
      fc.nat(1),
      fc.constantFrom('', ...'AQgw9+/=-_ \n\u0141'),
    )
    .map(([bytes, at, removed, put]) => {
      const text = Buffer.from(bytes).toString('base64');
      return text.slice(0, at) + put + text.slice(at + removed);
    }),
);

describe('hexadecimal', () => {
  it('is lower case, and comes back from either', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = hexFromBytes(bytes);
        expect(text).toBe(bytes.toHex());
        expect(bytesFromHex(text)).toEqual(bytes);
        expect(bytesFromHex(text.toUpperCase())).toEqual(bytes);
      }),
    );
  });

  it("is read as strictly as by the language's own function", () => {
    fc.assert(
      fc.property(hexLike, (text) => {
        expect(decoded(bytesFromHex, text)).toEqual(oracle(() => Uint8Array.fromHex(text)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['an odd digit', 'abc'],
    ['a letter past f', 'ag'],
    ['a bad end', 'abcdzz'],
    ['a prefix', '0xab'],
    ['a space', 'ab cd'],
    ['a line end', 'ab\n'],
    ['digits of another script', '\uff11\uff12'],
    ['letters whose low byte is a digit', '\u0131\u0132'],
  ])('is refused with %s', (_, text) => {
    expect(() => bytesFromHex(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_BYTE_TEXT', encoding: 'hex' }),
    );
  });
});

describe('base64', () => {
  it('has the standard alphabet and padding, and comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = base64FromBytes(bytes);
        expect(text).toBe(bytes.toBase64());
        expect(bytesFromBase64(text)).toEqual(bytes);
      }),
    );
  });

  it("is read as strictly as by the language's own function, and without its spaces", () => {
    fc.assert(
      fc.property(base64Like, (text) => {
        const strict = () => Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' });
        const expected = /\s/.test(text) ? undefined : oracle(strict);
        expect(decoded(bytesFromBase64, text)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['without its padding', 'QQ'],
    ['with half its padding', 'QQ='],
    ['with too much padding', 'QUJD='],
    ['with bits left over', 'QR=='],
    ["in the URL's alphabet", '-_-_'],
    ['with a space', 'QUJD QUJD'],
    ['with a line end', 'QUJD\n'],
    ['with more after its padding', 'QQ==QQ=='],
    ['with a letter whose low byte would do', 'QUJ\u0144'],
  ])('is refused %s', (_, text) => {
    expect(() => bytesFromBase64(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_BYTE_TEXT', encoding: 'base64' }),
    );
  });
});

describe('bytes', () => {
  it('are written from the part of their memory that they are', () => {
    const part = Uint8Array.of(9, 9, 0x41, 0x42, 9).subarray(2, 4);
    expect(hexFromBytes(part)).toBe('4142');
    expect(base64FromBytes(part)).toBe('QUI=');
  });

  it.each([
    ['hexadecimal', () => bytesFromHex('4142')],
    ['base64', () => bytesFromBase64('QUI=')],
  ])('from %s are plain, in memory of their own', (_, decode) => {
    const bytes = decode();
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(bytes.buffer.byteLength).toBe(2);
  });
});
