/** Commands for objects of any type, and for those that only hold data. */
import { selfSignedDeviceCertificate } from '../crypto/attestation.ts';
import { isVisible, requireOfPrincipal } from '../device/access.ts';
import { ALGORITHM } from '../device/algorithm.ts';
import type { ByteReader } from '../device/byte-reader.ts';
import { concat, sameBytes, u8, u16, u64 } from '../device/bytes.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT } from '../device/device-fault.ts';
import { encodeBody } from '../device/object-body.ts';
import { DELETE_CAPABILITY, OBJECT_TYPE } from '../device/object-type.ts';
import { LABEL_BYTES, ORIGIN, type StoredObject } from '../device/stored-object.ts';
import { type CommandContext, type CommandSpec, NOTHING } from './command-spec.ts';
import { createObject, readParams } from './create-object.ts';

/** Under this id of an opaque object the device hides the certificate of its own attestation key. */
const DEVICE_CERTIFICATE_ID = 0;

/** In the order of their codes. */
export const OBJECT_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x42,
    name: 'PutOpaque',
    capability: CAPABILITY.putOpaque,
    run: (context, data) =>
      putData(context, data, OBJECT_TYPE.opaque, [ALGORITHM.opaqueData, ALGORITHM.opaqueX509]),
  },
  {
    code: 0x43,
    name: 'GetOpaque',
    capability: CAPABILITY.getOpaque,
    run: (context, data) => {
      const id = data.u16();
      data.end();
      context.concerns(id);
      if (id === DEVICE_CERTIFICATE_ID) return selfSignedDeviceCertificate(context.state);
      return getData(context, OBJECT_TYPE.opaque, id);
    },
  },
  {
    code: 0x48,
    name: 'ListObjects',
    run: ({ state, principal }, data) => {
      const matches = readFilters(data);
      const found = state.store
        .all()
        .filter((object) => isVisible(principal, object) && matches(object));
      return concat(
        ...found.map(({ id, type, sequence }) => concat(u16(id), u8(type), u8(sequence))),
      );
    },
  },
  {
    code: 0x4e,
    name: 'GetObjectInfo',
    run: (context, data) => objectInfo(findNamed(context, data)),
  },
  {
    code: 0x58,
    name: 'DeleteObject',
    run: (context, data) => {
      const object = findNamed(context, data);
      requireOfPrincipal(context.principal, DELETE_CAPABILITY.get(object.type) ?? 0n);
      context.state.store.delete(object);
      return NOTHING;
    },
  },
  {
    code: 0x5e,
    name: 'PutTemplate',
    capability: CAPABILITY.putTemplate,
    run: (context, data) => putData(context, data, OBJECT_TYPE.template, [ALGORITHM.templateSsh]),
  },
  {
    code: 0x5f,
    name: 'GetTemplate',
    capability: CAPABILITY.getTemplate,
    run: (context, data) => {
      const id = data.u16();
      data.end();
      context.concerns(id);
      return getData(context, OBJECT_TYPE.template, id);
    },
  },
];

function putData(
  context: CommandContext,
  data: ByteReader,
  type: number,
  algorithms: readonly number[],
): Uint8Array {
  const params = readParams(data);
  const bytes = data.rest();
  return createObject(context, { ...params, type, origin: ORIGIN.imported }, () => {
    if (!algorithms.includes(params.algorithm)) throw new DeviceFault(FAULT.invalidData);
    if (bytes.length === 0) throw new DeviceFault(FAULT.wrongLength);
    return { kind: 'bytes', bytes };
  });
}

function getData({ state, principal }: CommandContext, type: number, id: number): Uint8Array {
  return encodeBody(state.store.find(principal, type, id));
}

function findNamed(context: CommandContext, data: ByteReader): StoredObject {
  const [id, type] = [data.u16(), data.u8()];
  data.end();
  context.concerns(id);
  return context.state.store.find(context.principal, type, id);
}

function objectInfo(object: StoredObject): Uint8Array {
  return concat(
    u64(object.capabilities),
    u16(object.id),
    u16(encodeBody(object).length),
    u16(object.domains),
    u8(object.type),
    u8(object.algorithm),
    u8(object.sequence),
    u8(object.origin),
    object.label,
    u64(object.delegated),
  );
}

/** Filters in any order, each at most once, all of them to be met; of domains and capabilities any one. */
function readFilters(data: ByteReader): (object: StoredObject) => boolean {
  const filters = new Map<number, (object: StoredObject) => boolean>();
  while (data.left > 0) {
    const kind = data.u8();
    if (filters.has(kind)) throw new DeviceFault(FAULT.invalidData);
    filters.set(kind, readFilter(kind, data));
  }
  return (object) => [...filters.values()].every((filter) => filter(object));
}

function readFilter(kind: number, data: ByteReader): (object: StoredObject) => boolean {
  switch (kind) {
    case 1: {
      const id = data.u16();
      return (object) => object.id === id;
    }
    case 2: {
      const type = data.u8();
      return (object) => object.type === type;
    }
    case 3: {
      const domains = data.u16();
      return (object) => (object.domains & domains) !== 0;
    }
    case 4: {
      const capabilities = data.u64();
      return (object) => (object.capabilities & capabilities) !== 0n;
    }
    case 5: {
      const algorithm = data.u8();
      return (object) => object.algorithm === algorithm;
    }
    case 6: {
      const label = data.take(LABEL_BYTES);
      return (object) => sameBytes(object.label, label);
    }
    default:
      throw new DeviceFault(FAULT.invalidData);
  }
}
