import { encodeFrame, FrameReader } from '@privval/proto/codec/delimited';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { concatBytes } from '@privval/proto/runtime/bytes';
import { errorCode } from '@privval/proto/runtime/coded-error';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const MAX_BYTES = 1000;

/** Hands out the chunks it was given, then ends. */
function streamOf(chunks: readonly Uint8Array[]): ByteStream {
  const rest = [...chunks];
  return {
    read: () => Promise.resolve(rest.shift()),
    write: () => Promise.reject(new TypeError('nobody writes here')),
    remote: 'test',
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function readerOf(...chunks: readonly Uint8Array[]): FrameReader {
  return new FrameReader({ stream: streamOf(chunks) }, { maxBytes: MAX_BYTES });
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replaceAll(' ', ''));
}

/** Cuts at the given places, which may lie anywhere and coincide. */
function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  const borders = [0, ...at, whole.length];
  return borders
    .slice(1)
    .map((end, i) => whole.slice(borders[i], end))
    .filter((chunk) => chunk.length > 0);
}

/** All bodies until the end, and the code of the error that ended it, if one did. */
async function readAll(reader: FrameReader): Promise<{ bodies: string[]; end: string }> {
  const bodies: string[] = [];
  for (;;) {
    try {
      const body = await reader.read();
      if (body === undefined) return { bodies, end: 'closed' };
      bodies.push(body.toHex());
    } catch (error) {
      return { bodies, end: errorCode(error) };
    }
  }
}

/** The same over bytes that are all there, with arithmetic nobody can get wrong. */
function readAllSlowly(whole: Uint8Array): { bodies: string[]; end: string } {
  const bodies: string[] = [];
  for (let at = 0; ; ) {
    if (at === whole.length) return { bodies, end: 'closed' };
    let length = 0n;
    for (let i = 0n; ; i++) {
      const byte = whole[at++];
      if (byte === undefined) return { bodies, end: 'ERR_TRUNCATED_FRAME' };
      length += BigInt(byte & 0x7f) << (7n * i);
      if (i === 9n && byte > 1) return { bodies, end: 'ERR_BAD_FRAME_LENGTH' };
      if (byte < 0x80) break;
    }
    if (length > BigInt(MAX_BYTES)) return { bodies, end: 'ERR_FRAME_TOO_LARGE' };
    const end = at + Number(length);
    if (end > whole.length) return { bodies, end: 'ERR_TRUNCATED_FRAME' };
    bodies.push(whole.slice(at, end).toHex());
    at = end;
  }
}

describe('encodeFrame', () => {
  it.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8001'],
    [16_383, 'ff7f'],
    [16_384, '808001'],
    [1_056_218, 'dabb40'],
  ])('puts the length of %i bytes before them', (length, prefix) => {
    const frame = encodeFrame(new Uint8Array(length).fill(1));
    expect(frame.subarray(0, prefix.length / 2).toHex()).toBe(prefix);
    expect(frame.length).toBe(prefix.length / 2 + length);
    expect(frame.subarray(prefix.length / 2).every((byte) => byte === 1)).toBe(true);
  });
});

