/** Commands for HMAC keys. */
import { createHmac } from 'node:crypto';
import { requireOfKey } from '../device/access.ts';
import { HMACS } from '../device/algorithm.ts';
import type { ByteReader } from '../device/byte-reader.ts';
import { sameBytes, u8 } from '../device/bytes.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT } from '../device/device-fault.ts';
import { OBJECT_TYPE } from '../device/object-type.ts';
import { ORIGIN } from '../device/stored-object.ts';
import type { CommandContext, CommandSpec } from './command-spec.ts';
import { createObject, readParams } from './create-object.ts';

/** In the order of their codes. */
export const HMAC_KEY_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x52,
    name: 'PutHmacKey',
    capability: CAPABILITY.putHmacKey,
    run: (context, data) => {
      const params = readParams(data);
      const bytes = data.rest();
      const object = { ...params, type: OBJECT_TYPE.hmacKey, origin: ORIGIN.imported };
      return createObject(context, object, () => {
        const { maxKeyBytes } = hmacOf(params.algorithm);
        if (bytes.length === 0 || bytes.length > maxKeyBytes) {
          throw new DeviceFault(FAULT.wrongLength);
        }
        return { kind: 'bytes', bytes };
      });
    },
  },
  {
    code: 0x53,
    name: 'SignHmac',
    capability: CAPABILITY.signHmac,
    run: (context, data) => {
      const { compute } = keyOf(context, data, CAPABILITY.signHmac);
      return compute(data.rest());
    },
  },
  {
    code: 0x5a,
    name: 'GenerateHmacKey',
    capability: CAPABILITY.generateHmacKey,
    run: (context, data) => {
      const params = readParams(data);
      data.end();
      const object = { ...params, type: OBJECT_TYPE.hmacKey, origin: ORIGIN.generated };
      return createObject(context, object, () => ({
        kind: 'bytes',
        bytes: context.state.random(hmacOf(params.algorithm).bytes),
      }));
    },
  },
  {
    code: 0x5c,
    name: 'VerifyHmac',
    capability: CAPABILITY.verifyHmac,
    run: (context, data) => {
      const { bytes, compute } = keyOf(context, data, CAPABILITY.verifyHmac);
      const expected = data.take(bytes);
      return u8(sameBytes(compute(data.rest()), expected) ? 1 : 0);
    },
  },
];

interface HmacKey {
  /** Length of what it computes. */
  readonly bytes: number;
  readonly compute: (data: Uint8Array) => Uint8Array;
}

function keyOf(context: CommandContext, data: ByteReader, capability: bigint): HmacKey {
  const id = data.u16();
  context.concerns(id);
  const object = context.state.store.find(context.principal, OBJECT_TYPE.hmacKey, id);
  requireOfKey(object, capability);
  context.state.options.requireEnabled(object.algorithm);
  const { material } = object;
  if (material.kind !== 'bytes') throw new DeviceFault(FAULT.invalidData);
  const { hash, bytes } = hmacOf(object.algorithm);
  return {
    bytes,
    compute: (message) =>
      Uint8Array.from(createHmac(hash, material.bytes).update(message).digest()),
  };
}

function hmacOf(algorithm: number) {
  const hmac = HMACS.get(algorithm);
  if (hmac === undefined) throw new DeviceFault(FAULT.invalidData);
  return hmac;
}
