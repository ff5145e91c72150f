import { getEventListeners } from 'node:events';
import { nodeIdFromPublicKey, parseNodeId } from '@privval/proto/crypto/node-id';
import { SealedStream } from '@privval/proto/crypto/sealed-stream';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { LOW_ORDER_POINTS, X25519KeyPair } from '@privval/proto/crypto/x25519';
import { bytesFromHex, compareBytes } from '@privval/proto/runtime/bytes';
import { FrameOpener, FrameSealer } from '@privval/proto/secret-connection/frame-sealer';
import {
  deriveSecrets,
  encodeAuth,
  encodeEphemeral,
} from '@privval/proto/secret-connection/handshake';
import { openSecretConnection } from '@privval/proto/secret-connection/secret-connection';
import { describe, expect, test } from 'vitest';
import { LimitedStream } from '../../harness/limited-stream.ts';
import { type MemoryStream, memoryStreamPair } from '../../harness/memory-stream.ts';
import { rawFrame } from '../../harness/raw-frame.ts';
import { tcpStreamPair } from '../../harness/socket-pair.ts';

const alice = Ed25519SecretKey.generate();
const bob = Ed25519SecretKey.generate();

/** Bytes a peer receives during the handshake: a key and a sealed frame. */
const HANDSHAKE_BYTES = 35 + 1044;

/** Does the handshake by hand up to the shared keys, as a peer that then misbehaves. */
async function halfOpen(stream: MemoryStream): Promise<{
  sendKey: Uint8Array;
  receiveKey: Uint8Array;
  challenge: Uint8Array;
}> {
  const pair = X25519KeyPair.generate();
  await stream.write(encodeEphemeral(pair.publicKey));
  const first = await stream.read();
  return deriveSecrets(pair, (first ?? new Uint8Array(0)).slice(3, 35));
}

