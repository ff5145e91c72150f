/** Private keys as PKCS #8, which is how they travel alone under an RSA wrap. */

import { ALGORITHM, CURVES, RSA_BYTES } from '../device/algorithm.ts';
import { ByteReader } from '../device/byte-reader.ts';
import { bytesFromInteger, concat, integerFromBytes, u8 } from '../device/bytes.ts';
import type { Material } from '../device/stored-object.ts';
import { bitString, der, derElements, integer, octetString, oid, sequence } from './der.ts';

/** The DER form. @throws {RangeError} for an Ed25519 key whose seed is not known, and for other material. */
export function encodePkcs8(material: Material): Uint8Array {
  switch (material.kind) {
    case 'rsa':
      return Uint8Array.from(material.key.privateKey.export({ format: 'der', type: 'pkcs8' }));
    case 'ec': {
      const { curve, scalar, point } = material.key;
      const publicKey = der(0xa1, bitString(concat(u8(4), point)));
      const privateKey = sequence(integer(1n), octetString(scalar), publicKey);
      const algorithm = sequence(oid('1.2.840.10045.2.1'), oid(curve.oid));
      return sequence(integer(0n), algorithm, octetString(privateKey));
    }
    case 'ed25519': {
      const { seed } = material.key;
      if (seed === undefined) throw new RangeError('the seed is not known');
      const algorithm = sequence(oid('1.3.101.112'));
      return sequence(integer(0n), algorithm, octetString(octetString(seed)));
    }
    default:
      throw new RangeError('not a private key');
  }
}

/**
 * The key out of it, as PutAsymmetricKey would bring it: scalar, seed, or `p‖q`.
 * @throws {RangeError} when it is none of `algorithm`.
 */
export function privateKeyOfPkcs8(algorithm: number, bytes: Uint8Array): ByteReader {
  const [outer] = derElements(bytes);
  const key = contentOf(outer?.content, 2);
  const curve = CURVES.get(algorithm);
  if (curve !== undefined) {
    const [sec1] = derElements(key);
    return new ByteReader(sized(contentOf(sec1?.content, 1), curve.bytes));
  }
  if (algorithm === ALGORITHM.ed25519) return new ByteReader(contentOf(key, 0));
  const half = (RSA_BYTES.get(algorithm) ?? 0) / 2;
  const [pkcs1] = derElements(key);
  const [p, q] = [contentOf(pkcs1?.content, 4), contentOf(pkcs1?.content, 5)];
  return new ByteReader(concat(sized(p, half), sized(q, half)));
}

function contentOf(bytes: Uint8Array | undefined, index: number): Uint8Array {
  const element = derElements(bytes ?? new Uint8Array())[index];
  if (element === undefined) throw new RangeError('not a private key');
  return element.content;
}

function sized(bytes: Uint8Array, length: number): Uint8Array {
  return bytesFromInteger(integerFromBytes(bytes), length);
}
