/** Keys on the NIST, Brainpool and secp256k1 curves: ECDSA over a ready digest, and ECDH. */
import { createECDH } from 'node:crypto';
import type { Curve } from '../device/algorithm.ts';
import { bytesFromInteger, concat, integerFromBytes } from '../device/bytes.ts';
import { bitString, integer, oid, sequence } from './der.ts';
import { inverse, mod } from './numbers.ts';

/** OID of an EC public key. */
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';

/** A private key with its public point. */
export interface EcKey {
  readonly curve: Curve;
  readonly scalar: Uint8Array;
  /** X‖Y, without the 04. */
  readonly point: Uint8Array;
}

/** @throws {RangeError} when `scalar` is not in [1, order). */
export function ecKeyFromScalar(curve: Curve, scalar: Uint8Array): EcKey {
  const value = integerFromBytes(scalar);
  if (scalar.length !== curve.bytes || value === 0n || value >= curve.order) {
    throw new RangeError(`not a private key of ${curve.name}`);
  }
  return { curve, scalar, point: multiplyBase(curve, scalar) };
}

/** A fresh key. `random` gives that many bytes. */
export function generateEcKey(curve: Curve, random: (count: number) => Uint8Array): EcKey {
  return ecKeyFromScalar(curve, randomScalar(curve, random));
}

/** A DER signature over `digest` as it is, with a random k and no rule for low s. */
export function signEcdsa(
  key: EcKey,
  digest: Uint8Array,
  random: (count: number) => Uint8Array,
): Uint8Array {
  const { curve } = key;
  const { order } = curve;
  const orderBits = order.toString(2).length;
  const excessBits = BigInt(Math.max(0, 8 * digest.length - orderBits));
  const message = integerFromBytes(digest) >> excessBits;
  const secret = integerFromBytes(key.scalar);
  for (;;) {
    const nonce = randomScalar(curve, random);
    const x = integerFromBytes(multiplyBase(curve, nonce).subarray(0, curve.bytes));
    const r = mod(x, order);
    const s = mod(inverse(integerFromBytes(nonce), order) * (message + r * secret), order);
    if (r !== 0n && s !== 0n) return sequence(integer(r), integer(s));
  }
}

/** The X coordinate of the shared point. @throws when `point` (65 bytes for P-256) is not on the curve. */
export function deriveEcdh(key: EcKey, point: Uint8Array): Uint8Array {
  const ecdh = createECDH(key.curve.name);
  ecdh.setPrivateKey(key.scalar);
  return Uint8Array.from(ecdh.computeSecret(point));
}

/** The DER form of the public key (RFC 5480). */
export function ecSpki(key: EcKey): Uint8Array {
  return sequence(
    sequence(oid(EC_PUBLIC_KEY), oid(key.curve.oid)),
    bitString(concat(Uint8Array.of(4), key.point)),
  );
}

function randomScalar(curve: Curve, random: (count: number) => Uint8Array): Uint8Array {
  const mask = (1n << BigInt(curve.order.toString(2).length)) - 1n;
  for (;;) {
    const value = integerFromBytes(random(curve.bytes)) & mask;
    if (value > 0n && value < curve.order) return bytesFromInteger(value, curve.bytes);
  }
}

function multiplyBase(curve: Curve, scalar: Uint8Array): Uint8Array {
  const ecdh = createECDH(curve.name);
  ecdh.setPrivateKey(scalar);
  return Uint8Array.from(ecdh.getPublicKey().subarray(1));
}
