import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame, errorCodeOf } from 'yubihsm/connector/frame';

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

test.each([
  ['no data', 0x40, '', '400000'],
  ['some', 0x01, '48656c6c6f', '01000548656c6c6f'],
  ['more than 255 bytes', 0x6a, 'ab'.repeat(300), `6a012c${'ab'.repeat(300)}`],
])('a frame with %s is its command, its length and its data', (_, command, data, bytes) => {
  expect(encodeFrame(command, hex(data))).toEqual(hex(bytes));
  expect(decodeFrame(hex(bytes))).toEqual({ command, data: hex(data) });
});

test.each([
  ['nothing', ''],
  ['a byte', '01'],
  ['half a header', '0100'],
  ['fewer bytes than it says', '01000248'],
  ['more bytes than it says', '0100014865'],
])('%s is no frame', (_, bytes) => {
  expect(decodeFrame(hex(bytes))).toBeUndefined();
});

test('data beyond what a length can say is a bug of the caller', () => {
  expect(() => encodeFrame(1, new Uint8Array(65_536))).toThrow(
    expect.objectContaining({ code: 'ERR_YUBIHSM_INVARIANT' }),
  );
});

test.each([
  ['an error', '7f00010b', 0x0b],
  ['a reply', '81000141', undefined],
  ['an error of no byte', '7f0000', undefined],
  ['an error of two bytes', '7f00020b0b', undefined],
])('the error code of %s', (_, bytes, code) => {
  expect(errorCodeOf(decodeFrame(hex(bytes)) ?? { command: 0, data: hex('') })).toBe(code);
});
