/** What the peers say inside Noise's handshake: who they are, and a proof (spec/cometbft-0.40.md 1.2). */
import { Reader } from 'protobufjs/minimal.js';
import { BadHandshakeError, IdentityProofError } from '../crypto/handshake-error.ts';
import type { Ed25519SecretKey } from '../crypto/secret-key.ts';
import { concatBytes, utf8Bytes } from '../runtime/bytes.ts';
import {
  decodeIdentityKey,
  encodeIdentityKey,
  type IdentityKey,
  verifyIdentity,
} from './identity-key.ts';

/** What an identity key signs: this, and the X25519 static key of the connection. */
const SIGNATURE_DOMAIN: Uint8Array = utf8Bytes('noise-libp2p-static-key:');

/** An empty `extensions` field (4), as go-libp2p always sends it. */
const EMPTY_EXTENSIONS: Uint8Array = Uint8Array.of(0x22, 0x00);

/** A claim to be somebody, not proven yet. */
export interface IdentityClaim {
  readonly key: IdentityKey;
  readonly signature: Uint8Array;
}

/** Our payload: identity key and its signature over the connection's static key. */
export function encodePayload(identity: Ed25519SecretKey, staticKey: Uint8Array): Uint8Array {
  const key = encodeIdentityKey(identity.publicKey);
  const signature = identity.sign(concatBytes(SIGNATURE_DOMAIN, staticKey));
  return concatBytes(
    Uint8Array.of(0x0a, key.length),
    key,
    Uint8Array.of(0x12, signature.length),
    signature,
    EMPTY_EXTENSIONS,
  );
}

/**
 * Reads a peer's payload. Extensions and unknown fields are passed over.
 * @throws {BadHandshakeError} ERR_BAD_HANDSHAKE when it is no such message, or key or signature are missing.
 */
export function decodePayload(bytes: Uint8Array): IdentityClaim {
  let key: Uint8Array | undefined;
  let signature: Uint8Array | undefined;
  try {
    const reader = Reader.create(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 0x0a) key = reader.bytes();
      else if (tag === 0x12) signature = reader.bytes();
      else reader.skipType(tag & 7);
    }
  } catch (cause) {
    throw new BadHandshakeError('the identity payload cannot be decoded', { cause });
  }
  if (key === undefined || signature === undefined) {
    throw new BadHandshakeError('the identity payload has no key or no signature');
  }
  return { key: decodeIdentityKey(key), signature };
}

/** @throws {IdentityProofError} ERR_IDENTITY_PROOF unless the claimed key signed this static key. */
export function verifyClaim(claim: IdentityClaim, staticKey: Uint8Array): void {
  if (!verifyIdentity(claim.key, concatBytes(SIGNATURE_DOMAIN, staticKey), claim.signature)) {
    throw new IdentityProofError();
  }
}
