import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { X25519KeyPair } from '@privval/proto/crypto/x25519';
import { NoiseSealer } from '@privval/proto/noise/frame-sealer';
import { NoiseHandshake } from '@privval/proto/noise/handshake';
import { encodeIdentityKey, type Secp256k1PublicKey } from '@privval/proto/noise/identity-key';
import { acceptNoise, dialNoise } from '@privval/proto/noise/noise-connection';
import { encodePayload } from '@privval/proto/noise/payload';
import {
  formatLibp2pPeerId,
  libp2pPeerIdFromPublicKey,
  peerIdBytes,
} from '@privval/proto/noise/peer-id';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { concatBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { describe, expect, test } from 'vitest';
import { LimitedStream } from '../../harness/limited-stream.ts';
import { memoryStreamPair } from '../../harness/memory-stream.ts';
import { tcpStreamPair } from '../../harness/socket-pair.ts';

const signer = Ed25519SecretKey.generate();
const node = Ed25519SecretKey.generate();
const signerId = libp2pPeerIdFromPublicKey(signer.publicKey);
const nodeId = libp2pPeerIdFromPublicKey(node.publicKey);
const strangerId = libp2pPeerIdFromPublicKey(Ed25519SecretKey.generate().publicKey);

function framed(message: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(message.length >>> 8, message.length & 0xff), message);
}

/** A node by hand: answers message 1 with the payload `make` gives for its static key. */
async function answerWith(
  stream: ByteStream,
  make: (staticKey: Uint8Array) => Uint8Array,
): Promise<NoiseHandshake> {
  const staticKey = X25519KeyPair.generate();
  const handshake = new NoiseHandshake('responder', {
    staticKey,
    ephemeralKey: X25519KeyPair.generate(),
  });
  const first = (await stream.read()) ?? new Uint8Array(0);
  handshake.read(first.subarray(2));
  await stream.write(framed(handshake.write(make(staticKey.publicKey))));
  return handshake;
}

/** A signer by hand: does the handshake with the payload `make` gives, and sends `then` with message 3. */
async function dialWith(
  stream: ByteStream,
  make: (staticKey: Uint8Array) => Uint8Array,
  then: Uint8Array = new Uint8Array(0),
): Promise<void> {
  const staticKey = X25519KeyPair.generate();
  const handshake = new NoiseHandshake('initiator', {
    staticKey,
    ephemeralKey: X25519KeyPair.generate(),
  });
  await stream.write(framed(handshake.write(new Uint8Array(0))));
  handshake.read(((await stream.read()) ?? new Uint8Array(0)).subarray(2));
  const third = framed(handshake.write(make(staticKey.publicKey)));
  const { sendKey } = handshake.split();
  const frames = then.length === 0 ? then : new NoiseSealer(sendKey).seal(then);
  await stream.write(concatBytes(third, frames));
}

/** A secp256k1 identity, made with Node's own cryptography. */
function secp256k1Identity(): {
  key: Secp256k1PublicKey;
  payload: (staticKey: Uint8Array) => Uint8Array;
} {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const odd = (Buffer.from(y, 'base64url').at(-1) ?? 0) & 1;
  const bytes = new Uint8Array([2 + odd, ...Buffer.from(x, 'base64url')]);
  const key = { type: 'secp256k1', bytes } as const;
  return {
    key,
    payload: (staticKey) => {
      const message = concatBytes(utf8Bytes('noise-libp2p-static-key:'), staticKey);
      const signature = new Uint8Array(sign('sha256', message, privateKey));
      const marshalled = encodeIdentityKey(key);
      return concatBytes(
        Uint8Array.of(0x0a, marshalled.length),
        marshalled,
        Uint8Array.of(0x12, signature.length),
        signature,
      );
    },
  };
}

