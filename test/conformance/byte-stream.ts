/** What every `ByteStream` must do, whatever carries it. */
import { getEventListeners } from 'node:events';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../harness/seeded-random.ts';

/** More bytes than any transport holds without a reader. */
const MORE_THAN_BUFFERS_BYTES = 48 * 1024 * 1024;

/**
 * Declares the suite for one kind of stream.
 * @param open makes two connected ends; the suite disposes them.
 */
export function byteStreamConformance(
  kind: string,
  open: () => Promise<readonly [ByteStream, ByteStream]>,
): void {
  describe(`a ${kind} stream`, () => {
    test('carries bytes in order, both ways at once, whatever the sizes of the writes', async () => {
      await using pair = await openPair(open);
      const send = async (stream: ByteStream, seed: number): Promise<void> => {
        const random = new SeededRandom(seed);
        for (let i = 0; i < 200; i++) await stream.write(random.bytes(random.below(3000)));
      };
      const receive = async (stream: ByteStream, seed: number): Promise<void> => {
        const random = new SeededRandom(seed);
        for (let i = 0; i < 200; i++) {
          const expected = random.bytes(random.below(3000));
          expect(Buffer.compare(await pair.exactly(stream, expected.length), expected)).toBe(0);
        }
      };
      const { left, right } = pair;
      await Promise.all([send(left, 1), receive(right, 1), send(right, 2), receive(left, 2)]);
    });

    test('writes nothing for no bytes', async () => {
      await using pair = await openPair(open);
      await pair.left.write(new Uint8Array(0));
      await pair.left.write(Uint8Array.of(1));
      expect(await pair.right.read()).toEqual(Uint8Array.of(1));
    });

    test('gives undefined after the bytes of a peer that closed, and again when asked again', async () => {
      await using pair = await openPair(open);
      await pair.left.write(Uint8Array.of(1, 2, 3));
      await pair.left[Symbol.asyncDispose]();
      expect(await pair.exactly(pair.right, 3)).toEqual(Uint8Array.of(1, 2, 3));
      expect(await pair.right.read()).toBeUndefined();
      expect(await pair.right.read()).toBeUndefined();
    });

    test('loses nothing when it is disposed right after a write', async () => {
      await using pair = await openPair(open);
      const bytes = new SeededRandom(5).bytes(200_000);
      const received = pair.exactly(pair.right, bytes.length);
      await pair.left.write(bytes);
      await pair.left[Symbol.asyncDispose]();
      expect(Buffer.compare(await received, bytes)).toBe(0);
    });

    test('leaves an array that was read alone, and a written one may be used again', async () => {
      await using pair = await openPair(open);
      const written = new Uint8Array(4).fill(1);
      await pair.left.write(written);
      const first = await pair.exactly(pair.right, 4);
      for (let i = 2; i < 50; i++) {
        await pair.left.write(written.fill(i));
        expect(await pair.exactly(pair.right, 4)).toEqual(new Uint8Array(4).fill(i));
      }
      expect(first).toEqual(new Uint8Array(4).fill(1));
    });

    test('holds a writer back until the other end reads', async () => {
      await using pair = await openPair(open);
      let written = false;
      const writing = pair.left.write(new Uint8Array(MORE_THAN_BUFFERS_BYTES)).then(() => {
        written = true;
      });
      await turns(20);
      expect(written).toBe(false);
      let received = 0;
      while (received < MORE_THAN_BUFFERS_BYTES) {
        received += (await pair.right.read())?.length ?? Number.NaN;
      }
      await writing;
      expect(received).toBe(MORE_THAN_BUFFERS_BYTES);
    });

    test('rejects with the reason of a signal that is already aborted, and stays whole', async () => {
      await using pair = await openPair(open);
      const reason = new Error('not wanted any more');
      const signal = AbortSignal.abort(reason);
      await expect(pair.left.read({ signal })).rejects.toBe(reason);
      await expect(pair.left.write(Uint8Array.of(9), { signal })).rejects.toBe(reason);
      await pair.left.write(Uint8Array.of(1));
      await pair.right.write(Uint8Array.of(2));
      expect(await pair.right.read()).toEqual(Uint8Array.of(1));
      expect(await pair.left.read()).toEqual(Uint8Array.of(2));
    });

    test('leaves unread bytes in place when a waiting read is aborted', async () => {
      await using pair = await openPair(open);
      const reason = new Error('enough');
      for (let i = 0; i < 20; i++) {
        const controller = new AbortController();
        const reading = pair.right.read({ signal: controller.signal });
        controller.abort(reason);
        await expect(reading).rejects.toBe(reason);
      }
      await pair.left.write(Uint8Array.of(1, 2, 3));
      expect(await pair.exactly(pair.right, 3)).toEqual(Uint8Array.of(1, 2, 3));
    });

    test('is broken for writing once a waiting write was aborted', async () => {
      await using pair = await openPair(open);
      const controller = new AbortController();
      const reason = new Error('enough');
      const writing = pair.left.write(new Uint8Array(MORE_THAN_BUFFERS_BYTES), {
        signal: controller.signal,
      });
      await turns(5);
      controller.abort(reason);
      await expect(writing).rejects.toBe(reason);
      await expect(pair.left.write(Uint8Array.of(1))).rejects.toMatchObject({
        code: 'ERR_STREAM_BROKEN',
      });
    });

    test('takes a second read or write while one waits for a bug', async () => {
      await using pair = await openPair(open);
      const reading = pair.left.read();
      await expect(pair.left.read()).rejects.toMatchObject({ code: 'ERR_INVARIANT' });
      await pair.right.write(Uint8Array.of(5));
      expect(await reading).toEqual(Uint8Array.of(5));

      const writing = pair.left.write(new Uint8Array(MORE_THAN_BUFFERS_BYTES));
      await expect(pair.left.write(Uint8Array.of(1))).rejects.toMatchObject({
        code: 'ERR_INVARIANT',
      });
      await Promise.all([
        pair.left[Symbol.asyncDispose](),
        expect(writing).rejects.toMatchObject({ code: 'ERR_STREAM_CLOSED' }),
      ]);
    });

    test('ends a waiting read when it is disposed, and is closed for good', async () => {
      await using pair = await openPair(open);
      const reading = expect(pair.left.read()).rejects.toMatchObject({ code: 'ERR_STREAM_CLOSED' });
      await Promise.all([pair.left[Symbol.asyncDispose](), pair.left[Symbol.asyncDispose]()]);
      await reading;
      await pair.left[Symbol.asyncDispose]();
      for (let i = 0; i < 2; i++) {
        await expect(pair.left.read()).rejects.toMatchObject({ code: 'ERR_STREAM_CLOSED' });
        await expect(pair.left.write(Uint8Array.of(1))).rejects.toMatchObject({
          code: 'ERR_STREAM_CLOSED',
        });
      }
    });

    test('rejects writes with a code once the peer is gone', async () => {
      await using pair = await openPair(open);
      await pair.right[Symbol.asyncDispose]();
      const writeUntilRefused = async (): Promise<void> => {
        for (;;) {
          await pair.left.write(new Uint8Array(1000));
          await turns(1);
        }
      };
      await expect(writeUntilRefused()).rejects.toMatchObject({ code: 'ERR_STREAM_BROKEN' });
    });

    test('leaves no listener on a signal that outlives its reads and writes', async () => {
      await using pair = await openPair(open);
      const { signal } = new AbortController();
      for (let i = 0; i < 30; i++) {
        const reading = pair.right.read({ signal });
        await pair.left.write(Uint8Array.of(i), { signal });
        await reading;
      }
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });

    test('says where the other end is', async () => {
      await using pair = await openPair(open);
      expect(pair.left.remote).not.toBe('');
      expect(pair.right.remote).not.toBe('');
    });
  });
}

/** Turns of the event loop: what is ready gets done. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

interface Pair extends AsyncDisposable {
  readonly left: ByteStream;
  readonly right: ByteStream;
  /** Reads exactly `length` bytes; what came beyond them is kept for the next call on the same stream. */
  exactly(stream: ByteStream, length: number): Promise<Uint8Array>;
}

async function openPair(open: () => Promise<readonly [ByteStream, ByteStream]>): Promise<Pair> {
  const [left, right] = await open();
  const kept = new Map<ByteStream, Uint8Array>();
  return {
    left,
    right,
    async exactly(stream, length) {
      const parts: Uint8Array[] = [];
      for (let missing = length; missing > 0; ) {
        const chunk = kept.get(stream) ?? (await stream.read());
        kept.delete(stream);
        if (chunk === undefined) throw new Error(`the stream ended ${missing} bytes early`);
        expect(chunk.length).toBeGreaterThan(0);
        parts.push(chunk.subarray(0, missing));
        if (chunk.length > missing) kept.set(stream, chunk.subarray(missing));
        missing -= Math.min(missing, chunk.length);
      }
      return new Uint8Array(Buffer.concat(parts));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([left[Symbol.asyncDispose](), right[Symbol.asyncDispose]()]);
    },
  };
}
