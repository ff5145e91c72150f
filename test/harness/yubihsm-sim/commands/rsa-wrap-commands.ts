/**
 * Commands for wrapping under RSA (firmware 2.4): an AES key under OAEP, and the object or the bare key
 * under that AES key by RFC 5649.
 */

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import { encodePkcs8, privateKeyOfPkcs8 } from '../crypto/pkcs8.ts';
import { decryptOaep, encryptOaep, type RsaKey } from '../crypto/rsa-key.ts';
import { requireOfKey } from '../device/access.ts';
import { AES_KEY_BYTES, MGF1_HASHES, OAEP_HASHES, RSA_BYTES } from '../device/algorithm.ts';
import type { ByteReader } from '../device/byte-reader.ts';
import { concat, u8 } from '../device/bytes.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT, orFault } from '../device/device-fault.ts';
import type { RandomBytes } from '../device/device-state.ts';
import { OBJECT_TYPE } from '../device/object-type.ts';
import { type Material, ORIGIN, type StoredObject } from '../device/stored-object.ts';
import { decodeWrapped, encodeWrapped } from '../device/wrapped-object.ts';
import { readPrivateKey } from './asymmetric-key-commands.ts';
import type { CommandContext, CommandSpec } from './command-spec.ts';
import { createObject, readParams } from './create-object.ts';
import { importObject, requireExportable, requireWithin } from './wrap-commands.ts';

const SINCE = { major: 2, minor: 4, patch: 0 } as const;

/** The initial value of RFC 5649. */
const KEY_WRAP_VECTOR = bytesFromHex('a65959a6');

/** Lengths of the label's hash, which is the length of the OAEP hash. */
const HASH_BYTES: Readonly<Record<string, number>> = {
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

/** In the order of their codes. */
export const RSA_WRAP_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x73,
    name: 'PutPublicWrapKey',
    since: SINCE,
    capability: CAPABILITY.putPublicWrapKey,
    run: (context, data) => {
      const params = readParams(data);
      const object = {
        ...params,
        type: OBJECT_TYPE.publicWrapKey,
        delegated: data.u64(),
        origin: ORIGIN.imported,
      };
      return createObject(context, object, () => {
        const bytes = RSA_BYTES.get(params.algorithm);
        if (bytes === undefined) throw new DeviceFault(FAULT.invalidData);
        const modulus = data.take(bytes);
        data.end();
        return { kind: 'rsa-public', modulus };
      });
    },
  },
  {
    code: 0x74,
    name: 'GetRsaWrappedKey',
    since: SINCE,
    capability: CAPABILITY.exportWrapped,
    run: (context, data) =>
      exportUnderRsa(context, data, ({ material }) =>
        material.kind === 'bytes'
          ? material.bytes
          : orFault(FAULT.invalidData, () => encodePkcs8(material)),
      ),
  },
  {
    code: 0x75,
    name: 'PutRsaWrappedKey',
    since: SINCE,
    capability: CAPABILITY.importWrapped,
    run: (context, data) => {
      const wrapKey = importingKey(context, data.u16());
      const type = data.u8();
      const params = readParams(data);
      const secret = open(wrapKey, readOaep(data), data);
      requireWithin(wrapKey.object, params.capabilities);
      const object = { ...params, type, origin: ORIGIN.imported | ORIGIN.wrapped };
      const id = createObject(context, object, () => bareKey(type, params.algorithm, secret));
      return concat(u8(type), id);
    },
  },
  {
    code: 0x76,
    name: 'ExportRsaWrapped',
    since: SINCE,
    capability: CAPABILITY.exportWrapped,
    run: (context, data) =>
      exportUnderRsa(context, data, (object, wrapKey) => encodeWrapped(wrapKey.algorithm, object)),
  },
  {
    code: 0x77,
    name: 'ImportRsaWrapped',
    since: SINCE,
    capability: CAPABILITY.importWrapped,
    run: (context, data) => {
      const wrapKey = importingKey(context, data.u16());
      const plaintext = open(wrapKey, readOaep(data), data);
      const { object } = wrapKey;
      return importObject(context, object, decodeWrapped(object.algorithm, plaintext));
    },
  },
];

