/**
 * An object's secret as bytes: what travels inside a wrap, and what GetObjectInfo gives the length of.
 *
 * Ed25519, EC, RSA, authentication and AES wrap keys are laid out as the device does it. The rest
 * (HMAC, OTP, plain AES, and Ed25519 with its seed) has no public description: those are ours.
 */
import { ecKeyFromScalar } from '../crypto/ec-key.ts';
import { ed25519KeyFromScalar, ed25519KeyFromSeed } from '../crypto/ed25519-key.ts';
import { rsaKeyFromPrimes } from '../crypto/rsa-key.ts';
import { ALGORITHM, CURVES, OTP_KEY_BYTES, RSA_BYTES, WRAP_KEY_BYTES } from './algorithm.ts';
import { ByteReader } from './byte-reader.ts';
import { concat, sameBytes, u64 } from './bytes.ts';
import { DeviceFault, FAULT, orFault } from './device-fault.ts';
import { DELETE_CAPABILITY, OBJECT_TYPE } from './object-type.ts';
import type { Material, StoredObject } from './stored-object.ts';

const SEED_BYTES = 32;

/** The body of `object`. `withSeed` adds an Ed25519 key's seed, if it is known. */
export function encodeBody(
  object: Pick<StoredObject, 'type' | 'delegated' | 'material'>,
  options: { readonly withSeed?: boolean } = {},
): Uint8Array {
  const body = encodeMaterial(object.material, options.withSeed ?? false);
  return hasDelegated(object.type) ? concat(u64(object.delegated), body) : body;
}

/** The other way. @throws {DeviceFault} 02 or 08 for what is no such object. */
export function decodeBody(
  type: number,
  algorithm: number,
  body: Uint8Array,
): Pick<StoredObject, 'delegated' | 'material'> {
  if (!DELETE_CAPABILITY.has(type)) throw badBody();
  const reader = new ByteReader(body);
  const delegated = hasDelegated(type) ? reader.u64() : 0n;
  const material = orFault(FAULT.invalidData, () => decodeMaterial(type, algorithm, reader));
  reader.end();
  return { delegated, material };
}

function hasDelegated(type: number): boolean {
  return (
    type === OBJECT_TYPE.authenticationKey ||
    type === OBJECT_TYPE.wrapKey ||
    type === OBJECT_TYPE.publicWrapKey
  );
}

function encodeMaterial(material: Material, withSeed: boolean): Uint8Array {
  switch (material.kind) {
    case 'bytes':
      return material.bytes;
    case 'auth-symmetric':
      return concat(material.encKey, material.macKey);
    case 'auth-asymmetric':
      return material.publicKey.slice(1);
    case 'otp':
      return concat(material.nonceId, material.key);
    case 'ec':
      return concat(material.key.scalar, material.key.point);
    case 'rsa': {
      const { p, q, dp, dq, qInverse, modulus } = material.key;
      return concat(p, q, dp, dq, qInverse, modulus);
    }
    case 'rsa-public':
      return material.modulus;
    case 'ed25519': {
      const { scalar, prefix, publicKey, seed } = material.key;
      const known = withSeed && seed !== undefined ? seed : new Uint8Array();
      return concat(scalar.toReversed(), prefix, publicKey, known);
    }
  }
}

function decodeMaterial(type: number, algorithm: number, reader: ByteReader): Material {
  if (type === OBJECT_TYPE.asymmetricKey) return decodeAsymmetric(algorithm, reader);
  if (type === OBJECT_TYPE.authenticationKey) return decodeAuthentication(algorithm, reader);
  if (type === OBJECT_TYPE.wrapKey && !WRAP_KEY_BYTES.has(algorithm)) {
    return decodeAsymmetric(algorithm, reader);
  }
  if (type === OBJECT_TYPE.publicWrapKey) {
    return { kind: 'rsa-public', modulus: reader.take(RSA_BYTES.get(algorithm) ?? reader.left) };
  }
  if (type === OBJECT_TYPE.otpAeadKey) {
    const key = OTP_KEY_BYTES.get(algorithm) ?? reader.left;
    return { kind: 'otp', nonceId: reader.take(4), key: reader.take(key) };
  }
  return { kind: 'bytes', bytes: reader.rest() };
}

function decodeAuthentication(algorithm: number, reader: ByteReader): Material {
  if (algorithm === ALGORITHM.aes128YubicoAuthentication) {
    return { kind: 'auth-symmetric', encKey: reader.take(16), macKey: reader.take(16) };
  }
  return { kind: 'auth-asymmetric', publicKey: concat(Uint8Array.of(4), reader.take(64)) };
}

function decodeAsymmetric(algorithm: number, reader: ByteReader): Material {
  const curve = CURVES.get(algorithm);
  if (curve !== undefined) {
    const key = ecKeyFromScalar(curve, reader.take(curve.bytes));
    if (!sameBytes(reader.take(2 * curve.bytes), key.point)) throw badBody();
    return { kind: 'ec', key };
  }
  if (algorithm === ALGORITHM.ed25519) return decodeEd25519(reader);
  const bytes = RSA_BYTES.get(algorithm);
  if (bytes === undefined) throw badBody();
  const [p, q] = [reader.take(bytes / 2), reader.take(bytes / 2)];
  const key = rsaKeyFromPrimes(p, q, bytes);
  const rest = concat(key.dp, key.dq, key.qInverse, key.modulus);
  if (!sameBytes(reader.take(rest.length), rest)) throw badBody();
  return { kind: 'rsa', key };
}

function decodeEd25519(reader: ByteReader): Material {
  const scalar = reader.take(32).reverse();
  const prefix = reader.take(32);
  const publicKey = reader.take(32);
  if (reader.left === 0) {
    return { kind: 'ed25519', key: ed25519KeyFromScalar(scalar, prefix, publicKey) };
  }
  const key = ed25519KeyFromSeed(reader.take(SEED_BYTES));
  if (!sameBytes(key.publicKey, publicKey)) throw badBody();
  return { kind: 'ed25519', key };
}

function badBody(): DeviceFault {
  return new DeviceFault(FAULT.invalidData);
}
