/** Commands for key pairs. */
import { deriveEcdh, ecKeyFromScalar, generateEcKey, signEcdsa } from '../crypto/ec-key.ts';
import { ed25519KeyFromSeed, signEd25519 } from '../crypto/ed25519-key.ts';
import {
  decryptOaep,
  decryptPkcs1,
  generateRsaKey,
  rsaKeyFromPrimes,
  signPkcs1,
  signPss,
} from '../crypto/rsa-key.ts';
import { requireOfKey } from '../device/access.ts';
import { ALGORITHM, CURVES, MGF1_HASHES, RSA_BYTES } from '../device/algorithm.ts';
import { ByteReader } from '../device/byte-reader.ts';
import { concat, u8 } from '../device/bytes.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT, orFault } from '../device/device-fault.ts';
import type { RandomBytes } from '../device/device-state.ts';
import { OBJECT_TYPE } from '../device/object-type.ts';
import { type Material, ORIGIN, type StoredObject } from '../device/stored-object.ts';
import type { CommandContext, CommandSpec } from './command-spec.ts';
import { createObject, readParams } from './create-object.ts';

/** Lengths of what SignEcdsa takes: SHA-1 to SHA-512, and whole numbers of P-521. */
const DIGEST_BYTES: ReadonlySet<number> = new Set([20, 28, 32, 48, 64, 66]);

/** Lengths of what the RSA signatures take. */
const RSA_DIGEST_BYTES: ReadonlySet<number> = new Set([20, 32, 48, 64]);

const SEED_BYTES = 32;

/** In the order of their codes. */
export const ASYMMETRIC_KEY_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x45,
    name: 'PutAsymmetricKey',
    capability: CAPABILITY.putAsymmetricKey,
    run: (context, data) => {
      const params = readParams(data);
      const object = { ...params, type: OBJECT_TYPE.asymmetricKey, origin: ORIGIN.imported };
      return createObject(context, object, () => readPrivateKey(params.algorithm, data));
    },
  },
  {
    code: 0x46,
    name: 'GenerateAsymmetricKey',
    capability: CAPABILITY.generateAsymmetricKey,
    run: (context, data) => {
      const params = readParams(data);
      data.end();
      const object = { ...params, type: OBJECT_TYPE.asymmetricKey, origin: ORIGIN.generated };
      return createObject(context, object, () => generate(params.algorithm, context.state.random));
    },
  },
  {
    code: 0x47,
    name: 'SignPkcs1',
    capability: CAPABILITY.signPkcs,
    isSignature: true,
    run: (context, data) => {
      const { key } = keyOf(context, data, CAPABILITY.signPkcs, 'rsa');
      return signPkcs1(key, sized(data.rest(), RSA_DIGEST_BYTES));
    },
  },
  {
    code: 0x49,
    name: 'DecryptPkcs1',
    capability: CAPABILITY.decryptPkcs,
    run: (context, data) => {
      const { key } = keyOf(context, data, CAPABILITY.decryptPkcs, 'rsa');
      const ciphertext = data.take(key.modulus.length);
      data.end();
      return orFault(FAULT.invalidData, () => decryptPkcs1(key, ciphertext));
    },
  },
  {
    code: 0x54,
    name: 'GetPublicKey',
    run: (context, data) => {
      const id = data.u16();
      const type = data.left > 0 ? data.u8() : OBJECT_TYPE.asymmetricKey;
      data.end();
      context.concerns(id);
      return publicKeyOf(context.state.store.find(context.principal, type, id));
    },
  },
  {
    code: 0x55,
    name: 'SignPss',
    capability: CAPABILITY.signPss,
    isSignature: true,
    run: (context, data) => {
      const { key } = keyOf(context, data, CAPABILITY.signPss, 'rsa');
      const mgfHash = mgfHashOf(data.u8());
      const saltBytes = data.u16();
      const digest = sized(data.rest(), RSA_DIGEST_BYTES);
      return orFault(FAULT.invalidData, () =>
        signPss(key, digest, mgfHash, context.state.random(saltBytes)),
      );
    },
  },
  {
    code: 0x56,
    name: 'SignEcdsa',
    capability: CAPABILITY.signEcdsa,
    isSignature: true,
    run: (context, data) => {
      const { key } = keyOf(context, data, CAPABILITY.signEcdsa, 'ec');
      return signEcdsa(key, sized(data.rest(), DIGEST_BYTES), context.state.random);
    },
  },
  {
    code: 0x57,
    name: 'DeriveEcdh',
    capability: CAPABILITY.deriveEcdh,
    run: (context, data) => {
      const { key } = keyOf(context, data, CAPABILITY.deriveEcdh, 'ec');
      const point = data.rest();
      return orFault(FAULT.invalidData, () => deriveEcdh(key, point));
    },
  },
  {
    code: 0x59,
    name: 'DecryptOaep',
    capability: CAPABILITY.decryptOaep,
    run: (context, data) => {
      const { key } = keyOf(context, data, CAPABILITY.decryptOaep, 'rsa');
      const mgfHash = mgfHashOf(data.u8());
      const ciphertext = data.take(key.modulus.length);
      const labelHash = sized(data.rest(), RSA_DIGEST_BYTES);
      return orFault(FAULT.invalidData, () => decryptOaep(key, ciphertext, mgfHash, labelHash));
    },
  },
  {
    code: 0x6a,
    name: 'SignEddsa',
    capability: CAPABILITY.signEddsa,
    isSignature: true,
    run: (context, data) => {
      const { key } = keyOf(context, data, CAPABILITY.signEddsa, 'ed25519');
      return signEd25519(key, data.rest());
    },
  },
];

