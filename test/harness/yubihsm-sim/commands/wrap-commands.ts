/** Commands for wrap keys: backup and restore of objects, and data under a wrap key. */
import { NONCE_BYTES, openCcm, sealCcm } from '../crypto/aes-ccm.ts';
import { generateRsaKey, rsaKeyFromPrimes } from '../crypto/rsa-key.ts';
import { holds, requireOfKey } from '../device/access.ts';
import { RSA_BYTES, WRAP_KEY_BYTES } from '../device/algorithm.ts';
import type { ByteReader } from '../device/byte-reader.ts';
import { concat, u8, u16 } from '../device/bytes.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT, orFault } from '../device/device-fault.ts';
import type { DeviceState } from '../device/device-state.ts';
import { isAtLeast } from '../device/firmware.ts';
import { OBJECT_TYPE } from '../device/object-type.ts';
import { type Material, ORIGIN, type StoredObject } from '../device/stored-object.ts';
import { decodeWrapped, encodeWrapped } from '../device/wrapped-object.ts';
import type { CommandContext, CommandSpec } from './command-spec.ts';
import { createObject, readParams } from './create-object.ts';

/** In the order of their codes. */
export const WRAP_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x4a,
    name: 'ExportWrapped',
    capability: CAPABILITY.exportWrapped,
    run: (context, data) => {
      const [wrapKeyId, type, id] = [data.u16(), data.u8(), data.u16()];
      const withSeed = readSeedFlag(context.state, data);
      data.end();
      context.concerns(wrapKeyId, id);
      const { state, principal } = context;
      const wrapKey = state.store.find(principal, OBJECT_TYPE.wrapKey, wrapKeyId);
      aesKeyOf(wrapKey); // an RSA key imports only: 02, whatever it may do
      const object = state.store.find(principal, type, id);
      requireExportable(wrapKey, object);
      const plaintext = encodeWrapped(wrapKey.algorithm, object, { withSeed });
      return seal(state, wrapKey, plaintext);
    },
  },
  {
    code: 0x4b,
    name: 'ImportWrapped',
    capability: CAPABILITY.importWrapped,
    run: (context, data) => {
      const wrapKeyId = data.u16();
      context.concerns(wrapKeyId);
      const { state, principal } = context;
      const wrapKey = state.store.find(principal, OBJECT_TYPE.wrapKey, wrapKeyId);
      requireOfKey(wrapKey, CAPABILITY.importWrapped);
      const plaintext = open(wrapKey, data);
      return importObject(context, wrapKey, decodeWrapped(wrapKey.algorithm, plaintext));
    },
  },
  {
    code: 0x4c,
    name: 'PutWrapKey',
    capability: CAPABILITY.putWrapKey,
    run: (context, data) => {
      const params = readParams(data);
      const object = {
        ...params,
        type: OBJECT_TYPE.wrapKey,
        delegated: data.u64(),
        origin: ORIGIN.imported,
      };
      return createObject(context, object, () => readKey(context.state, params.algorithm, data));
    },
  },
  {
    code: 0x5b,
    name: 'GenerateWrapKey',
    capability: CAPABILITY.generateWrapKey,
    run: (context, data) => {
      const params = readParams(data);
      const object = {
        ...params,
        type: OBJECT_TYPE.wrapKey,
        delegated: data.u64(),
        origin: ORIGIN.generated,
      };
      data.end();
      return createObject(context, object, () => generate(context.state, params.algorithm));
    },
  },
  {
    code: 0x68,
    name: 'WrapData',
    capability: CAPABILITY.wrapData,
    run: (context, data) => {
      const wrapKey = dataKey(context, data, CAPABILITY.wrapData);
      return seal(context.state, wrapKey, concat(u8(wrapKey.algorithm), data.rest()));
    },
  },
  {
    code: 0x69,
    name: 'UnwrapData',
    capability: CAPABILITY.unwrapData,
    run: (context, data) => {
      const wrapKey = dataKey(context, data, CAPABILITY.unwrapData);
      const plaintext = open(wrapKey, data);
      if (plaintext[0] !== wrapKey.algorithm) throw new DeviceFault(FAULT.invalidData);
      return plaintext.slice(1);
    },
  },
];

/** The rights of an export. @throws {DeviceFault} 09 */
export function requireExportable(wrapKey: StoredObject, object: StoredObject): void {
  requireOfKey(wrapKey, CAPABILITY.exportWrapped);
  requireOfKey(object, CAPABILITY.exportableUnderWrap);
  requireWithin(wrapKey, object.capabilities);
}

