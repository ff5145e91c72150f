import { type JsonSpan, readJsonObject, textOfSpan } from '@privval/hsm/file/json-spans';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The value a span stands for, so that it can be compared with `JSON.parse`. */
function meaningOf(bytes: Uint8Array, span: JsonSpan): unknown {
  if (span.kind === 'object') {
    return Object.fromEntries(
      [...span.members].map(([key, member]) => [key, meaningOf(bytes, member)]),
    );
  }
  if (span.kind === 'string') return textOfSpan(bytes, span);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(span.start, span.end)));
}

describe('readJsonObject', () => {
  test('finds the values JSON.parse finds', () => {
    const member = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(true, false, null),
      fc.array(fc.string()),
    );
    const key = fc.string({ unit: 'grapheme' }).filter((text) => text !== '__proto__');
    const object = fc.dictionary(key, fc.oneof(member, fc.dictionary(key, member)));
    fc.assert(
      fc.property(object, fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const bytes = bytesOf(` ${text}\n`);
        expect(meaningOf(bytes, readJsonObject(bytes))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('never accepts what JSON.parse refuses', () => {
    const piece = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ':',
        ',',
        '"a"',
        '"b"',
        '"',
        '\\',
        '1',
        '-',
        '.',
        '0',
        'e',
        ' ',
        '\n',
      ],
      ...['true', 'null', 'nul', '\t', '\u0000', '01', '1.5e+3', '"\\u00e9"', '"\\x"', '"\u0001"'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const bytes = bytesOf(`{${pieces.join('')}}`);
        let value: unknown;
        try {
          value = meaningOf(bytes, readJsonObject(bytes));
        } catch {
          return;
        }
        expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['nothing', ''],
    ['an array', '[]'],
    ['a text', '"a"'],
    ['a key twice', '{"a":1,"a":2}'],
    ['a key twice, once spelled with an escape', '{"a":1,"\\u0061":2}'],
    ['something after the object', '{} {}'],
    ['a byte order mark', '\ufeff{}'],
    ['a comma too many', '{"a":1,}'],
    ['a missing colon', '{"a" 1}'],
    ['an open object', '{"a":{"b":1}'],
    ['an open string', '{"a":"b'],
    ['a string that ends in an escape', '{"a":"b\\'],
    ['a line break in a string', '{"a":"b\nc"}'],
    ['a number with a leading zero', '{"a":01}'],
    ['a word of its own', '{"a":undefined}'],
    ['nesting without end', '{"a":'.repeat(50)],
  ])('refuses %s', (_, text) => {
    expect(() => readJsonObject(bytesOf(text))).toThrow(
      expect.objectContaining({ code: 'ERR_JSON_SYNTAX' }),
    );
  });

  test('names the place of a fault and quotes nothing of the text (S18)', () => {
    const text = '{"value":"hunter2';
    expect(() => readJsonObject(bytesOf(text))).toThrow(
      expect.objectContaining({ offset: text.length, message: expect.not.stringContaining('hun') }),
    );
    const bytes = bytesOf('{"value":"hunter2\\q"}');
    const { members } = readJsonObject(bytes);
    expect(() => textOfSpan(bytes, members.get('value') as JsonSpan)).toThrow(
      expect.toSatisfy(
        (error) =>
          error instanceof Error && error.cause === undefined && !/hun/.test(error.message),
      ),
    );
  });
});
