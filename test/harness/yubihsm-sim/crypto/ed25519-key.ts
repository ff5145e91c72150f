/**
 * Ed25519 keys as the device keeps them: scalar, prefix and public key, and the seed while it is known.
 *
 * A key that was restored from a default export has no seed and signs by arithmetic, which is slow;
 * every other key signs by libsodium, in half the time that `node:crypto` takes.
 */

import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sodium } from '@privval/proto/crypto/sodium';
import { bytesFromInteger, concat, integerFromBytes, sameBytes } from '../device/bytes.ts';
import { bitString, oid, sequence } from './der.ts';
import { mod } from './numbers.ts';

/** Order of the group. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const SIGNATURE_BYTES = 64;

/** One key pair. */
export interface Ed25519Key {
  /** Clamped, little-endian, as RFC 8032 has it. */
  readonly scalar: Uint8Array;
  /** The second half of the seed's hash. */
  readonly prefix: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly seed: Uint8Array | undefined;
}

/** From the 32-byte seed. */
export function ed25519KeyFromSeed(seed: Uint8Array): Ed25519Key {
  const hash = sha512(seed);
  const scalar = clamped(hash.subarray(0, 32));
  return {
    scalar,
    prefix: hash.slice(32),
    publicKey: publicKeyOf(scalar),
    seed,
  };
}

/** From what a default export holds. @throws {RangeError} when the public key is not the scalar's. */
export function ed25519KeyFromScalar(
  scalar: Uint8Array,
  prefix: Uint8Array,
  publicKey: Uint8Array,
): Ed25519Key {
  if (!sameBytes(publicKeyOf(scalar), publicKey)) {
    throw new RangeError('the public key does not belong to the scalar');
  }
  return { scalar, prefix, publicKey, seed: undefined };
}

/** `R‖S`, 64 bytes: RFC 8032, over the message itself. */
export function signEd25519(key: Ed25519Key, message: Uint8Array): Uint8Array {
  if (key.seed !== undefined) {
    const signature = new Uint8Array(SIGNATURE_BYTES);
    // libsodium's secret key is the seed and the public key.
    sodium.crypto_sign_detached(signature, message, concat(key.seed, key.publicKey));
    return signature;
  }
  const nonce = mod(littleEndian(sha512(key.prefix, message)), ORDER);
  const commitment = nonce === 0n ? ed25519.Point.ZERO : ed25519.Point.BASE.multiply(nonce);
  const r = commitment.toBytes();
  const challenge = littleEndian(sha512(r, key.publicKey, message));
  const s = mod(nonce + challenge * littleEndian(key.scalar), ORDER);
  return concat(r, bytesFromInteger(s, 32).reverse());
}

/** The DER form of the public key (RFC 8410). */
export function ed25519Spki(key: Ed25519Key): Uint8Array {
  return sequence(sequence(oid('1.3.101.112')), bitString(key.publicKey));
}

function publicKeyOf(scalar: Uint8Array): Uint8Array {
  return ed25519.Point.BASE.multiply(mod(littleEndian(scalar), ORDER)).toBytes();
}

function clamped(half: Uint8Array): Uint8Array {
  const scalar = half.slice();
  scalar[0] = (scalar[0] ?? 0) & 0xf8;
  scalar[31] = ((scalar[31] ?? 0) & 0x7f) | 0x40;
  return scalar;
}

function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(
    createHash('sha512')
      .update(concat(...parts))
      .digest(),
  );
}

function littleEndian(bytes: Uint8Array): bigint {
  return integerFromBytes(bytes.toReversed());
}
