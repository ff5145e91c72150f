/** Commands about objects of any type. */

import { encodeObjectId } from '../objects/object-id.ts';
import { decodeObjectInfo, type ObjectInfo } from '../objects/object-info.ts';
import {
  decodeObjectList,
  encodeObjectFilter,
  type ListedObject,
  type ObjectFilter,
} from '../objects/object-list.ts';
import { type ObjectType, objectTypeCode } from '../objects/object-type.ts';
import type { Command } from './command.ts';
import { commandDecodedBy, makeCommand, readNothing } from './make-command.ts';
import { joinBytes, uint8 } from './wire-bytes.ts';

/**
 * The objects that the session can see and that match. The device answers in no particular order.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function listObjects(filter: ObjectFilter = {}): Command<readonly ListedObject[]> {
  return commandDecodedBy('ListObjects', encodeObjectFilter(filter), decodeObjectList);
}

/** Everything about an object but its content. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function getObjectInfo(id: number, type: ObjectType): Command<ObjectInfo> {
  return commandDecodedBy('GetObjectInfo', idAndType(id, type), decodeObjectInfo);
}

/** Destroys an object. Needs delete-… of its type. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function deleteObject(id: number, type: ObjectType): Command<void> {
  return makeCommand('DeleteObject', idAndType(id, type), readNothing);
}

function idAndType(id: number, type: ObjectType): Uint8Array {
  return joinBytes(encodeObjectId(id), uint8('type', objectTypeCode(type)));
}
