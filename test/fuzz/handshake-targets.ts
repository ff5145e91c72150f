/**
 * Whole handshakes against a peer that has keys, follows the protocol, and says something else than
 * it should at the places its script names. Whoever is believed has proven who he is.
 */
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { X25519KeyPair } from '@privval/proto/crypto/x25519';
import { NoiseSealer } from '@privval/proto/noise/frame-sealer';
import { NoiseHandshake } from '@privval/proto/noise/handshake';
import { acceptNoise, dialNoise } from '@privval/proto/noise/noise-connection';
import { encodePayload } from '@privval/proto/noise/payload';
import { libp2pPeerIdFromPublicKey } from '@privval/proto/noise/peer-id';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { concatBytes, equalBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { FrameSealer } from '@privval/proto/secret-connection/frame-sealer';
import {
  AUTH_MESSAGE_BYTES,
  deriveSecrets,
  encodeAuth,
  encodeEphemeral,
} from '@privval/proto/secret-connection/handshake';
import { openSecretConnection } from '@privval/proto/secret-connection/secret-connection';
import { edited, scriptsOf, startsWith } from './edit-script.ts';
import { type FuzzTarget, isCodedRefusal, owed } from './fuzz-target.ts';
import { ScriptedStream } from './scripted-stream.ts';

/** A handshake costs what hundreds of decoded messages do. */
const SHARE = 0.02;

const NOTHING = new Uint8Array(0);
const OURS = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(0x31));
const PEER = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(0x32));
const PEER_ID = libp2pPeerIdFromPublicKey(PEER.publicKey);

/** What the peer says once it is let in. */
const GREETING = utf8Bytes('after the handshake');

/** The first byte says how the stream is cut; edits of the messages follow, and of what comes after them. */
function scriptOf(bytes: Uint8Array): {
  chunkBytes: number;
  edits: (honest: Uint8Array, message: number) => Uint8Array;
} {
  const [cut = 0] = bytes;
  const scripts = scriptsOf(bytes.subarray(1), 4);
  return {
    chunkBytes: cut === 0 ? 65_536 : cut,
    edits: (honest, message) => edited(honest, scripts[message] ?? NOTHING),
  };
}

/** SecretConnection. Edits: of the first message, of what is in the second, of its frame, of all that follows. */
export const secretPeerTarget: FuzzTarget = {
  name: 'secret-peer',
  share: SHARE,
  async run(bytes) {
    const { chunkBytes, edits } = scriptOf(bytes);
    using ephemeral = X25519KeyPair.fromSecret(new Uint8Array(32).fill(0x33));
    const honestFirst = encodeEphemeral(ephemeral.publicKey);
    const first = edits(honestFirst, 0);
    let isHonest = equalBytes(first, honestFirst);
    let data: Uint8Array = NOTHING;
    let writes = 0;
    const stream = new ScriptedStream({
      first,
      chunkBytes,
      answer(received) {
        writes += 1;
        if (writes !== 1) return NOTHING;
        const secrets = deriveSecrets(ephemeral, received.subarray(3));
        const honest = encodeAuth(PEER.publicKey, PEER.sign(secrets.challenge));
        const auth = edits(honest, 1);
        data = concatBytes(auth.subarray(AUTH_MESSAGE_BYTES), edits(GREETING, 3));
        using sealer = new FrameSealer(secrets.sendKey);
        const frame = sealer.seal(auth).slice();
        const wire = edits(frame, 2);
        isHonest &&= equalBytes(auth.subarray(0, AUTH_MESSAGE_BYTES), honest);
        isHonest &&= startsWith(wire, frame);
        return concatBytes(wire, sealer.seal(edits(GREETING, 3)));
      },
    });
    await checkOpening(stream, {
      open: () => openSecretConnection(stream, OURS),
      isHonest: () => isHonest,
      data: () => data,
    });
  },
  allowed: isCodedRefusal,
};

