/** SecretConnection: how a signer and a node talk over `tcp://` (spec/privval.md 4). */
import { HandshakeEndedError, PeerIdMismatchError } from '../crypto/handshake-error.ts';
import { type NodeId, nodeIdFromPublicKey } from '../crypto/node-id.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import { SealedStream } from '../crypto/sealed-stream.ts';
import type { Ed25519SecretKey } from '../crypto/secret-key.ts';
import { X25519KeyPair } from '../crypto/x25519.ts';
import type { AbortOptions } from '../runtime/abort.ts';
import type { ByteStream } from '../runtime/byte-stream.ts';
import { concatBytes } from '../runtime/bytes.ts';
import { FrameOpener, FrameSealer } from './frame-sealer.ts';
import {
  AUTH_MESSAGE_BYTES,
  decodeEphemeral,
  deriveSecrets,
  EPHEMERAL_MESSAGE_BYTES,
  encodeAuth,
  encodeEphemeral,
  verifyAuth,
} from './handshake.ts';

/** How to open a SecretConnection. */
export interface SecretConnectionOptions extends AbortOptions {
  /** The node id the peer must prove. @default anybody */
  readonly expectedPeer?: NodeId | undefined;
}

/** An encrypted connection with a peer that has proven its identity key. */
export interface SecretConnection {
  /** The caller owns it; disposing it closes the stream below. */
  readonly stream: ByteStream;
  readonly peerKey: PublicKey;
}

/**
 * Does the handshake over `stream`, which it owns from the call on: any failure has closed it by
 * the time this rejects. Both roles are alike. There is no time limit but `signal`.
 *
 * @throws {BadHandshakeError} ERR_BAD_HANDSHAKE, {@link IdentityProofError} ERR_IDENTITY_PROOF,
 *   {@link LowOrderPointError} ERR_LOW_ORDER_POINT, {@link SealedFrameError} ERR_SEALED_FRAME: what the peer sent
 * @throws {PeerIdMismatchError} ERR_PEER_ID_MISMATCH
 * @throws {HandshakeEndedError} ERR_HANDSHAKE_ENDED, {@link StreamBrokenError} ERR_STREAM_BROKEN
 */
export async function openSecretConnection(
  stream: ByteStream,
  identity: Ed25519SecretKey,
  options: SecretConnectionOptions = {},
): Promise<SecretConnection> {
  const { expectedPeer, signal } = options;
  let owned = stream;
  try {
    using ephemeral = X25519KeyPair.generate();
    await stream.write(encodeEphemeral(ephemeral.publicKey), { signal });
    const first = await receive(stream, decodeEphemeral, { signal });
    const { sendKey, receiveKey, challenge } = deriveSecrets(ephemeral, first.message);

    const sealed = new SealedStream(
      { stream, sealer: new FrameSealer(sendKey), opener: new FrameOpener(receiveKey) },
      { early: first.bytes.subarray(EPHEMERAL_MESSAGE_BYTES) },
    );
    owned = sealed;
    await sealed.write(encodeAuth(identity.publicKey, identity.sign(challenge)), { signal });
    const second = await receive(sealed, (bytes) => verifyAuth(bytes, challenge), { signal });
    sealed.unread(second.bytes.subarray(AUTH_MESSAGE_BYTES));

    const peerKey = second.message;
    const actual = nodeIdFromPublicKey(peerKey);
    if (expectedPeer !== undefined && actual !== expectedPeer) {
      throw new PeerIdMismatchError(expectedPeer, actual);
    }
    return { stream: sealed, peerKey };
  } catch (error) {
    await owned[Symbol.asyncDispose]();
    throw error;
  }
}

/** Reads until `decode` knows the message. `bytes` is all that was read, the message first. */
async function receive<Message>(
  stream: ByteStream,
  decode: (bytes: Uint8Array) => Message | undefined,
  options: AbortOptions,
): Promise<{ message: Message; bytes: Uint8Array }> {
  let bytes: Uint8Array = new Uint8Array(0);
  for (;;) {
    const chunk = await stream.read(options);
    if (chunk === undefined) throw new HandshakeEndedError(stream.remote);
    bytes = bytes.length === 0 ? chunk : concatBytes(bytes, chunk);
    const message = decode(bytes);
    if (message !== undefined) return { message, bytes };
  }
}
