/**
 * Ed25519 verification as consensus does it (ZIP-215). Apart from `ed25519.ts`, so that a signer,
 * which never needs it, does not load it.
 */
import { createHash } from 'node:crypto';
import { hashes, verify } from '@noble/ed25519';
import { ED25519_SIGNATURE_BYTES, verifyStrict } from './ed25519.ts';
import type { PublicKey } from './public-key.ts';

// The library's synchronous functions use the hash they are given.
hashes.sha512 = (message) => new Uint8Array(createHash('sha512').update(message).digest());

/**
 * Whether ZIP-215 accepts: S canonical, `[8][S]B = [8]R + [8][k]A`, points of small order and
 * non-canonical encodings of A and R allowed. What v0.35+ nodes decide on commits with.
 *
 * libsodium is asked first: what its stricter check accepts, this rule accepts, and only the rest
 * takes the slow path. Never used to release a signature of ours (S20).
 */
export function verifyZip215(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== ED25519_SIGNATURE_BYTES) return false;
  if (verifyStrict(key, message, signature)) return true;
  return verify(signature, message, key.bytes, { zip215: true });
}
