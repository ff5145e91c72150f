/**
 * SecretConnection's handshake, as the computations between its messages (spec/privval.md 4.1).
 * Pure: no stream, no clock; randomness comes in as a key pair. Both roles do the same.
 *
 *     send encodeEphemeral(own)   → peer      in the clear
 *     decodeEphemeral             ← peer
 *     deriveSecrets               keys of both directions, challenge
 *     send encodeAuth(…)          → peer      sealed, the first frame
 *     verifyAuth                  ← peer      its identity
 */
import { hkdfSync } from 'node:crypto';
import { verifyStrict } from '../crypto/ed25519.ts';
import { BadHandshakeError, IdentityProofError } from '../crypto/handshake-error.ts';
import {
  ED25519_PUBLIC_KEY_BYTES,
  ed25519PublicKey,
  type PublicKey,
} from '../crypto/public-key.ts';
import { sodium } from '../crypto/sodium.ts';
import type { X25519KeyPair } from '../crypto/x25519.ts';
import { compareBytes, concatBytes, equalBytes, hexFromBytes } from '../runtime/bytes.ts';
import { MerlinTranscript } from './merlin.ts';

/** Length of the first message: its prefix and a key. */
export const EPHEMERAL_MESSAGE_BYTES = 35;

/** Length of the second message, prefix included. */
export const AUTH_MESSAGE_BYTES = 103;

/** `BytesValue` of 32 bytes behind its length: what the first message starts with. */
const EPHEMERAL_PREFIX: Uint8Array = Uint8Array.of(0x22, 0x0a, 0x20);

/** Length 102, then `AuthSigMessage.pub_key` as an Ed25519 `PublicKey`. */
const AUTH_PREFIX: Uint8Array = Uint8Array.of(0x66, 0x0a, 0x22, 0x0a, 0x20);

/** Field `sig` of `AuthSigMessage`, 64 bytes. */
const SIGNATURE_PREFIX: Uint8Array = Uint8Array.of(0x12, 0x40);

const TRANSCRIPT_LABEL = 'TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH';
const KEY_INFO = 'TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN';

/** Bytes taken from HKDF: two keys, and 32 that older versions used as the challenge. */
const KEY_MATERIAL_BYTES = 96;

/** The keys of the frames. Whoever takes one over wipes it. */
export interface FrameKeys {
  /** 32 bytes; frames from the peer. */
  readonly receiveKey: Uint8Array;
  /** 32 bytes; frames to the peer. */
  readonly sendKey: Uint8Array;
}

/** What both sides know after the key exchange. */
export interface HandshakeSecrets extends FrameKeys {
  /** 32 bytes that each side signs with its identity key. */
  readonly challenge: Uint8Array;
}

/** The first message: 35 bytes. */
export function encodeEphemeral(publicKey: Uint8Array): Uint8Array {
  return concatBytes(EPHEMERAL_PREFIX, publicKey);
}

/**
 * The peer's key out of the first message, or `undefined` when `bytes` (from its start) are too
 * few yet. Stricter than nodes, which pad and cut: nothing but 32 bytes is a key.
 *
 * @throws {BadHandshakeError} ERR_BAD_HANDSHAKE as soon as the beginning is wrong, whatever is to follow.
 */
export function decodeEphemeral(bytes: Uint8Array): Uint8Array | undefined {
  const head = bytes.subarray(0, EPHEMERAL_PREFIX.length);
  if (!equalBytes(head, EPHEMERAL_PREFIX.subarray(0, head.length))) {
    throw new BadHandshakeError(
      `the first message does not start as a 32-byte key exchange key does but ${hexFromBytes(head)}`,
    );
  }
  if (bytes.length < EPHEMERAL_MESSAGE_BYTES) return undefined;
  return bytes.slice(EPHEMERAL_PREFIX.length, EPHEMERAL_MESSAGE_BYTES);
}

/**
 * Keys and challenge from the two key exchange keys.
 *
 * @throws {LowOrderPointError} ERR_LOW_ORDER_POINT
 * @throws {BadHandshakeError} ERR_BAD_HANDSHAKE when the peer sent our own key back.
 */
export function deriveSecrets(own: X25519KeyPair, peer: Uint8Array): HandshakeSecrets {
  const order = compareBytes(own.publicKey, peer);
  // A mirror would otherwise also answer our own signature to us.
  if (order === 0) throw new BadHandshakeError('the peer sent our own key back');
  const [lower, upper] = order < 0 ? [own.publicKey, peer] : [peer, own.publicKey];
  const shared = own.sharedSecret(peer);
  try {
    using transcript = new MerlinTranscript(TRANSCRIPT_LABEL);
    transcript.append('EPHEMERAL_LOWER_PUBLIC_KEY', lower);
    transcript.append('EPHEMERAL_UPPER_PUBLIC_KEY', upper);
    transcript.append('DH_SECRET', shared);
    const challenge = transcript.challenge('SECRET_CONNECTION_MAC', 32);
    return { ...deriveKeys(shared, order < 0), challenge };
  } finally {
    sodium.sodium_memzero(shared);
  }
}

/**
 * The keys of both directions from the shared secret: the side with the lower key exchange key
 * receives with the first and sends with the second.
 */
export function deriveKeys(shared: Uint8Array, ownIsLower: boolean): FrameKeys {
  const material = new Uint8Array(
    hkdfSync('sha256', shared, new Uint8Array(0), KEY_INFO, KEY_MATERIAL_BYTES),
  );
  const first = material.slice(0, 32);
  const second = material.slice(32, 64);
  sodium.sodium_memzero(material);
  return ownIsLower
    ? { receiveKey: first, sendKey: second }
    : { receiveKey: second, sendKey: first };
}

/** The second message: identity key and its signature over the challenge, 103 bytes. */
export function encodeAuth(publicKey: PublicKey, signature: Uint8Array): Uint8Array {
  return concatBytes(AUTH_PREFIX, publicKey.bytes, SIGNATURE_PREFIX, signature);
}

/**
 * The peer's identity out of the second message, or `undefined` when `bytes` are too few yet.
 *
 * @throws {BadHandshakeError} ERR_BAD_HANDSHAKE on any other shape or type of key, as soon as it shows.
 * @throws {IdentityProofError} ERR_IDENTITY_PROOF when the signature is not by that key over `challenge`.
 */
export function verifyAuth(bytes: Uint8Array, challenge: Uint8Array): PublicKey | undefined {
  const head = bytes.subarray(0, AUTH_PREFIX.length);
  if (!equalBytes(head, AUTH_PREFIX.subarray(0, head.length))) {
    throw new BadHandshakeError(
      `the second message does not start as that of an Ed25519 identity does but ${hexFromBytes(head)}`,
    );
  }
  if (bytes.length < AUTH_MESSAGE_BYTES) return undefined;
  const keyEnd = AUTH_PREFIX.length + ED25519_PUBLIC_KEY_BYTES;
  const signatureStart = keyEnd + SIGNATURE_PREFIX.length;
  if (!equalBytes(bytes.subarray(keyEnd, signatureStart), SIGNATURE_PREFIX)) {
    throw new BadHandshakeError('the second message has no 64-byte signature');
  }
  const key = ed25519PublicKey(bytes.slice(AUTH_PREFIX.length, keyEnd));
  if (!verifyStrict(key, challenge, bytes.subarray(signatureStart, AUTH_MESSAGE_BYTES))) {
    throw new IdentityProofError();
  }
  return key;
}