describe('a SecretConnection', () => {
  test('opens 60 times with fresh keys, in both orders of the key exchange keys', async () => {
    const orders = { lower: 0, higher: 0 };
    for (let i = 0; i < 60; i++) {
      const [left, right] = memoryStreamPair();
      const seen: Uint8Array[] = [];
      const spied = new LimitedStream(left, Number.POSITIVE_INFINITY);
      const write = right.write.bind(right);
      right.write = async (bytes, options) => {
        seen.push(bytes.slice());
        await write(bytes, options);
      };
      const leftWrite = left.write.bind(left);
      const own: Uint8Array[] = [];
      left.write = async (bytes, options) => {
        own.push(bytes.slice());
        await leftWrite(bytes, options);
      };
      const [a, b] = await Promise.all([
        openSecretConnection(spied, alice),
        openSecretConnection(right, bob),
      ]);
      expect(a.peerKey).toEqual(bob.publicKey);
      expect(b.peerKey).toEqual(alice.publicKey);
      await a.stream.write(Uint8Array.of(1, 2, i));
      await b.stream.write(Uint8Array.of(3, 4, i));
      expect(await b.stream.read()).toEqual(Uint8Array.of(1, 2, i));
      expect(await a.stream.read()).toEqual(Uint8Array.of(3, 4, i));
      orders[
        compareBytes(own[0] ?? new Uint8Array(0), seen[0] ?? new Uint8Array(0)) < 0
          ? 'lower'
          : 'higher'
      ] += 1;
      await a.stream[Symbol.asyncDispose]();
      await b.stream[Symbol.asyncDispose]();
    }
    expect(orders.lower + orders.higher).toBe(60);
    // Neither order missing has a chance of 1 in 2^59.
    expect(Math.min(orders.lower, orders.higher)).toBeGreaterThan(0);
  });

  test('opens and works when every byte comes alone', async () => {
    const [left, right] = memoryStreamPair({ fragmentBytes: 1 });
    const [a, b] = await Promise.all([
      openSecretConnection(left, alice),
      openSecretConnection(right, bob),
    ]);
    await a.stream.write(Uint8Array.of(1, 2, 3));
    expect(await b.stream.read()).toEqual(Uint8Array.of(1, 2, 3));
  });

  test('goes on when the first bytes after the handshake come in one chunk with its end', async () => {
    const [left, right] = memoryStreamPair();
    const opening = openSecretConnection(left, alice);
    const pair = X25519KeyPair.generate();
    const first = (await right.read()) ?? new Uint8Array(0);
    const keys = deriveSecrets(pair, first.slice(3, 35));
    const sealer = new FrameSealer(keys.sendKey);
    // Key, auth message and a first message: one write, and the last two in one frame.
    const auth = encodeAuth(bob.publicKey, bob.sign(keys.challenge));
    const sealed = sealer.seal(new Uint8Array([...auth, 2, 0x3a, 0])).slice();
    await right.write(new Uint8Array([...encodeEphemeral(pair.publicKey), ...sealed]));
    const { stream } = await opening;
    expect(await stream.read()).toEqual(Uint8Array.of(2, 0x3a, 0));
  });

  test('sends a write of many frames, the largest privval message too, as one write below', async () => {
    const [left, right] = memoryStreamPair({ capacityBytes: 4 * 1024 * 1024 });
    const [a] = await Promise.all([
      openSecretConnection(left, alice),
      openSecretConnection(right, bob),
    ]);
    const before = left.writeSizes.length;
    await a.stream.write(new Uint8Array(1025));
    await a.stream.write(new Uint8Array(1_056_221));
    await a.stream.write(new Uint8Array(0));
    expect(left.writeSizes.slice(before)).toEqual([2 * 1044, 1032 * 1044]);
  });

  test('accepts the pinned peer and refuses another one with both ids, closing the connection', async () => {
    const bobId = nodeIdFromPublicKey(bob.publicKey);
    const [left, right] = memoryStreamPair();
    const [a] = await Promise.all([
      openSecretConnection(left, alice, { expectedPeer: bobId }),
      openSecretConnection(right, bob),
    ]);
    expect(a.peerKey).toEqual(bob.publicKey);

    const expected = parseNodeId('00'.repeat(20));
    const [other, peer] = memoryStreamPair();
    const accepting = openSecretConnection(peer, bob);
    await expect(
      openSecretConnection(other, alice, { expectedPeer: expected }),
    ).rejects.toMatchObject({ code: 'ERR_PEER_ID_MISMATCH', expected, actual: bobId });
    expect(other.disposed).toBe(true);
    expect(await (await accepting).stream.read()).toBeUndefined();
  });

  test('ends with a code and a closed stream when the peer stops after any byte of the handshake', async () => {
    for (let bytes = 0; bytes < HANDSHAKE_BYTES; bytes++) {
      const [left, right] = memoryStreamPair();
      const accepting = openSecretConnection(right, bob).catch(() => undefined);
      await expect(
        openSecretConnection(new LimitedStream(left, bytes), alice),
      ).rejects.toMatchObject({
        code: bytes > 35 ? 'ERR_STREAM_BROKEN' : 'ERR_HANDSHAKE_ENDED',
      });
      expect(left.disposed).toBe(true);
      await (await accepting)?.stream[Symbol.asyncDispose]();
    }
  });

  test('leaves no stream and no listener behind when aborted anywhere in the handshake', async () => {
    for (let bytes = 0; bytes < HANDSHAKE_BYTES; bytes += bytes < 40 ? 1 : 9) {
      const [left, right] = memoryStreamPair({ fragmentBytes: 13 });
      const accepting = openSecretConnection(right, bob).catch(() => undefined);
      const controller = new AbortController();
      const reason = new Error(`aborted after ${bytes} bytes`);
      const limited = new LimitedStream(left, bytes, () => controller.abort(reason));
      const { signal } = controller;
      await expect(openSecretConnection(limited, alice, { signal })).rejects.toBe(reason);
      expect(left.disposed).toBe(true);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      await (await accepting)?.stream[Symbol.asyncDispose]();
    }
  });

  test('waits for a silent peer until the signal ends it, over a real socket', async () => {
    const [left, right] = await tcpStreamPair();
    const controller = new AbortController();
    const opening = openSecretConnection(left, alice, { signal: controller.signal });
    // Our key has come: the handshake is at its first wait.
    expect(await right.read()).toHaveLength(35);
    const reason = new Error('no answer');
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    await expect(left.read()).rejects.toMatchObject({ code: 'ERR_STREAM_CLOSED' });
    expect(await right.read()).toBeUndefined();
    await right[Symbol.asyncDispose]();
  });

  test.each([...LOW_ORDER_POINTS])(
    'is refused to a peer with the low-order key %s',
    async (point) => {
      const [left, right] = memoryStreamPair();
      await right.write(encodeEphemeral(bytesFromHex(point)));
      await expect(openSecretConnection(left, alice)).rejects.toMatchObject({
        code: 'ERR_LOW_ORDER_POINT',
      });
      expect(left.disposed).toBe(true);
    },
  );

  test.each([
    ['a key of 31 bytes', `210a1f${'55'.repeat(31)}`],
    ['a key of 33 bytes', `230a21${'55'.repeat(33)}`],
    ['a length that never ends', 'ff'.repeat(40)],
    ['a text', '474554202f20485454502f312e310d0a'],
  ])('is refused to a peer that begins with %s', async (_, hex) => {
    const [left, right] = memoryStreamPair();
    await right.write(bytesFromHex(hex));
    await expect(openSecretConnection(left, alice)).rejects.toMatchObject({
      code: 'ERR_BAD_HANDSHAKE',
    });
    expect(left.disposed).toBe(true);
  });

  test('is refused to a peer that mirrors everything', async () => {
    const [left, right] = memoryStreamPair();
    const opening = openSecretConnection(left, alice);
    await right.write((await right.read()) ?? new Uint8Array(0));
    await expect(opening).rejects.toMatchObject({ code: 'ERR_BAD_HANDSHAKE' });
  });

  test('is refused to a peer whose first frame is not sealed with the agreed key', async () => {
    const [left, right] = memoryStreamPair();
    const opening = openSecretConnection(left, alice);
    await halfOpen(right);
    await right.write(new Uint8Array(1044));
    await expect(opening).rejects.toMatchObject({ code: 'ERR_SEALED_FRAME' });
    expect(left.disposed).toBe(true);
  });

  test('is refused to a peer whose first frame claims more than 1,024 bytes', async () => {
    const [left, right] = memoryStreamPair();
    const opening = openSecretConnection(left, alice);
    const { sendKey } = await halfOpen(right);
    await right.write(rawFrame(1025, sendKey));
    await expect(opening).rejects.toMatchObject({ code: 'ERR_SEALED_FRAME' });
  });

  test('is refused to a peer that signs something else, or for somebody else', async () => {
    for (const proof of [
      (challenge: Uint8Array) => encodeAuth(bob.publicKey, bob.sign(challenge.slice(1))),
      (challenge: Uint8Array) => encodeAuth(bob.publicKey, alice.sign(challenge)),
    ]) {
      const [left, right] = memoryStreamPair();
      const opening = openSecretConnection(left, alice);
      const { sendKey, challenge } = await halfOpen(right);
      await right.write(new FrameSealer(sendKey).seal(proof(challenge)));
      await expect(opening).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROOF' });
      expect(left.disposed).toBe(true);
    }
  });

  test('skips empty frames before, inside and after the auth message', async () => {
    const [left, right] = memoryStreamPair();
    const opening = openSecretConnection(left, alice);
    const { sendKey, challenge } = await halfOpen(right);
    const auth = encodeAuth(bob.publicKey, bob.sign(challenge));
    const seal = (bytes: Uint8Array, counter: bigint): Uint8Array =>
      new FrameSealer(sendKey.slice(), { firstNonce: counter }).seal(bytes);
    await right.write(rawFrame(0, sendKey, 0n));
    await right.write(seal(auth.subarray(0, 50), 1n));
    await right.write(rawFrame(0, sendKey, 2n));
    await right.write(seal(auth.subarray(50), 3n));
    await right.write(rawFrame(0, sendKey, 4n));
    await right.write(seal(Uint8Array.of(8), 5n));
    const { stream, peerKey } = await opening;
    expect(peerKey).toEqual(bob.publicKey);
    expect(await stream.read()).toEqual(Uint8Array.of(8));
  });

  test('is broken, not cleanly ended, when the peer stops inside a frame', async () => {
    const [left, right] = memoryStreamPair();
    const [a] = await Promise.all([
      openSecretConnection(left, alice),
      openSecretConnection(right, bob),
    ]);
    await right.write(new Uint8Array(100));
    right.finish();
    await expect(a.stream.read()).rejects.toMatchObject({ code: 'ERR_STREAM_BROKEN' });
  });

  test('never gives out plaintext after a frame that does not verify', async () => {
    const [left, right] = memoryStreamPair();
    const [a, b] = await Promise.all([
      openSecretConnection(left, alice),
      openSecretConnection(right, bob),
    ]);
    await right.write(new Uint8Array(1044));
    await b.stream.write(Uint8Array.of(1));
    for (let i = 0; i < 3; i++) {
      await expect(a.stream.read()).rejects.toMatchObject({ code: 'ERR_SEALED_FRAME' });
    }
  });

  test('does not wait for more once a frame behind a good one did not verify', async () => {
    const [left, right] = memoryStreamPair();
    const opening = openSecretConnection(left, alice);
    const { sendKey, challenge } = await halfOpen(right);
    const sealer = new FrameSealer(sendKey);
    await right.write(sealer.seal(encodeAuth(bob.publicKey, bob.sign(challenge))));
    const { stream } = await opening;
    const good = sealer.seal(Uint8Array.of(1)).slice();
    await right.write(new Uint8Array([...good, ...good]));
    expect(await stream.read()).toEqual(Uint8Array.of(1));
    await expect(stream.read()).rejects.toMatchObject({ code: 'ERR_SEALED_FRAME' });
  });

  test('cannot be written to once its nonces are used up', async () => {
    const [left] = memoryStreamPair();
    const stream = new SealedStream({
      stream: left,
      sealer: new FrameSealer(new Uint8Array(32), { firstNonce: 2n ** 64n - 2n }),
      opener: new FrameOpener(new Uint8Array(32)),
    });
    await stream.write(Uint8Array.of(1));
    const before = left.writeSizes.length;
    await expect(stream.write(Uint8Array.of(2))).rejects.toMatchObject({
      code: 'ERR_NONCE_EXHAUSTED',
    });
    await expect(stream.write(Uint8Array.of(3))).rejects.toMatchObject({
      code: 'ERR_NONCE_EXHAUSTED',
    });
    expect(left.writeSizes).toHaveLength(before);
  });
});