/** Noise, where the node is hostile. Edits: of its payload, of the message that carries it, of all that follows. */
export const noiseDialTarget: FuzzTarget = {
  name: 'noise-dial',
  share: SHARE,
  async run(bytes) {
    const { chunkBytes, edits } = scriptOf(bytes);
    using staticKey = X25519KeyPair.fromSecret(new Uint8Array(32).fill(0x34));
    using ephemeralKey = X25519KeyPair.fromSecret(new Uint8Array(32).fill(0x35));
    using responder = new NoiseHandshake('responder', { staticKey, ephemeralKey });
    const data = edits(GREETING, 2);
    let isHonest = false;
    let writes = 0;
    const stream = new ScriptedStream({
      chunkBytes,
      answer(received) {
        writes += 1;
        if (writes === 1) {
          responder.read(received.subarray(2));
          const payload = edits(encodePayload(PEER, staticKey.publicKey), 0);
          const honest = withLength(responder.write(payload));
          const wire = edits(honest, 1);
          isHonest = startsWith(wire, honest) && proves(payload, staticKey.publicKey);
          return wire;
        }
        if (!isHonest) return NOTHING;
        responder.read(received.subarray(2));
        return sealNoise(responder, data);
      },
    });
    await checkOpening(stream, {
      open: () => dialNoise(stream, OURS, { expectedPeer: PEER_ID }),
      isHonest: () => isHonest,
      data: () => data,
    });
  },
  allowed: isCodedRefusal,
};

/** Noise, where the signer is hostile. Edits: of message 1, of its payload in message 3, of message 3, of all that follows. */
export const noiseAcceptTarget: FuzzTarget = {
  name: 'noise-accept',
  share: SHARE,
  async run(bytes) {
    const { chunkBytes, edits } = scriptOf(bytes);
    using staticKey = X25519KeyPair.fromSecret(new Uint8Array(32).fill(0x36));
    using ephemeralKey = X25519KeyPair.fromSecret(new Uint8Array(32).fill(0x37));
    using initiator = new NoiseHandshake('initiator', { staticKey, ephemeralKey });
    const data = edits(GREETING, 3);
    const honestFirst = withLength(initiator.write(NOTHING));
    const first = edits(honestFirst, 0);
    let isHonest = false;
    const stream = new ScriptedStream({
      first,
      chunkBytes,
      answer(received) {
        // With another first message than the one it made, the peer cannot read on.
        if (!equalBytes(first, honestFirst)) return NOTHING;
        initiator.read(received.subarray(2));
        const payload = edits(encodePayload(PEER, staticKey.publicKey), 1);
        const honest = withLength(initiator.write(payload));
        const wire = edits(honest, 2);
        isHonest = startsWith(wire, honest) && proves(payload, staticKey.publicKey);
        return concatBytes(wire, sealNoise(initiator, data));
      },
    });
    await checkOpening(stream, {
      open: () => acceptNoise(stream, OURS, { expectedPeer: PEER_ID }),
      isHonest: () => isHonest,
      data: () => data,
    });
  },
  allowed: isCodedRefusal,
};

/** What has to come of a handshake: a closed stream, or the peer as it is and every byte it sent. */
async function checkOpening(
  stream: ScriptedStream,
  handshake: {
    readonly open: () => Promise<OpenedConnection>;
    /** Whether nothing was changed that a signature or a seal covers. */
    readonly isHonest: () => boolean;
    readonly data: () => Uint8Array;
  },
): Promise<void> {
  let opened: OpenedConnection;
  try {
    opened = await handshake.open();
  } catch (error) {
    owed(stream.isDisposed, 'a connection that failed is closed');
    throw error;
  }
  await using connection = opened.stream;
  owed(!stream.isDisposed, 'a connection that was made is open');
  owed(handshake.isHonest(), 'nobody is believed who changed a sealed or signed byte');
  owed(equalBytes(opened.peerKey.bytes, PEER.publicKey.bytes), 'a peer is who it has proven to be');
  owed(equalBytes(await readAll(connection), handshake.data()), 'what was sealed is what is read');
}

interface OpenedConnection {
  readonly stream: ByteStream;
  readonly peerKey: { readonly bytes: Uint8Array };
}

async function readAll(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = await stream.read();
    if (chunk === undefined) return concatBytes(...chunks);
    chunks.push(chunk);
  }
}

/** Unknown fields are passed over: an edited payload may still hold the peer's key and its one signature. */
function proves(payload: Uint8Array, staticKey: Uint8Array): boolean {
  const signature = PEER.sign(concatBytes(utf8Bytes('noise-libp2p-static-key:'), staticKey));
  const bytes = Buffer.from(payload);
  return bytes.includes(signature) && bytes.includes(PEER.publicKey.bytes);
}

function withLength(message: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(message.length >>> 8, message.length & 0xff), message);
}

/** The first frame after the handshake. */
function sealNoise(handshake: NoiseHandshake, data: Uint8Array): Uint8Array {
  const { sendKey } = handshake.split();
  using sealer = new NoiseSealer(sendKey);
  return sealer.seal(data).slice();
}
