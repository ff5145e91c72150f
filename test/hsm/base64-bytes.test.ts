import {
  decodeBase64Into,
  encodeBase64Into,
  encodedBytes,
  maxDecodedBytes,
} from '@privval/hsm/file/base64-bytes';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

function decode(text: Uint8Array): Uint8Array | undefined {
  const target = new Uint8Array(maxDecodedBytes(text.length));
  const length = decodeBase64Into(target, text);
  return length === undefined ? undefined : target.subarray(0, length);
}

function encode(bytes: Uint8Array): string {
  const target = new Uint8Array(encodedBytes(bytes.length));
  encodeBase64Into(target, bytes);
  return new TextDecoder().decode(target);
}

/** What the engine's own strict decoder says. */
function oracle(text: string): Uint8Array | undefined {
  try {
    return /\s/.test(text)
      ? undefined
      : Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' });
  } catch {
    return undefined;
  }
}

describe('base64 over bytes', () => {
  test('writes what the engine writes, and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100, minLength: 1 }), (bytes) => {
        const text = encode(bytes);
        expect(text).toBe(bytes.toBase64());
        expect(decode(ascii(text))).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  test('decides every group of two letters and of every byte as the engine does', () => {
    const letters = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
    for (const a of letters) {
      for (const text of [`A${a}==`, `AA${a}=`, `AAA${a}`, `${a}AAA`, `A${a}A=`, `AA${a}${a}`]) {
        expect([text, decode(ascii(text))]).toEqual([text, oracle(text)]);
      }
    }
  });

  test('refuses what is no text of whole groups, and bytes beyond ASCII', () => {
    for (const bytes of ['', 'A', 'AA', 'AAA', 'AAAAA', '=', '====', 'A===', '=AAA', 'AA=A']) {
      expect([bytes, decode(ascii(bytes))]).toEqual([bytes, undefined]);
    }
    for (let byte = 128; byte < 256; byte++) {
      expect(decode(Uint8Array.of(0x41, byte, 0x41, 0x41))).toBeUndefined();
    }
  });

  test('refuses a text that has more than the target has room for', () => {
    expect(decodeBase64Into(new Uint8Array(2), ascii('AAAA'))).toBeUndefined();
    expect(decodeBase64Into(new Uint8Array(2), ascii('AAA='))).toBe(2);
  });
});