describe('a Noise connection', () => {
  test('opens 50 times with fresh keys, both ends pinned', async () => {
    for (let i = 0; i < 50; i++) {
      const [left, right] = memoryStreamPair();
      const [a, b] = await Promise.all([
        dialNoise(left, signer, { expectedPeer: nodeId }),
        acceptNoise(right, node, { expectedPeer: signerId }),
      ]);
      expect(a).toMatchObject({ peerKey: node.publicKey, peerId: nodeId });
      expect(b).toMatchObject({ peerKey: signer.publicKey, peerId: signerId });
      await a.stream.write(Uint8Array.of(1, i));
      await b.stream.write(Uint8Array.of(2, i));
      expect(await b.stream.read()).toEqual(Uint8Array.of(1, i));
      expect(await a.stream.read()).toEqual(Uint8Array.of(2, i));
    }
  });

  test('puts 34, 204 and 172 bytes on the wire before the first request', async () => {
    const [left, right] = memoryStreamPair();
    await Promise.all([
      dialNoise(left, signer, { expectedPeer: nodeId }),
      acceptNoise(right, node),
    ]);
    expect(left.writeSizes).toEqual([34, 172]);
    expect(right.writeSizes).toEqual([204]);
  });

  test('opens and works when every byte comes alone', async () => {
    const [left, right] = memoryStreamPair({ fragmentBytes: 1 });
    const [a, b] = await Promise.all([
      dialNoise(left, signer, { expectedPeer: nodeId }),
      acceptNoise(right, node),
    ]);
    await b.stream.write(Uint8Array.of(1, 2, 3));
    expect(await a.stream.read()).toEqual(Uint8Array.of(1, 2, 3));
  });

  test('sends the largest privval message as one write of 17 frames', async () => {
    const [left, right] = memoryStreamPair({ capacityBytes: 4 * 1024 * 1024 });
    const [a] = await Promise.all([
      dialNoise(left, signer, { expectedPeer: nodeId }),
      acceptNoise(right, node),
    ]);
    await a.stream.write(new Uint8Array(1_056_221));
    await a.stream.write(new Uint8Array(0));
    expect(left.writeSizes.slice(2)).toEqual([1_056_221 + 17 * 18]);
  });

  test('takes the pinned id in any of its spellings', async () => {
    const known = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(1));
    for (const expectedPeer of [
      '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5',
      'bafzaajaiaejcbcui4poxicprsx6vfwznhs5f24wkm4e36hmucin7g5eiag2a6324',
    ]) {
      const [left, right] = memoryStreamPair();
      const [a] = await Promise.all([
        dialNoise(left, signer, { expectedPeer }),
        acceptNoise(right, known),
      ]);
      expect(a.peerId).toBe('12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5');
    }
  });

  test('is refused to a node that is not the pinned one, before our identity is said', async () => {
    const [left, right] = memoryStreamPair();
    const accepting = acceptNoise(right, node);
    await expect(dialNoise(left, signer, { expectedPeer: strangerId })).rejects.toMatchObject({
      code: 'ERR_PEER_ID_MISMATCH',
      expected: strangerId,
      actual: nodeId,
    });
    expect(left.writeSizes).toEqual([34]);
    expect(left.disposed).toBe(true);
    await expect(accepting).rejects.toMatchObject({ code: 'ERR_HANDSHAKE_ENDED' });
    expect(right.disposed).toBe(true);
  });

  test('looks to a signer that is not allowed like success and then the end, as a stock node makes it look', async () => {
    const [left, right] = memoryStreamPair();
    const accepting = expect(
      acceptNoise(right, node, { expectedPeer: strangerId }),
    ).rejects.toMatchObject({
      code: 'ERR_PEER_ID_MISMATCH',
      expected: strangerId,
      actual: signerId,
    });
    const { stream } = await dialNoise(left, signer, { expectedPeer: nodeId });
    await accepting;
    expect(await stream.read()).toBeUndefined();
    expect(right.disposed).toBe(true);
  });

  test('closes the stream when the pinned id is no id', async () => {
    const [left] = memoryStreamPair();
    await expect(dialNoise(left, signer, { expectedPeer: '12D3KooW' })).rejects.toMatchObject({
      code: 'ERR_INVALID_PEER_ID',
    });
    expect(left.disposed).toBe(true);
  });

  test('accepts a node whose node key is secp256k1, and pins its 16Uiu2HA… id', async () => {
    const { key, payload } = secp256k1Identity();
    const expectedPeer = formatLibp2pPeerId(peerIdBytes(key));
    expect(expectedPeer).toMatch(/^16Uiu2HA/);
    const [left, right] = memoryStreamPair();
    const [a] = await Promise.all([
      dialNoise(left, signer, { expectedPeer }),
      answerWith(right, payload),
    ]);
    expect(a).toMatchObject({ peerKey: key, peerId: expectedPeer });
  });

  test('is refused to a node that proves another static key, whichever its key type', async () => {
    const secp256k1 = secp256k1Identity();
    for (const [expectedPeer, payload] of [
      [nodeId, (staticKey: Uint8Array) => encodePayload(node, staticKey.toReversed())],
      [
        formatLibp2pPeerId(peerIdBytes(secp256k1.key)),
        (staticKey: Uint8Array) => secp256k1.payload(staticKey.toReversed()),
      ],
    ] as const) {
      const [left, right] = memoryStreamPair();
      const answering = answerWith(right, payload);
      await expect(dialNoise(left, signer, { expectedPeer })).rejects.toMatchObject({
        code: 'ERR_IDENTITY_PROOF',
      });
      await answering;
      expect(left.writeSizes).toEqual([34]);
      expect(left.disposed).toBe(true);
    }
  });

  test('is refused to a node whose secp256k1 signature is garbage', async () => {
    const { key } = secp256k1Identity();
    const marshalled = encodeIdentityKey(key);
    const digest = new Uint8Array(createHash('sha256').update('x').digest());
    const [left, right] = memoryStreamPair();
    const answering = answerWith(right, () =>
      concatBytes(
        Uint8Array.of(0x0a, marshalled.length),
        marshalled,
        Uint8Array.of(0x12, 32),
        digest,
      ),
    );
    await expect(
      dialNoise(left, signer, { expectedPeer: formatLibp2pPeerId(peerIdBytes(key)) }),
    ).rejects.toMatchObject({ code: 'ERR_IDENTITY_PROOF' });
    await answering;
  });

  test('is refused to a signer that proves another static key, pinned or not', async () => {
    for (const expectedPeer of [signerId, undefined]) {
      const [left, right] = memoryStreamPair();
      const dialing = dialWith(left, (staticKey) => encodePayload(signer, staticKey.toReversed()));
      await expect(acceptNoise(right, node, { expectedPeer })).rejects.toMatchObject({
        code: 'ERR_IDENTITY_PROOF',
      });
      await dialing;
      expect(right.disposed).toBe(true);
    }
  });

  test('goes on when the first frame comes in one chunk with the end of the handshake', async () => {
    const [left, right] = memoryStreamPair();
    const dialing = dialWith(
      left,
      (staticKey) => encodePayload(signer, staticKey),
      Uint8Array.of(2, 0x42, 0),
    );
    const { stream } = await acceptNoise(right, node, { expectedPeer: signerId });
    await dialing;
    expect(await stream.read()).toEqual(Uint8Array.of(2, 0x42, 0));
  });

  const roles = [
    [
      'signer',
      204,
      (stream: ByteStream, signal?: AbortSignal) =>
        dialNoise(stream, signer, { expectedPeer: nodeId, signal }),
      (stream: ByteStream) => acceptNoise(stream, node),
    ],
    [
      'node',
      34 + 172,
      (stream: ByteStream, signal?: AbortSignal) =>
        acceptNoise(stream, node, { expectedPeer: signerId, signal }),
      (stream: ByteStream) => dialNoise(stream, signer, { expectedPeer: nodeId }),
    ],
  ] as const;

  test.each(roles)(
    'ends with a code and a closed stream when the peer of a %s stops after any byte of the handshake',
    async (_, handshakeBytes, open, openPeer) => {
      for (let bytes = 0; bytes < handshakeBytes; bytes++) {
        const [left, right] = memoryStreamPair();
        const peer = openPeer(right).catch(() => undefined);
        await expect(open(new LimitedStream(left, bytes))).rejects.toMatchObject({
          code: 'ERR_HANDSHAKE_ENDED',
        });
        expect(left.disposed).toBe(true);
        await (await peer)?.stream[Symbol.asyncDispose]();
      }
    },
  );

  test.each(roles)(
    'leaves no stream and no listener behind when a %s is aborted after any byte of the handshake',
    async (role, handshakeBytes, open, openPeer) => {
      // A node has nothing left to wait for once the last byte is there.
      const last = role === 'node' ? handshakeBytes - 1 : handshakeBytes;
      for (let bytes = 0; bytes <= last; bytes++) {
        const [left, right] = memoryStreamPair();
        const peer = openPeer(right).catch(() => undefined);
        const controller = new AbortController();
        const reason = new Error(`aborted after ${bytes} bytes`);
        const limited = new LimitedStream(left, bytes, () => controller.abort(reason));
        await expect(open(limited, controller.signal)).rejects.toBe(reason);
        expect(left.disposed).toBe(true);
        expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
        await (await peer)?.stream[Symbol.asyncDispose]();
      }
    },
  );

  test('waits for a silent peer until the signal ends it, over a real socket', async () => {
    const [left, right] = await tcpStreamPair();
    const controller = new AbortController();
    const opening = dialNoise(left, signer, { expectedPeer: nodeId, signal: controller.signal });
    expect(await right.read()).toHaveLength(34);
    const reason = new Error('no answer');
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    await expect(left.read()).rejects.toMatchObject({ code: 'ERR_STREAM_CLOSED' });
    expect(await right.read()).toBeUndefined();
    await right[Symbol.asyncDispose]();
  });
});
