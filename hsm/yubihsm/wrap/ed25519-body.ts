/**
 * The content of an Ed25519 key under wrap: the expanded secret, from which there is no way back to the
 * seed. (Firmware 2.4 adds the seed on request; the form of that is not known here.)
 */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { copyOf, joinBytes, sized } from '../commands/wire-bytes.ts';
import { MalformedWrapError } from './wrap-errors.ts';

/** Bytes of the body without a seed. */
export const ED25519_BODY_BYTES = 96;

/** PKCS #8 before an Ed25519 seed (RFC 8410). */
const PKCS8_PREFIX = Uint8Array.from(Buffer.from('302e020100300506032b657004220420', 'hex'));

/** An Ed25519 key as it is used: both halves of the seed's SHA-512, and the public key. */
export interface Ed25519Body {
  /** 32 bytes, little-endian as RFC 8032 has it, clamped. Secret. */
  readonly scalar: Uint8Array;
  /** 32 bytes: the second half of the hash. Secret. */
  readonly prefix: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** The 96 bytes for a seed of 32. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function ed25519BodyFromSeed(seed: Uint8Array): Uint8Array {
  sized('seed', seed, [32]);
  const hash = createHash('sha512').update(seed).digest();
  const scalar = hash.subarray(0, 32);
  scalar[0] = (scalar[0] ?? 0) & 0xf8;
  scalar[31] = ((scalar[31] ?? 0) & 0x7f) | 0x40;
  scalar.reverse();
  const body = joinBytes(hash, publicKeyFromSeed(seed));
  hash.fill(0);
  return body;
}

/** Reads such a body. @throws {MalformedWrapError} ERR_YUBIHSM_MALFORMED_WRAP unless 96 bytes with a clamped scalar. */
export function decodeEd25519Body(body: Uint8Array): Ed25519Body {
  if (body.length !== ED25519_BODY_BYTES) {
    throw new MalformedWrapError(`the body of an Ed25519 key has 96 bytes, not ${body.length}`);
  }
  const scalar = copyOf(body.subarray(0, 32)).reverse();
  const isClamped = ((scalar[0] ?? 0) & 0x07) === 0 && ((scalar[31] ?? 0) & 0xc0) === 0x40;
  if (!isClamped) throw new MalformedWrapError('its body holds no clamped Ed25519 scalar');
  const prefix = copyOf(body.subarray(32, 64));
  return { scalar, prefix, publicKey: copyOf(body.subarray(64)) };
}

function publicKeyFromSeed(seed: Uint8Array): Uint8Array {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  der.fill(0);
  return Uint8Array.from(key.export({ format: 'der', type: 'spki' }).subarray(-32));
}
