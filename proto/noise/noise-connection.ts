/** Noise as v0.40's `noise://` speaks it: bare on a socket, both ends pinned (spec/cometbft-0.40.md 1.1–1.5). */
import { HandshakeEndedError, PeerIdMismatchError } from '../crypto/handshake-error.ts';
import { SealedStream } from '../crypto/sealed-stream.ts';
import type { Ed25519SecretKey } from '../crypto/secret-key.ts';
import { X25519KeyPair } from '../crypto/x25519.ts';
import type { AbortOptions } from '../runtime/abort.ts';
import type { ByteStream } from '../runtime/byte-stream.ts';
import { concatBytes, equalBytes } from '../runtime/bytes.ts';
import { InvariantError } from '../runtime/coded-error.ts';
import { LENGTH_PREFIX_BYTES, NoiseOpener, NoiseSealer } from './frame-sealer.ts';
import { NoiseHandshake, type NoiseRole } from './handshake.ts';
import type { IdentityKey } from './identity-key.ts';
import { decodePayload, encodePayload, verifyClaim } from './payload.ts';
import { formatLibp2pPeerId, parseLibp2pPeerId, peerIdBytes } from './peer-id.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

/** How to dial. */
export interface DialNoiseOptions extends AbortOptions {
  /** The libp2p peer id the peer must prove, in any of its spellings. */
  readonly expectedPeer: string;
}

/** How to accept. */
export interface AcceptNoiseOptions extends AbortOptions {
  /** The libp2p peer id the peer must prove, in any of its spellings. @default anybody */
  readonly expectedPeer?: string | undefined;
}

/** An encrypted connection with a peer that has proven its identity key. */
export interface NoiseConnection {
  /** The caller owns it; disposing it closes the stream below. */
  readonly stream: ByteStream;
  readonly peerKey: IdentityKey;
  /** Its peer id in base58btc. */
  readonly peerId: string;
}

/**
 * The dialing side (a signer). Owns `stream` from the call on: any failure has closed it by the
 * time this rejects. The peer's id is compared before anything is said about ourselves.
 *
 * A node that does not want this signer closes only *after* a complete handshake: an end of the
 * stream before the first request means "not allowed".
 *
 * @throws {InvalidPeerIdError} ERR_INVALID_PEER_ID for `expectedPeer`
 * @throws {PeerIdMismatchError} ERR_PEER_ID_MISMATCH, {@link IdentityProofError} ERR_IDENTITY_PROOF
 * @throws {BadHandshakeError} ERR_BAD_HANDSHAKE, {@link LowOrderPointError} ERR_LOW_ORDER_POINT: what the peer sent
 * @throws {HandshakeEndedError} ERR_HANDSHAKE_ENDED, {@link StreamBrokenError} ERR_STREAM_BROKEN
 */
export function dialNoise(
  stream: ByteStream,
  identity: Ed25519SecretKey,
  options: DialNoiseOptions,
): Promise<NoiseConnection> {
  return connect('initiator', stream, identity, options);
}

/**
 * The listening side (a node). As {@link dialNoise}, but the peer is compared with `expectedPeer`
 * after its proof was checked, as upstream does.
 */
export function acceptNoise(
  stream: ByteStream,
  identity: Ed25519SecretKey,
  options: AcceptNoiseOptions = {},
): Promise<NoiseConnection> {
  return connect('responder', stream, identity, options);
}

async function connect(
  role: NoiseRole,
  stream: ByteStream,
  identity: Ed25519SecretKey,
  options: AcceptNoiseOptions,
): Promise<NoiseConnection> {
  try {
    const { expectedPeer } = options;
    const expected = expectedPeer === undefined ? undefined : parseLibp2pPeerId(expectedPeer);
    using staticKey = X25519KeyPair.generate();
    using ephemeralKey = X25519KeyPair.generate();
    using handshake = new NoiseHandshake(role, { staticKey, ephemeralKey });
    const payload = encodePayload(identity, staticKey.publicKey);
    const messages = new HandshakeMessages(stream, options);
    const peerKey =
      role === 'initiator'
        ? await initiate(handshake, messages, { payload, expected })
        : await respond(handshake, messages, { payload, expected });
    const { sendKey, receiveKey } = handshake.split();
    return {
      stream: new SealedStream(
        { stream, sealer: new NoiseSealer(sendKey), opener: new NoiseOpener(receiveKey) },
        { early: messages.rest },
      ),
      peerKey,
      peerId: formatLibp2pPeerId(peerIdBytes(peerKey)),
    };
  } catch (error) {
    await stream[Symbol.asyncDispose]();
    throw error;
  }
}

interface Terms {
  readonly payload: Uint8Array;
  readonly expected: Uint8Array | undefined;
}

async function initiate(
  handshake: NoiseHandshake,
  messages: HandshakeMessages,
  { payload, expected }: Terms,
): Promise<IdentityKey> {
  await messages.send(handshake.write(NOTHING));
  const claim = decodePayload(handshake.read(await messages.receive()));
  checkPeerId(claim.key, expected);
  verifyClaim(claim, remoteStatic(handshake));
  await messages.send(handshake.write(payload));
  return claim.key;
}

async function respond(
  handshake: NoiseHandshake,
  messages: HandshakeMessages,
  { payload, expected }: Terms,
): Promise<IdentityKey> {
  handshake.read(await messages.receive());
  await messages.send(handshake.write(payload));
  const claim = decodePayload(handshake.read(await messages.receive()));
  verifyClaim(claim, remoteStatic(handshake));
  checkPeerId(claim.key, expected);
  return claim.key;
}

function checkPeerId(key: IdentityKey, expected: Uint8Array | undefined): void {
  const actual = peerIdBytes(key);
  if (expected !== undefined && !equalBytes(actual, expected)) {
    throw new PeerIdMismatchError(formatLibp2pPeerId(expected), formatLibp2pPeerId(actual));
  }
}

function remoteStatic(handshake: NoiseHandshake): Uint8Array {
  if (handshake.remoteStatic === undefined) throw new InvariantError('no static key of the peer');
  return handshake.remoteStatic;
}

/** Noise messages behind their 2-byte lengths, before there are keys. */
class HandshakeMessages {
  readonly #stream: ByteStream;
  readonly #options: AbortOptions;
  /** Bytes received beyond the messages taken so far. */
  rest: Uint8Array = NOTHING;

  constructor(stream: ByteStream, options: AbortOptions) {
    this.#stream = stream;
    this.#options = { signal: options.signal };
  }

  async send(message: Uint8Array): Promise<void> {
    const prefix = Uint8Array.of(message.length >>> 8, message.length & 0xff);
    await this.#stream.write(concatBytes(prefix, message), this.#options);
  }

  async receive(): Promise<Uint8Array> {
    for (;;) {
      const [high, low] = this.rest;
      if (high !== undefined && low !== undefined) {
        const end = LENGTH_PREFIX_BYTES + ((high << 8) | low);
        if (this.rest.length >= end) {
          const message = this.rest.slice(LENGTH_PREFIX_BYTES, end);
          this.rest = this.rest.subarray(end);
          return message;
        }
      }
      const chunk = await this.#stream.read(this.#options);
      if (chunk === undefined) throw new HandshakeEndedError(this.#stream.remote);
      this.rest = this.rest.length === 0 ? chunk : concatBytes(this.rest, chunk);
    }
  }
}
