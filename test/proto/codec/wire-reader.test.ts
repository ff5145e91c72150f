import { WireReader } from '@privval/proto/codec/wire-reader';
import {
  newWriter,
  writeInt64,
  writeSfixed64,
  writtenBytes,
} from '@privval/proto/codec/wire-writer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const malformed = expect.objectContaining({ code: 'ERR_MALFORMED_MESSAGE' });

function readerAtFirstField(hex: string): WireReader {
  const reader = new WireReader(Uint8Array.fromHex(hex.replaceAll(' ', '')));
  reader.next();
  return reader;
}

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer({ min: 0, max: 63 }).map((bits) => 2n ** BigInt(bits) - 1n),
  fc.integer({ min: 0, max: 63 }).map((bits) => -(2n ** BigInt(bits))),
);

describe('64-bit numbers', () => {
  it('come back as they were written, as varints and as eight bytes', () => {
    fc.assert(
      fc.property(int64, (value) => {
        const writer = newWriter();
        writeInt64(writer.uint32(0x08), value);
        writeSfixed64(writer.uint32(0x11), value);
        const bytes = writtenBytes(writer);
        const view = new DataView(bytes.buffer, bytes.length - 8);
        expect(view.getBigInt64(0, true)).toBe(value);
        const reader = new WireReader(bytes);
        expect([reader.next(), reader.int64(), reader.next(), reader.sfixed64()]).toEqual([
          1,
          value,
          2,
          value,
        ]);
        expect(reader.next()).toBe(0);
      }),
      { numRuns: 5000 },
    );
  });

  it('take ten bytes when negative', () => {
    const writer = newWriter();
    writeInt64(writer, -1n);
    expect(writtenBytes(writer).toHex()).toBe('ffffffffffffffffff01');
  });
});

describe('number', () => {
  it('keeps a value outside of 32 bits outside, whatever its sign', () => {
    fc.assert(
      fc.property(int64, (value) => {
        const writer = newWriter();
        writeInt64(writer.uint32(0x08), value);
        const reader = new WireReader(writtenBytes(writer));
        reader.next();
        const read = reader.number();
        if (Number.isSafeInteger(Number(value))) expect(read).toBe(Number(value));
        else
          expect(Math.sign(read) * Math.log2(Math.abs(read))).toSatisfy((magnitude: number) =>
            value < 0n ? magnitude <= -53 : magnitude >= 53,
          );
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a reader', () => {
  it('never reads beyond the nested message it stands in', () => {
    const reader = readerAtFirstField('0a 02 0a 05 0102030405');
    const nested = reader.message();
    expect(nested.next()).toBe(1);
    expect(() => nested.bytes()).toThrow(malformed);
  });

  it('refuses each method on each wire type but its own', () => {
    const methods = {
      int64: (reader: WireReader) => reader.int64(),
      number: (reader: WireReader) => reader.number(),
      sfixed64: (reader: WireReader) => reader.sfixed64(),
      bytes: (reader: WireReader) => reader.bytes(),
      text: (reader: WireReader) => reader.text(),
      message: (reader: WireReader) => reader.message(),
    };
    const own = { int64: 0, number: 0, sfixed64: 1, bytes: 2, text: 2, message: 2 };
    for (const [name, read] of Object.entries(methods)) {
      for (const wireType of [0, 1, 2, 3, 4, 5, 6, 7]) {
        const tag = (0x08 | wireType).toString(16).padStart(2, '0');
        const reader = readerAtFirstField(`${tag} 0000000000000000`);
        if (wireType === own[name as keyof typeof own]) expect(() => read(reader)).not.toThrow();
        else expect(() => read(reader)).toThrow(malformed);
      }
    }
  });

  it('passes over a group of a hundred thousand groups without a stack to overflow', () => {
    const depth = 100_000;
    const bytes = new Uint8Array(2 * depth).fill(0x0b, 0, depth).fill(0x0c, depth);
    const reader = new WireReader(bytes);
    reader.skipRest();
    expect(reader.next()).toBe(0);
  });

  it('keeps texts apart that differ: invalid UTF-8 is none, U+FEFF at the head stays', () => {
    expect(readerAtFirstField('0a 01 ff').text()).toBeUndefined();
    expect(readerAtFirstField('0a 03 eda080').text()).toBeUndefined();
    expect(readerAtFirstField('0a 04 efbbbf63').text()).toBe('\ufeffc');
    expect(readerAtFirstField('0a 02 6363').text(1)).toBeUndefined();
  });
});
