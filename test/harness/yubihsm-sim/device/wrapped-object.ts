/** An object as it lies inside a wrap: a header of 59 bytes and the body (3.9 of the sheet). */
import { ByteReader } from './byte-reader.ts';
import { concat, u8, u16, u64 } from './bytes.ts';
import { DeviceFault, FAULT } from './device-fault.ts';
import { decodeBody, encodeBody } from './object-body.ts';
import { LABEL_BYTES, type StoredObject } from './stored-object.ts';

/** The plaintext. `wrapAlgorithm`: the algorithm of the key that wraps. */
export function encodeWrapped(
  wrapAlgorithm: number,
  object: StoredObject,
  options: { readonly withSeed?: boolean } = {},
): Uint8Array {
  const body = encodeBody(object, options);
  return concat(
    u8(wrapAlgorithm),
    u64(object.capabilities),
    u16(object.id),
    u16(body.length),
    u16(object.domains),
    u8(object.type),
    u8(object.algorithm),
    u8(object.sequence),
    u8(object.origin),
    object.label,
    body,
  );
}

/** The other way. @throws {DeviceFault} 02 or 08 for what is no such plaintext. */
export function decodeWrapped(wrapAlgorithm: number, plaintext: Uint8Array): StoredObject {
  const reader = new ByteReader(plaintext);
  if (reader.u8() !== wrapAlgorithm) throw new DeviceFault(FAULT.invalidData);
  const capabilities = reader.u64();
  const id = reader.u16();
  const length = reader.u16();
  const domains = reader.u16();
  const [type, algorithm, sequence, origin] = [reader.u8(), reader.u8(), reader.u8(), reader.u8()];
  const label = reader.take(LABEL_BYTES);
  if (reader.left !== length) throw new DeviceFault(FAULT.invalidData);
  const content = decodeBody(type, algorithm, reader.rest());
  return {
    type,
    id,
    label,
    domains,
    capabilities,
    algorithm,
    sequence,
    origin,
    ...content,
  };
}
