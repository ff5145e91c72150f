/** Public keys and the names made of them. */
import { createHash } from 'node:crypto';
import { CodedError } from '../runtime/coded-error.ts';

/** Length of an Ed25519 public key in bytes. */
export const ED25519_PUBLIC_KEY_BYTES = 32;

/** A key that verifies. Ed25519 is what this signer signs with; the type is there for the wire. */
export interface PublicKey {
  readonly type: 'ed25519';
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/** Bytes that should be a public key are not. */
export class InvalidPublicKeyError extends CodedError {
  override readonly name = 'InvalidPublicKeyError';
  readonly code = 'ERR_INVALID_PUBLIC_KEY';
}

/** @throws {InvalidPublicKeyError} ERR_INVALID_PUBLIC_KEY unless 32 bytes. */
export function ed25519PublicKey(bytes: Uint8Array): PublicKey {
  if (bytes.length !== ED25519_PUBLIC_KEY_BYTES) {
    throw new InvalidPublicKeyError(`an Ed25519 public key has 32 bytes, not ${bytes.length}`);
  }
  return { type: 'ed25519', bytes };
}

/** Validator address: the first 20 bytes of SHA-256 of the key (spec/privval.md 5.1). */
export function addressFromPublicKey(key: PublicKey): Uint8Array {
  return new Uint8Array(createHash('sha256').update(key.bytes).digest().subarray(0, 20));
}

/** Whether both are the same key. */
export function equalPublicKeys(a: PublicKey, b: PublicKey): boolean {
  return a.type === b.type && Buffer.compare(a.bytes, b.bytes) === 0;
}