describe('FrameReader', () => {
  it('reads the frames that were written, however the stream was cut', async () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(bodies, fc.array(fc.nat()), async (written, places) => {
        const chunks = cut(concatBytes(...written.map(encodeFrame)), places);
        expect(await readAll(readerOf(...chunks))).toEqual({
          bodies: written.map((body) => body.toHex()),
          end: 'closed',
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('ends on any bytes at all as a slow reader does that has them all at once', async () => {
    const length = fc.oneof(fc.nat(1100), fc.bigInt({ min: 0n, max: 2n ** 66n }));
    const varint = length.map((value) => {
      const out: number[] = [];
      let rest = BigInt(value);
      for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
      return Uint8Array.from([...out, Number(rest)]);
    });
    const piece = fc.oneof(varint, fc.uint8Array({ maxLength: 200 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.nat()),
        async (pieces, places) => {
          const whole = concatBytes(...pieces);
          expect(await readAll(readerOf(...cut(whole, places)))).toEqual(readAllSlowly(whole));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('hands out several frames of one chunk one by one, without copying them', async () => {
    const chunk = bytes('02 3a00 00 02 4200');
    const reader = readerOf(chunk);
    const first = await reader.read();
    expect(first).toEqual(bytes('3a00'));
    expect(first?.buffer).toBe(chunk.buffer);
    expect(await reader.read()).toEqual(new Uint8Array(0));
    expect(await reader.read()).toEqual(bytes('4200'));
    expect(await reader.read()).toBeUndefined();
  });

  it('reads a length with spare bytes, as Go does', async () => {
    expect(await readerOf(bytes('828000 3a00')).read()).toEqual(bytes('3a00'));
  });

  it('reads a frame of exactly the limit, and none longer', async () => {
    expect((await readerOf(encodeFrame(new Uint8Array(MAX_BYTES))).read())?.length).toBe(MAX_BYTES);
    await expect(readerOf(encodeFrame(new Uint8Array(MAX_BYTES + 1))).read()).rejects.toMatchObject(
      {
        code: 'ERR_FRAME_TOO_LARGE',
        announcedBytes: MAX_BYTES + 1,
        maxBytes: MAX_BYTES,
      },
    );
  });

  it('allocates for what has arrived, not for what was announced', async () => {
    const maxBytes = 2 ** 40;
    const stream = streamOf([bytes('ffffffff7f'), new Uint8Array(10)]);
    // 34 gigabytes announced, ten bytes sent.
    await expect(new FrameReader({ stream }, { maxBytes }).read()).rejects.toMatchObject({
      code: 'ERR_TRUNCATED_FRAME',
      receivedBytes: 10,
    });
  });

  it.each([
    ['eleven bytes', '80 80 80 80 80 80 80 80 80 80 00'],
    ['ten bytes of 65 bits', 'ff ff ff ff ff ff ff ff ff 02'],
  ])('refuses a length of %s', async (_, hex) => {
    await expect(readerOf(bytes(hex)).read()).rejects.toMatchObject({
      code: 'ERR_BAD_FRAME_LENGTH',
    });
  });

  it.each([
    ['within its length', '80', undefined, 0],
    ['before its body', '05', 5, 0],
    ['within its body', '05 0102', 5, 2],
  ])('says so when the stream ends %s', async (_, hex, expectedBytes, receivedBytes) => {
    await expect(readerOf(bytes(hex)).read()).rejects.toMatchObject({
      code: 'ERR_TRUNCATED_FRAME',
      expectedBytes,
      receivedBytes,
    });
  });

  it('stays failed once the stream is out of step', async () => {
    const reader = readerOf(bytes('ffffffffffffffffff02'), bytes('02 3a00'));
    await expect(reader.read()).rejects.toMatchObject({ code: 'ERR_BAD_FRAME_LENGTH' });
    await expect(reader.read()).rejects.toMatchObject({ code: 'ERR_BAD_FRAME_LENGTH' });
  });

  it('loses nothing when a read is aborted within a frame', async () => {
    const { stream, push } = pushedStream();
    const reader = new FrameReader({ stream }, { maxBytes: MAX_BYTES });
    const stop = new AbortController();
    push(bytes('04 0102'));
    const aborted = reader.read({ signal: stop.signal });
    await stream.waiting();
    stop.abort(new TypeError('enough'));
    await expect(aborted).rejects.toThrow('enough');
    push(bytes('0304'));
    expect(await reader.read()).toEqual(bytes('01020304'));
  });

  it('allows one read at a time', async () => {
    const reader = readerOf(bytes('01'), bytes('02'));
    const first = reader.read();
    await expect(reader.read()).rejects.toMatchObject({ code: 'ERR_INVARIANT' });
    expect(await first).toEqual(bytes('02'));
  });
});

/** A stream whose bytes come when the test says so; `waiting` resolves when a read waits. */
function pushedStream() {
  const chunks: Uint8Array[] = [];
  let wake = (): void => undefined;
  let noticed = Promise.withResolvers<void>();
  const stream = {
    ...streamOf([]),
    async read({ signal }: AbortOptions = {}): Promise<Uint8Array | undefined> {
      while (chunks.length === 0) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        wake = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        noticed.resolve();
        await promise;
      }
      return chunks.shift();
    },
    async waiting(): Promise<void> {
      await noticed.promise;
      noticed = Promise.withResolvers<void>();
    },
  };
  const push = (chunk: Uint8Array): void => {
    chunks.push(chunk);
    wake();
  };
  return { stream, push };
}
