/** Domains, ids and labels: what people write, and what is on the wire. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALL_DOMAINS,
  domainBits,
  domainsFromBits,
  formatDomains,
  parseDomains,
} from 'yubihsm/objects/domains';
import { decodeLabel, encodeLabel } from 'yubihsm/objects/label';
import { encodeObjectId, formatObjectId, parseObjectId } from 'yubihsm/objects/object-id';
import { hex } from '../known-bytes.ts';

const refused = expect.objectContaining({ code: 'ERR_YUBIHSM_INVALID_REQUEST' });

describe('domains', () => {
  it.each([
    ['1', 0x0001],
    ['16', 0x8000],
    ['1,16', 0x8001],
    ['2:4', 0x000a],
    ['3;1|2', 0x0007],
    ['1,1', 0x0001],
    ['all', 0xffff],
    ['0xFFff', 0xffff],
    ['0x0', 0],
  ])('%o means %i', (text, bits) => {
    expect(domainBits(parseDomains(text))).toBe(bits);
  });

  it.each(['', '0', '17', '1,', ',1', '1 2', '0x', '0x10000', 'ALL', '-1', '1.5', '1e1', ' 1'])(
    'refuses %o',
    (text) => {
      expect(() => parseDomains(text)).toThrow(refused);
    },
  );

  it.each([[0], [17], [1.5], [Number.NaN]])('refuses domain %f', (domain) => {
    expect(() => domainBits([1, domain])).toThrow(refused);
  });

  it('any 16 bits can be written, and read again', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), (bits) => {
        expect(domainBits(parseDomains(formatDomains(domainsFromBits(bits))))).toBe(bits);
      }),
    );
  });

  it('are written in order, once each', () => {
    expect(formatDomains([16, 1, 1])).toBe('1,16');
    expect(formatDomains(ALL_DOMAINS)).toBe('all');
    expect(formatDomains([])).toBe('0x0000');
  });
});

describe('object ids', () => {
  it.each([
    ['0', 0],
    ['100', 100],
    ['0x0064', 100],
    ['0xFFFE', 0xfffe],
    ['65534', 0xfffe],
  ])('%o is %i', (text, id) => {
    expect(parseObjectId(text)).toBe(id);
  });

  it.each(['', '65535', '0xffff', '0x', '0x10000', '-1', '1.0', ' 1', '1e3', '0b1', 'ten'])(
    'refuses %o',
    (text) => {
      expect(() => parseObjectId(text)).toThrow(refused);
    },
  );

  it('survive their text', () => {
    fc.assert(
      fc.property(fc.nat(0xfffe), (id) => {
        expect(parseObjectId(formatObjectId(id))).toBe(id);
        expect(encodeObjectId(id)).toEqual(hex(formatObjectId(id).slice(2)));
      }),
    );
  });

  it.each([-1, 0xffff, 1.5, Number.NaN])('%f is not sent', (id) => {
    expect(() => encodeObjectId(id)).toThrow(refused);
  });
});

describe('labels', () => {
  it('fill forty bytes', () => {
    expect(encodeLabel('consensus')).toEqual(hex(`636f6e73656e737573${'00'.repeat(31)}`));
    expect(encodeLabel('')).toEqual(new Uint8Array(40));
    expect(encodeLabel('a'.repeat(40))).toEqual(hex('61'.repeat(40)));
  });

  it.each([
    ['41 letters', 'a'.repeat(41)],
    ['14 letters of three bytes each', '€'.repeat(14)],
    ['a NUL, which would end it', 'a\0b'],
    ['half a surrogate pair', '\ud83d'],
  ])('are refused, not cut: %s', (_, label) => {
    expect(() => encodeLabel(label)).toThrow(refused);
  });

  it('are read up to the first zero', () => {
    expect(decodeLabel(hex(`6162 00 6364 ${'00'.repeat(35)}`))).toBe('ab');
    expect(decodeLabel(hex('61'.repeat(40)))).toBe('a'.repeat(40));
  });

  it('that are not UTF-8 are shown in hexadecimal', () => {
    expect(decodeLabel(hex(`c3 28 ff ${'00'.repeat(37)}`))).toBe('0xc328ff');
    expect(decodeLabel(hex(`${'61'.repeat(38)} e282`))).toBe(`0x${'61'.repeat(38)}e282`);
  });

  it('of any text that fits come back as they were', () => {
    const label = fc
      .string({ unit: 'binary', maxLength: 40 })
      .filter((text) => Buffer.byteLength(text) <= 40 && !text.includes('\0'));
    fc.assert(
      fc.property(label, (text) => {
        expect(decodeLabel(encodeLabel(text))).toBe(text);
      }),
    );
  });

  it('of any bytes can be read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), (bytes) => {
        expect(typeof decodeLabel(bytes)).toBe('string');
      }),
    );
  });
});
