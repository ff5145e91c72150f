/** Commands about wrap keys, and about objects that travel under them. */
import type { AlgorithmName } from '../objects/algorithm.ts';
import { type Capability, capabilityBits } from '../objects/capability.ts';
import { encodeObjectId } from '../objects/object-id.ts';
import { encodeObjectParams, type ObjectParams } from '../objects/object-params.ts';
import { type ObjectType, objectTypeCode, objectTypeFromCode } from '../objects/object-type.ts';
import type { Command } from './command.ts';
import { InvalidRequestError } from './invalid-request-error.ts';
import { makeCommand, readId } from './make-command.ts';
import { joinBytes, sized, uint8, uint64 } from './wire-bytes.ts';

/** Nonce and tag: what every wrapped object has at least. */
const OVERHEAD_BYTES = 13 + 16;

const KEY_BYTES: ReadonlyMap<AlgorithmName, number> = new Map<AlgorithmName, number>([
  ['aes128-ccm-wrap', 16],
  ['aes192-ccm-wrap', 24],
  ['aes256-ccm-wrap', 32],
]);

/** How ExportWrapped is to export. */
export interface ExportOptions {
  /** Includes an Ed25519 key's seed. Firmware 2.4 and later; older ones refuse it. @default false */
  readonly withSeed?: boolean;
}

/**
 * Stores a wrap key; the reply is its id. `delegated` is what the objects that it wraps may have.
 * 16, 24 or 32 bytes by its algorithm. Needs put-wrap-key.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function putWrapKey(
  params: ObjectParams,
  delegated: readonly Capability[],
  key: Uint8Array,
): Command<number> {
  const data = joinBytes(
    encodeWrapKeyParams(params, delegated),
    sized('key', key, [wrapKeyBytes(params.algorithm)]),
  );
  return makeCommand('PutWrapKey', data, readId);
}

/** Makes a wrap key on the device; the reply is its id. Needs generate-wrap-key. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function generateWrapKey(
  params: ObjectParams,
  delegated: readonly Capability[],
): Command<number> {
  wrapKeyBytes(params.algorithm);
  return makeCommand('GenerateWrapKey', encodeWrapKeyParams(params, delegated), readId);
}

/**
 * Gives an object out under a wrap key: `nonce ‖ ciphertext ‖ tag`. The object needs
 * exportable-under-wrap; the session and the wrap key need export-wrapped.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function exportWrapped(
  wrapKeyId: number,
  type: ObjectType,
  id: number,
  { withSeed = false }: ExportOptions = {},
): Command<Uint8Array> {
  const data = joinBytes(
    encodeObjectId(wrapKeyId, 'wrapKeyId'),
    uint8('type', objectTypeCode(type)),
    encodeObjectId(id),
    withSeed ? Uint8Array.of(1) : new Uint8Array(0),
  );
  return makeCommand('ExportWrapped', data, (reader) => {
    if (reader.left <= OVERHEAD_BYTES) reader.fail(`${reader.left} bytes hold no object`);
    return reader.rest();
  });
}

/**
 * Restores an object that was given out; the reply names it. It never overwrites. The session and the
 * wrap key need import-wrapped.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function importWrapped(
  wrapKeyId: number,
  blob: Uint8Array,
): Command<{ readonly type: ObjectType; readonly id: number }> {
  if (blob.length <= OVERHEAD_BYTES) {
    throw new InvalidRequestError('blob', `${blob.length} bytes hold no wrapped object`);
  }
  const data = joinBytes(encodeObjectId(wrapKeyId, 'wrapKeyId'), blob);
  return makeCommand('ImportWrapped', data, (reader) => ({
    type: objectTypeFromCode(reader.uint8()),
    id: reader.uint16(),
  }));
}

function encodeWrapKeyParams(params: ObjectParams, delegated: readonly Capability[]): Uint8Array {
  return joinBytes(
    encodeObjectParams(params),
    uint64('delegated capabilities', capabilityBits(delegated)),
  );
}

function wrapKeyBytes(algorithm: AlgorithmName): number {
  const bytes = KEY_BYTES.get(algorithm);
  if (bytes === undefined) {
    throw new InvalidRequestError('algorithm', `${algorithm} is not one of a wrap key`);
  }
  return bytes;
}
