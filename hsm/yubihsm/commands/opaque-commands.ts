/** Commands about opaque objects: bytes and certificates that the device only stores. */
import { encodeObjectId } from '../objects/object-id.ts';
import { encodeObjectParams, type ObjectParams } from '../objects/object-params.ts';
import type { Command } from './command.ts';
import { InvalidRequestError } from './invalid-request-error.ts';
import { makeCommand, readId, readRest } from './make-command.ts';
import { joinBytes } from './wire-bytes.ts';

/**
 * Stores bytes (`opaque-data`) or a certificate (`opaque-x509-certificate`); the reply is the id.
 * Needs put-opaque.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST also for no bytes at all.
 */
export function putOpaque(params: ObjectParams, data: Uint8Array): Command<number> {
  if (data.length === 0) throw new InvalidRequestError('data', 'an opaque object is not empty');
  return makeCommand('PutOpaque', joinBytes(encodeObjectParams(params), data), readId);
}

/** The bytes of an opaque object. Needs get-opaque. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function getOpaque(id: number): Command<Uint8Array> {
  return makeCommand('GetOpaque', encodeObjectId(id), readRest);
}
