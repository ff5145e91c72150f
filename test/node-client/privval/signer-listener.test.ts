import { SignerListener } from '@privval/node-client/privval/signer-listener';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { describe, expect, test } from 'vitest';
import { memoryStreamPair } from '../../harness/memory-stream.ts';
import { CHAIN, newVote, RemoteSignerRig } from './remote-signer-rig.ts';

/** Whether the node has closed this end of the signer's. */
async function closedByNode(stream: ByteStream): Promise<boolean> {
  return (await stream.read()) === undefined;
}

describe('one signer at a time', () => {
  test('a second signer is closed and logged while the first goes on', async () => {
    await using rig = new RemoteSignerRig();
    const first = rig.connect('answer');
    await rig.settle();
    await using second = rig.streams.dial();
    await rig.settle();
    await rig.clock.advance(200);
    expect(await closedByNode(second)).toBe(true);
    expect(rig.logger.lines).toContainEqual({
      level: 'warn',
      message: 'refused a connection',
      fields: { remote: 'memory:left', reason: 'another signer is connected' },
    });
    await rig.remote.publicKey(CHAIN);
    expect(first.seen).toEqual(['public-key']);
  });

  test('a signer that dials before the end of its predecessor was seen is let in', async () => {
    await using rig = new RemoteSignerRig();
    const first = rig.connect('answer');
    await rig.settle();
    const second = rig.connect('answer');
    await rig.settle();
    await first[Symbol.asyncDispose]();
    await rig.settle();
    await rig.remote.publicKey(CHAIN);
    expect(second.seen).toEqual(['public-key']);
  });

  test('of two that finish their handshakes together one is let in', async () => {
    const gate = Promise.withResolvers<void>();
    await using rig = new RemoteSignerRig({
      secure: async (stream) => {
        await gate.promise;
        return { stream };
      },
    });
    const [first, second] = [rig.connect('answer'), rig.connect('answer')];
    await rig.settle();
    gate.resolve();
    await Promise.race([first.closed, second.closed]);
    await rig.remote.publicKey(CHAIN);
    expect([...first.seen, ...second.seen]).toEqual(['public-key']);
  });

  test('the end of the first is noticed without a request, and the next one let in', async () => {
    await using rig = new RemoteSignerRig();
    const first = rig.connect('answer');
    await rig.settle();
    await first[Symbol.asyncDispose]();
    await rig.settle();
    expect(rig.listener.current).toBeUndefined();
    expect(rig.clock.monotonicMs()).toBe(0);
    const second = rig.connect('answer');
    await rig.remote.publicKey(CHAIN);
    expect(second.seen).toEqual(['public-key']);
  });

  test('an answer nobody asked for ends the connection', async () => {
    await using rig = new RemoteSignerRig();
    const stream = rig.streams.dial();
    await rig.settle();
    const current = rig.listener.current;
    await stream.write(Uint8Array.of(2, 0x42, 0));
    expect(await current?.closed).toMatchObject({ code: 'ERR_UNEXPECTED_SIGNER_REPLY' });
  });

  test('a second answer to one request is not taken for the answer to the next', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connectKeyed('twice');
    expect(await rig.remote.signVote(CHAIN, newVote())).toMatchObject({ kind: 'signed' });
    await signer.closed;
    rig.connect('answer');
    const next = await rig.remote.signVote(CHAIN, newVote({ height: 11n }));
    expect(next).toMatchObject({ kind: 'signed', message: { height: 11n } });
  });
});

describe('handshakes', () => {
  /** Waits for one byte, as a handshake does for the peer's; `n` is a peer that fails it. */
  const oneByteHandshake = async (
    stream: ByteStream,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly stream: ByteStream }> => {
    try {
      const first = await stream.read(options);
      if (first === undefined || first[0] === 0x6e) throw new Error('not our kind');
      return { stream };
    } catch (error) {
      await stream[Symbol.asyncDispose]();
      throw error;
    }
  };

  test('a silent client keeps nobody else waiting, and is closed after 5 s', async () => {
    await using rig = new RemoteSignerRig({ secure: oneByteHandshake });
    await using silent = rig.streams.dial();
    await rig.settle();
    await using signer = rig.streams.dial();
    await signer.write(Uint8Array.of(1));
    await rig.settle();
    expect(rig.listener.current).toBeDefined();
    await rig.clock.advance(5_000);
    expect(await closedByNode(silent)).toBe(true);
    expect(rig.logger.lines).toContainEqual(
      expect.objectContaining({ message: 'a client did not finish its handshake in time' }),
    );
  });

  test('one that fails is closed and logged, and the next is tried', async () => {
    await using rig = new RemoteSignerRig({ secure: oneByteHandshake });
    await using bad = rig.streams.dial();
    await bad.write(Uint8Array.of(0x6e));
    expect(await closedByNode(bad)).toBe(true);
    await using good = rig.streams.dial();
    await good.write(Uint8Array.of(1));
    await rig.settle();
    expect(rig.listener.current).toBeDefined();
  });

  test('a flood of clients beyond 16 is closed at once', async () => {
    await using rig = new RemoteSignerRig({ secure: oneByteHandshake });
    const flood = Array.from({ length: 17 }, () => rig.streams.dial());
    await rig.settle();
    const last = flood.at(-1);
    expect(last && (await closedByNode(last))).toBe(true);
    await rig.clock.advance(5_000);
    for (const stream of flood) expect(await closedByNode(stream)).toBe(true);
  });

  test('disposal closes those that are running', async () => {
    const rig = new RemoteSignerRig({ secure: oneByteHandshake });
    await using silent = rig.streams.dial();
    await rig.settle();
    await rig[Symbol.asyncDispose]();
    expect(await closedByNode(silent)).toBe(true);
    expect(rig.clock.pending).toBe(0);
  });
});

test('an accept that fails is logged and tried again after a pause', async () => {
  await using rig = new RemoteSignerRig();
  const [ours, theirs] = memoryStreamPair();
  const outcomes = [Promise.reject(new Error('EMFILE')), Promise.resolve(theirs)];
  outcomes[0]?.catch(() => undefined);
  await using listener = SignerListener.start({
    streams: {
      local: 'memory',
      accept: (options = {}) =>
        outcomes.shift() ?? rig.clock.sleep(1e9, options).then(() => theirs),
      [Symbol.asyncDispose]: async () => undefined,
    },
    secure: async (stream) => ({ stream }),
    clock: rig.clock,
    logger: rig.logger,
  });
  await rig.settle();
  expect(listener.current).toBeUndefined();
  await rig.clock.advance(100);
  expect(listener.current).toBeDefined();
  expect(rig.logger.lines).toContainEqual(
    expect.objectContaining({ level: 'error', message: 'cannot accept a signer' }),
  );
  await ours[Symbol.asyncDispose]();
});