/** Hash of MGF1, and the length of the label's hash. */
interface Oaep {
  readonly mgfHash: string;
  readonly labelBytes: number;
}

function exportUnderRsa(
  context: CommandContext,
  data: ByteReader,
  plaintextOf: (object: StoredObject, wrapKey: StoredObject) => Uint8Array,
): Uint8Array {
  const [wrapKeyId, type, id, aes] = [data.u16(), data.u8(), data.u16(), data.u8()];
  const oaep = readOaep(data);
  const labelHash = data.take(oaep.labelBytes);
  data.end();
  context.concerns(wrapKeyId, id);
  const { state, principal } = context;
  const wrapKey = state.store.find(principal, OBJECT_TYPE.publicWrapKey, wrapKeyId);
  const object = state.store.find(principal, type, id);
  requireExportable(wrapKey, object);
  const keyBytes = AES_KEY_BYTES.get(aes);
  const { material } = wrapKey;
  if (keyBytes === undefined || material.kind !== 'rsa-public') {
    throw new DeviceFault(FAULT.invalidData);
  }
  const key = state.random(keyBytes);
  const sealedKey = sealKey(state.random, material.modulus, key, oaep, labelHash);
  return concat(sealedKey, wrapUnder(key, plaintextOf(object, wrapKey)));
}

function sealKey(
  random: RandomBytes,
  modulus: Uint8Array,
  key: Uint8Array,
  { mgfHash, labelBytes }: Oaep,
  labelHash: Uint8Array,
): Uint8Array {
  return encryptOaep(modulus, key, mgfHash, labelHash, random(labelBytes));
}

function importingKey(
  { state, principal, concerns }: CommandContext,
  id: number,
): { readonly object: StoredObject; readonly key: RsaKey } {
  concerns(id);
  const object = state.store.find(principal, OBJECT_TYPE.wrapKey, id);
  requireOfKey(object, CAPABILITY.importWrapped);
  if (object.material.kind !== 'rsa') throw new DeviceFault(FAULT.invalidData);
  return { object, key: object.material.key };
}

/** What is wrapped in the rest of the command, in front of the label's hash. */
function open(wrapKey: { readonly key: RsaKey }, oaep: Oaep, data: ByteReader): Uint8Array {
  const sealedKey = data.take(wrapKey.key.modulus.length);
  const wrapped = data.take(data.left - oaep.labelBytes);
  const labelHash = data.rest();
  return orFault(FAULT.invalidData, () =>
    unwrapUnder(decryptOaep(wrapKey.key, sealedKey, oaep.mgfHash, labelHash), wrapped),
  );
}

function readOaep(data: ByteReader): Oaep {
  const hash = OAEP_HASHES.get(data.u8());
  const mgfHash = MGF1_HASHES.get(data.u8());
  if (hash === undefined || mgfHash === undefined) throw new DeviceFault(FAULT.invalidData);
  return { mgfHash, labelBytes: HASH_BYTES[hash] ?? 0 };
}

function bareKey(type: number, algorithm: number, secret: Uint8Array): Material {
  if (type === OBJECT_TYPE.asymmetricKey) {
    const key = orFault(FAULT.invalidData, () => privateKeyOfPkcs8(algorithm, secret));
    return readPrivateKey(algorithm, key);
  }
  if (type !== OBJECT_TYPE.symmetricKey || AES_KEY_BYTES.get(algorithm) !== secret.length) {
    throw new DeviceFault(FAULT.invalidData);
  }
  return { kind: 'bytes', bytes: secret };
}

function wrapUnder(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(nameOf(key), key, KEY_WRAP_VECTOR);
  return concat(cipher.update(plaintext), cipher.final());
}

function unwrapUnder(key: Uint8Array, wrapped: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(nameOf(key), key, KEY_WRAP_VECTOR);
  return concat(decipher.update(wrapped), decipher.final());
}

function nameOf(key: Uint8Array): string {
  return `id-aes${8 * key.length}-wrap-pad`;
}
