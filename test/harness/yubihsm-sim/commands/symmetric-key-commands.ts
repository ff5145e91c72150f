/** Commands for plain AES keys (firmware 2.3). */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { requireOfKey } from '../device/access.ts';
import { AES_KEY_BYTES } from '../device/algorithm.ts';
import type { ByteReader } from '../device/byte-reader.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT } from '../device/device-fault.ts';
import { OBJECT_TYPE } from '../device/object-type.ts';
import { ORIGIN } from '../device/stored-object.ts';
import type { CommandContext, CommandSpec } from './command-spec.ts';
import { createObject, readParams } from './create-object.ts';

const SINCE = { major: 2, minor: 3, patch: 0 } as const;
const BLOCK_BYTES = 16;

/** In the order of their codes. */
export const SYMMETRIC_KEY_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x6d,
    name: 'PutSymmetricKey',
    since: SINCE,
    capability: CAPABILITY.putSymmetricKey,
    run: (context, data) => {
      const params = readParams(data);
      const object = { ...params, type: OBJECT_TYPE.symmetricKey, origin: ORIGIN.imported };
      return createObject(context, object, () => {
        const bytes = data.take(keyBytesOf(params.algorithm));
        data.end();
        return { kind: 'bytes', bytes };
      });
    },
  },
  {
    code: 0x6e,
    name: 'GenerateSymmetricKey',
    since: SINCE,
    capability: CAPABILITY.generateSymmetricKey,
    run: (context, data) => {
      const params = readParams(data);
      data.end();
      const object = { ...params, type: OBJECT_TYPE.symmetricKey, origin: ORIGIN.generated };
      return createObject(context, object, () => ({
        kind: 'bytes',
        bytes: context.state.random(keyBytesOf(params.algorithm)),
      }));
    },
  },
  cipherCommand(0x6f, 'DecryptEcb', 'ecb', 'decrypt', CAPABILITY.decryptEcb),
  cipherCommand(0x70, 'EncryptEcb', 'ecb', 'encrypt', CAPABILITY.encryptEcb),
  cipherCommand(0x71, 'DecryptCbc', 'cbc', 'decrypt', CAPABILITY.decryptCbc),
  cipherCommand(0x72, 'EncryptCbc', 'cbc', 'encrypt', CAPABILITY.encryptCbc),
];

function cipherCommand(
  code: number,
  name: string,
  mode: 'cbc' | 'ecb',
  direction: 'decrypt' | 'encrypt',
  capability: bigint,
): CommandSpec {
  const run = (context: CommandContext, data: ByteReader): Uint8Array => {
    const key = keyOf(context, data, capability);
    const vector = mode === 'cbc' ? data.take(BLOCK_BYTES) : null;
    const blocks = data.rest();
    if (blocks.length === 0 || blocks.length % BLOCK_BYTES !== 0) {
      throw new DeviceFault(FAULT.wrongLength);
    }
    const algorithm = `aes-${8 * key.length}-${mode}`;
    const make = direction === 'encrypt' ? createCipheriv : createDecipheriv;
    const cipher = make(algorithm, key, vector).setAutoPadding(false);
    return Uint8Array.from(cipher.update(blocks));
  };
  return { code, name, since: SINCE, capability, run };
}

function keyOf(context: CommandContext, data: ByteReader, capability: bigint): Uint8Array {
  const id = data.u16();
  context.concerns(id);
  const object = context.state.store.find(context.principal, OBJECT_TYPE.symmetricKey, id);
  requireOfKey(object, capability);
  context.state.options.requireEnabled(object.algorithm);
  if (object.material.kind !== 'bytes') throw new DeviceFault(FAULT.invalidData);
  return object.material.bytes;
}

function keyBytesOf(algorithm: number): number {
  const bytes = AES_KEY_BYTES.get(algorithm);
  if (bytes === undefined) throw new DeviceFault(FAULT.invalidData);
  return bytes;
}