/**
 * Keeps an object that came out of a wrap, with 10 in its origin. Its domains must be its importer's.
 *
 * @returns the data of the reply: `type ‖ id`.
 * @throws {DeviceFault} 09, 11, 07, 12.
 */
export function importObject(
  context: CommandContext,
  wrapKey: StoredObject,
  object: StoredObject,
): Uint8Array {
  const { state, principal } = context;
  context.concerns(wrapKey.id, object.id);
  requireWithin(wrapKey, object.capabilities);
  const isInside = object.domains !== 0 && (object.domains & ~principal.domains) === 0;
  if (!isInside) throw new DeviceFault(FAULT.insufficientPermissions);
  state.options.requireEnabled(object.algorithm);
  const id = state.store.add({ ...object, origin: object.origin | ORIGIN.wrapped });
  context.concerns(wrapKey.id, id);
  return concat(u8(object.type), u16(id));
}

/** What a wrap key may carry. @throws {DeviceFault} 09 */
export function requireWithin(wrapKey: StoredObject, capabilities: bigint): void {
  if (!holds(wrapKey.delegated, capabilities)) {
    throw new DeviceFault(FAULT.insufficientPermissions);
  }
}

/** `nonce ‖ ciphertext ‖ tag`. @throws {DeviceFault} 02 when it is no AES key. */
function seal(state: DeviceState, wrapKey: StoredObject, plaintext: Uint8Array): Uint8Array {
  const nonce = state.random(NONCE_BYTES);
  return concat(nonce, sealCcm(aesKeyOf(wrapKey), nonce, plaintext));
}

/** @throws {DeviceFault} 02 when it was not wrapped by this key. */
function open(wrapKey: StoredObject, data: ByteReader): Uint8Array {
  const key = aesKeyOf(wrapKey);
  const nonce = data.take(NONCE_BYTES);
  const sealed = data.rest();
  return orFault(FAULT.invalidData, () => openCcm(key, nonce, sealed));
}

function aesKeyOf({ material }: StoredObject): Uint8Array {
  if (material.kind !== 'bytes') throw new DeviceFault(FAULT.invalidData);
  return material.bytes;
}

/** The key of the two data commands, which put the key's algorithm before the data, as objects have it. Before 2.5 a missing right was invalid data there. */
function dataKey(context: CommandContext, data: ByteReader, capability: bigint): StoredObject {
  const id = data.u16();
  context.concerns(id);
  const { state, principal } = context;
  const wrapKey = state.store.find(principal, OBJECT_TYPE.wrapKey, id);
  if (!isAtLeast(state.identity.firmware, 2, 5) && !holds(wrapKey.capabilities, capability)) {
    throw new DeviceFault(FAULT.invalidData);
  }
  requireOfKey(wrapKey, capability);
  return wrapKey;
}

/** Since 2.4 one more byte may ask for an Ed25519 key's seed. */
function readSeedFlag(state: DeviceState, data: ByteReader): boolean {
  if (data.left === 0 || !isAtLeast(state.identity.firmware, 2, 4)) return false;
  const flag = data.u8();
  if (flag > 1) throw new DeviceFault(FAULT.invalidData);
  return flag === 1;
}

function readKey(state: DeviceState, algorithm: number, data: ByteReader): Material {
  const bytes = WRAP_KEY_BYTES.get(algorithm);
  const rsaBytes = isAtLeast(state.identity.firmware, 2, 4) ? RSA_BYTES.get(algorithm) : undefined;
  if (rsaBytes !== undefined) {
    const [p, q] = [data.take(rsaBytes / 2), data.take(rsaBytes / 2)];
    data.end();
    const key = orFault(FAULT.invalidData, () => rsaKeyFromPrimes(p, q, rsaBytes));
    return { kind: 'rsa', key };
  }
  if (bytes === undefined) throw new DeviceFault(FAULT.invalidData);
  const key = data.take(bytes);
  data.end();
  return { kind: 'bytes', bytes: key };
}

function generate(state: DeviceState, algorithm: number): Material {
  const bytes = WRAP_KEY_BYTES.get(algorithm);
  if (bytes !== undefined) return { kind: 'bytes', bytes: state.random(bytes) };
  const rsaBytes = isAtLeast(state.identity.firmware, 2, 4) ? RSA_BYTES.get(algorithm) : undefined;
  if (rsaBytes === undefined) throw new DeviceFault(FAULT.invalidData);
  return { kind: 'rsa', key: generateRsaKey(rsaBytes) };
}
