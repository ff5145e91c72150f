/** What every command that creates an object says about it. */
import { joinBytes, uint8, uint16, uint64 } from '../commands/wire-bytes.ts';
import { type AlgorithmName, algorithmCode } from './algorithm.ts';
import { type Capability, capabilityBits } from './capability.ts';
import { domainBits } from './domains.ts';
import { encodeLabel } from './label.ts';
import { encodeObjectId } from './object-id.ts';

/** An object to be created. The device holds every part of it unchanged for the object's life. */
export interface ObjectParams {
  /** 0 lets the device choose: {@link CHOSEN_BY_DEVICE}. */
  readonly id: number;
  /** At most 40 bytes as UTF-8. */
  readonly label: string;
  /** 1 to 16; a subset of the authentication key's. */
  readonly domains: readonly number[];
  /** A subset of the authentication key's delegated ones. */
  readonly capabilities: readonly Capability[];
  readonly algorithm: AlgorithmName;
}

/** 53 bytes. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST when a part cannot be sent. */
export function encodeObjectParams(params: ObjectParams): Uint8Array {
  return joinBytes(
    encodeObjectId(params.id),
    encodeLabel(params.label),
    uint16('domains', domainBits(params.domains)),
    uint64('capabilities', capabilityBits(params.capabilities)),
    uint8('algorithm', algorithmCode(params.algorithm)),
  );
}
