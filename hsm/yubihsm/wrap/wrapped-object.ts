/** An object as it travels under a wrap key: a header of 59 bytes, and its content. */
import { MalformedReplyError } from '../commands/malformed-reply-error.ts';
import { readReply } from '../commands/reply-reader.ts';
import { joinBytes, uint8, uint16, uint64 } from '../commands/wire-bytes.ts';
import { type AlgorithmName, algorithmCode, algorithmFromCode } from '../objects/algorithm.ts';
import { type Capability, capabilitiesFromBits, capabilityBits } from '../objects/capability.ts';
import { domainBits, domainsFromBits } from '../objects/domains.ts';
import { decodeLabel, encodeLabel, LABEL_BYTES } from '../objects/label.ts';
import { encodeObjectId } from '../objects/object-id.ts';
import { type ObjectType, objectTypeCode, objectTypeFromCode } from '../objects/object-type.ts';
import { type Origin, originCode, originFromCode } from '../objects/origin.ts';
import { MalformedWrapError } from './wrap-errors.ts';

/** What is inside of a wrapped object. The body of a key is its secret. */
export interface WrappedObject {
  /** Of the wrap key: `aes256-ccm-wrap`. */
  readonly wrapAlgorithm: AlgorithmName;
  readonly type: ObjectType;
  readonly id: number;
  readonly label: string;
  readonly domains: readonly number[];
  readonly capabilities: readonly Capability[];
  readonly algorithm: AlgorithmName;
  readonly sequence: number;
  readonly origin: Origin;
  /** Its form follows from type and algorithm: see {@link decodeEd25519Body}. */
  readonly body: Uint8Array;
}

/** Header and body. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST when a part cannot be written. */
export function encodeWrappedObject(object: WrappedObject): Uint8Array {
  return joinBytes(
    uint8('wrapAlgorithm', algorithmCode(object.wrapAlgorithm)),
    uint64('capabilities', capabilityBits(object.capabilities)),
    encodeObjectId(object.id),
    uint16('body', object.body.length),
    uint16('domains', domainBits(object.domains)),
    uint8('type', objectTypeCode(object.type)),
    uint8('algorithm', algorithmCode(object.algorithm)),
    uint8('sequence', object.sequence),
    uint8('origin', originCode(object.origin)),
    encodeLabel(object.label),
    object.body,
  );
}

/** Reads header and body. @throws {MalformedWrapError} ERR_YUBIHSM_MALFORMED_WRAP */
export function decodeWrappedObject(plaintext: Uint8Array): WrappedObject {
  try {
    return readReply('ExportWrapped', plaintext, (reader) => {
      const wrapAlgorithm = algorithmFromCode(reader.uint8());
      const capabilities = capabilitiesFromBits(reader.uint64());
      const id = reader.uint16();
      const bodyBytes = reader.uint16();
      return {
        wrapAlgorithm,
        capabilities,
        id,
        domains: domainsFromBits(reader.uint16()),
        type: objectTypeFromCode(reader.uint8()),
        algorithm: algorithmFromCode(reader.uint8()),
        sequence: reader.uint8(),
        origin: originFromCode(reader.uint8()),
        label: decodeLabel(reader.bytes(LABEL_BYTES)),
        body: reader.bytes(bodyBytes),
      };
    });
  } catch (cause) {
    if (!(cause instanceof MalformedReplyError)) throw cause;
    throw new MalformedWrapError('its header and body do not fit together', { cause });
  }
}
