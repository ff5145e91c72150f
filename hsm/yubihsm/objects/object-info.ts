/** What a device says of one of its objects. */
import { readReply } from '../commands/reply-reader.ts';
import { type AlgorithmName, algorithmFromCode } from './algorithm.ts';
import { type Capability, capabilitiesFromBits } from './capability.ts';
import { domainsFromBits } from './domains.ts';
import { decodeLabel, LABEL_BYTES } from './label.ts';
import { type ObjectType, objectTypeFromCode } from './object-type.ts';
import { type Origin, originFromCode } from './origin.ts';

/** An object, without its content. */
export interface ObjectInfo {
  readonly type: ObjectType;
  readonly id: number;
  readonly label: string;
  readonly domains: readonly number[];
  readonly capabilities: readonly Capability[];
  /** For authentication and wrap keys: what they can pass on. */
  readonly delegatedCapabilities: readonly Capability[];
  readonly algorithm: AlgorithmName;
  /** Of the content. */
  readonly lengthBytes: number;
  /** How often this type and id existed before, modulo 256. */
  readonly sequence: number;
  readonly origin: Origin;
}

/** Reads the 66 bytes of GetObjectInfo. @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY */
export function decodeObjectInfo(reply: Uint8Array): ObjectInfo {
  return readReply('GetObjectInfo', reply, (reader) => {
    const capabilities = capabilitiesFromBits(reader.uint64());
    const id = reader.uint16();
    const lengthBytes = reader.uint16();
    const domains = domainsFromBits(reader.uint16());
    const type = objectTypeFromCode(reader.uint8());
    const algorithm = algorithmFromCode(reader.uint8());
    const sequence = reader.uint8();
    const origin = originFromCode(reader.uint8());
    const label = decodeLabel(reader.bytes(LABEL_BYTES));
    const delegatedCapabilities = capabilitiesFromBits(reader.uint64());
    return {
      type,
      id,
      label,
      domains,
      capabilities,
      delegatedCapabilities,
      algorithm,
      lengthBytes,
      sequence,
      origin,
    };
  });
}