/** A private key as PutAsymmetricKey brings it. @throws {DeviceFault} 02, 08 */
export function readPrivateKey(algorithm: number, data: ByteReader): Material {
  const curve = CURVES.get(algorithm);
  if (curve !== undefined) {
    const scalar = data.take(curve.bytes);
    data.end();
    return {
      kind: 'ec',
      key: orFault(FAULT.invalidData, () => ecKeyFromScalar(curve, scalar)),
    };
  }
  if (algorithm === ALGORITHM.ed25519) {
    const seed = data.take(SEED_BYTES);
    data.end();
    return { kind: 'ed25519', key: ed25519KeyFromSeed(seed) };
  }
  const bytes = RSA_BYTES.get(algorithm);
  if (bytes === undefined) throw new DeviceFault(FAULT.invalidData);
  const [p, q] = [data.take(bytes / 2), data.take(bytes / 2)];
  data.end();
  return {
    kind: 'rsa',
    key: orFault(FAULT.invalidData, () => rsaKeyFromPrimes(p, q, bytes)),
  };
}

/** The data of a GetPublicKey reply. @throws {DeviceFault} 02 for an object without a public key. */
function publicKeyOf({ algorithm, material }: StoredObject): Uint8Array {
  switch (material.kind) {
    case 'ed25519':
      return concat(u8(algorithm), material.key.publicKey);
    case 'ec':
      return concat(u8(algorithm), material.key.point);
    case 'rsa':
      return concat(u8(algorithm), material.key.modulus);
    case 'rsa-public':
      return concat(u8(algorithm), material.modulus);
    default:
      throw new DeviceFault(FAULT.invalidData);
  }
}

function generate(algorithm: number, random: RandomBytes): Material {
  const curve = CURVES.get(algorithm);
  if (curve !== undefined) return { kind: 'ec', key: generateEcKey(curve, random) };
  const rsaBytes = RSA_BYTES.get(algorithm);
  if (rsaBytes !== undefined) return { kind: 'rsa', key: generateRsaKey(rsaBytes) };
  return readPrivateKey(algorithm, new ByteReader(random(SEED_BYTES)));
}

/** The key whose id comes first. @throws {DeviceFault} 0b, 09, 02 for a key of another kind, 12. */
function keyOf<Kind extends 'ec' | 'ed25519' | 'rsa'>(
  context: CommandContext,
  data: ByteReader,
  capability: bigint,
  kind: Kind,
): Extract<Material, { readonly kind: Kind }> {
  const id = data.u16();
  context.concerns(id);
  const { state, principal } = context;
  const object = state.store.find(principal, OBJECT_TYPE.asymmetricKey, id);
  requireOfKey(object, capability);
  const { material } = object;
  if (!isOfKind(material, kind)) throw new DeviceFault(FAULT.invalidData);
  state.options.requireEnabled(object.algorithm);
  return material;
}

function isOfKind<Kind extends Material['kind']>(
  material: Material,
  kind: Kind,
): material is Extract<Material, { readonly kind: Kind }> {
  return material.kind === kind;
}

function mgfHashOf(algorithm: number): string {
  const hash = MGF1_HASHES.get(algorithm);
  if (hash === undefined) throw new DeviceFault(FAULT.invalidData);
  return hash;
}

function sized(bytes: Uint8Array, lengths: ReadonlySet<number>): Uint8Array {
  if (!lengths.has(bytes.length)) throw new DeviceFault(FAULT.wrongLength);
  return bytes;
}
