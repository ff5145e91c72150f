/** Which objects to list, and the list. */
import { readReply } from '../commands/reply-reader.ts';
import { joinBytes, uint8, uint16, uint64 } from '../commands/wire-bytes.ts';
import { type AlgorithmName, algorithmCode } from './algorithm.ts';
import { type Capability, capabilityBits } from './capability.ts';
import { domainBits } from './domains.ts';
import { encodeLabel } from './label.ts';
import { encodeObjectId } from './object-id.ts';
import { type ObjectType, objectTypeCode, objectTypeFromCode } from './object-type.ts';

/** An object must match every part that is given. None: every object the session can see. */
export interface ObjectFilter {
  readonly id?: number | undefined;
  readonly type?: ObjectType | undefined;
  /** Those with any of these. */
  readonly domains?: readonly number[] | undefined;
  /** Those with any of these. */
  readonly capabilities?: readonly Capability[] | undefined;
  readonly algorithm?: AlgorithmName | undefined;
  readonly label?: string | undefined;
}

/** One line of the list. */
export interface ListedObject {
  readonly type: ObjectType;
  readonly id: number;
  /** How often this type and id existed before, modulo 256. */
  readonly sequence: number;
}

/** The request's bytes. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function encodeObjectFilter(filter: ObjectFilter): Uint8Array {
  const { id, type, domains, capabilities, algorithm, label } = filter;
  const parts: Uint8Array[] = [];
  const add = (tag: number, value: Uint8Array) => parts.push(Uint8Array.of(tag), value);
  if (id !== undefined) add(0x01, encodeObjectId(id));
  if (type !== undefined) add(0x02, uint8('type', objectTypeCode(type)));
  if (domains !== undefined) add(0x03, uint16('domains', domainBits(domains)));
  if (capabilities !== undefined) {
    add(0x04, uint64('capabilities', capabilityBits(capabilities)));
  }
  if (algorithm !== undefined) add(0x05, uint8('algorithm', algorithmCode(algorithm)));
  if (label !== undefined) add(0x06, encodeLabel(label));
  return joinBytes(...parts);
}

/** Reads the reply of ListObjects. @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY */
export function decodeObjectList(reply: Uint8Array): readonly ListedObject[] {
  return readReply('ListObjects', reply, (reader) => {
    const objects: ListedObject[] = [];
    while (reader.left > 0) {
      const id = reader.uint16();
      const type = objectTypeFromCode(reader.uint8());
      objects.push({ type, id, sequence: reader.uint8() });
    }
    return objects;
  });
}
