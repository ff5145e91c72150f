import { encodeFrame, FrameDecoder } from '@privval/hsm/pkcs11/module-frames';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('frames come through a pipe as they were sent, however it cuts them', () => {
  const frame = fc.record({ text: fc.string(), body: fc.uint8Array({ maxLength: 300 }) });
  const property = fc.property(fc.array(frame), fc.integer({ min: 1, max: 50 }), (frames, cut) => {
    const sent = frames.map(({ text, body }) => Buffer.from(encodeFrame({ text }, body)));
    const stream = Buffer.concat(sent);
    const decoder = new FrameDecoder();
    const received = [];
    for (let start = 0; start < stream.length; start += cut) {
      received.push(...decoder.push(stream.subarray(start, start + cut)));
    }
    const asSent = frames.map(({ text, body }) => ({ header: { text }, body }));
    expect(received.map(({ header, body }) => ({ header, body: new Uint8Array(body) }))).toEqual(
      asSent,
    );
  });
  fc.assert(property);
});

test.each([
  ['text of a library', new TextEncoder().encode('warning: no configuration file found')],
  ['a header that is no JSON', Uint8Array.fromHex('00000003000000007b7b7b')],
  ['a header that is no UTF-8', Uint8Array.fromHex('0000000100000000ff')],
  ['a header without end', Uint8Array.fromHex('7fffffff00000000')],
  ['a body without end', Uint8Array.fromHex('000000027fffffff7b7d')],
])('%s is not taken for a frame', (_, bytes) => {
  expect(() => new FrameDecoder().push(bytes)).toThrow(
    expect.objectContaining({ code: 'ERR_PKCS11_UNEXPECTED_ANSWER' }),
  );
});

test('nothing comes of random bytes but frames or a coded error', () => {
  const property = fc.property(fc.uint8Array({ minLength: 8, maxLength: 200 }), (bytes) => {
    try {
      new FrameDecoder().push(bytes);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_PKCS11_UNEXPECTED_ANSWER' });
    }
  });
  fc.assert(property);
});
