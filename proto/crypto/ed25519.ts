/** Ed25519 verification as libsodium does it. The consensus rule is in `zip215.ts`. */
import type { PublicKey } from './public-key.ts';
import { sodium } from './sodium.ts';

/** Length of an Ed25519 signature in bytes. */
export const ED25519_SIGNATURE_BYTES = 64;

/**
 * Whether `signature` (64 bytes, anything else is `false`) is one by `key` over `message`, by
 * libsodium's strict check: canonical S, canonical key, no key or R of small order, no cofactor.
 *
 * What it accepts every verifier accepts, ZIP-215 ones included. Nothing else releases a
 * signature of ours (S20).
 */
export function verifyStrict(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== ED25519_SIGNATURE_BYTES) return false;
  return sodium.crypto_sign_verify_detached(signature, message, key.bytes);
}
