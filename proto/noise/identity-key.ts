/** Identity keys as libp2p writes them, and the signatures they make (spec/cometbft-0.40.md 1.2). */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { verifyStrict } from '../crypto/ed25519.ts';
import { BadHandshakeError } from '../crypto/handshake-error.ts';
import {
  ED25519_PUBLIC_KEY_BYTES,
  ed25519PublicKey,
  type PublicKey,
} from '../crypto/public-key.ts';
import { bytesFromHex, concatBytes, equalBytes } from '../runtime/bytes.ts';

/** A secp256k1 key in compressed form. */
const SECP256K1_KEY_BYTES = 33;

/** `PublicKey{type: Ed25519, data: 32 bytes}`. */
const ED25519_PREFIX: Uint8Array = Uint8Array.of(0x08, 0x01, 0x12, ED25519_PUBLIC_KEY_BYTES);

/** `PublicKey{type: Secp256k1, data: 33 bytes}`. */
const SECP256K1_PREFIX: Uint8Array = Uint8Array.of(0x08, 0x02, 0x12, SECP256K1_KEY_BYTES);

/** DER of `SubjectPublicKeyInfo{id-ecPublicKey, secp256k1}` up to the 33 bytes of a compressed point. */
const SECP256K1_SPKI_PREFIX: Uint8Array = bytesFromHex(
  '3036301006072a8648ce3d020106052b8104000a032200',
);

/** An identity key that only a peer has: we verify with it and never sign with one. */
export interface Secp256k1PublicKey {
  readonly type: 'secp256k1';
  /** 33 bytes, compressed, a point of the curve. */
  readonly bytes: Uint8Array;
}

/** What a `noise://` peer proves to be. Nodes have Ed25519 or, rarely, secp256k1 node keys. */
export type IdentityKey = PublicKey | Secp256k1PublicKey;

/** The key as libp2p marshals it: what a peer id is made of. */
export function encodeIdentityKey(key: IdentityKey): Uint8Array {
  return concatBytes(key.type === 'ed25519' ? ED25519_PREFIX : SECP256K1_PREFIX, key.bytes);
}

/**
 * Reads a marshalled key. Only the one encoding every implementation writes is taken, so that a
 * key has one peer id.
 *
 * @throws {BadHandshakeError} ERR_BAD_HANDSHAKE on other types and shapes, and on a point off the curve.
 */
export function decodeIdentityKey(bytes: Uint8Array): IdentityKey {
  const data = bytes.slice(ED25519_PREFIX.length);
  if (startsWith(bytes, ED25519_PREFIX) && data.length === ED25519_PUBLIC_KEY_BYTES) {
    return ed25519PublicKey(data);
  }
  if (startsWith(bytes, SECP256K1_PREFIX) && data.length === SECP256K1_KEY_BYTES) {
    secp256k1KeyObject(data);
    return { type: 'secp256k1', bytes: data };
  }
  throw new BadHandshakeError('the identity key is neither Ed25519 nor secp256k1');
}

/** Whether `signature` is by `key` over `message`: 64 raw bytes for Ed25519, DER over SHA-256 for secp256k1. */
export function verifyIdentity(
  key: IdentityKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (key.type === 'ed25519') return verifyStrict(key, message, signature);
  return verify('sha256', message, secp256k1KeyObject(key.bytes), signature);
}

function secp256k1KeyObject(bytes: Uint8Array): KeyObject {
  try {
    return createPublicKey({
      key: Buffer.from(concatBytes(SECP256K1_SPKI_PREFIX, bytes)),
      format: 'der',
      type: 'spki',
    });
  } catch (cause) {
    throw new BadHandshakeError('the secp256k1 identity key is no point of the curve', { cause });
  }
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return equalBytes(bytes.subarray(0, prefix.length), prefix);
}
