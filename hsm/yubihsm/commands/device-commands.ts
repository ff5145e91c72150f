/** Commands about the device and the session, not about any object. */
import { type DeviceInfo, decodeDeviceInfo, decodePartNumber } from '../objects/device-info.ts';
import type { Command } from './command.ts';
import { InvalidRequestError } from './invalid-request-error.ts';
import { commandDecodedBy, makeCommand, NO_DATA, readNothing } from './make-command.ts';
import { copyOf, uint8, uint16 } from './wire-bytes.ts';

/** The device's storage: objects are records, their content fills pages. */
export interface StorageInfo {
  readonly totalRecords: number;
  readonly freeRecords: number;
  readonly totalPages: number;
  readonly freePages: number;
  readonly pageSizeBytes: number;
}

/**
 * Sends the same bytes back: shows that a session lives. Works outside of one too.
 *
 * @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY (in `decode`) when other bytes come back.
 */
export function echo(data: Uint8Array): Command<Uint8Array> {
  const sent = copyOf(data);
  return makeCommand('Echo', sent, (reader) => {
    const back = reader.rest();
    if (Buffer.compare(back, sent) !== 0) reader.fail('it is not what was sent');
    return back;
  });
}

/** Serial, firmware, log, algorithms. Works outside of a session too, unauthenticated there. */
export function deviceInfo(): Command<DeviceInfo> {
  return commandDecodedBy('DeviceInfo', NO_DATA, decodeDeviceInfo);
}

/** The second page of DeviceInfo, firmware 2.4 and later: the part number. */
export function devicePartNumber(): Command<string> {
  return commandDecodedBy('DeviceInfo', Uint8Array.of(1), decodePartNumber);
}

/**
 * The device's static P-256 key for asymmetric authentication, firmware 2.3 and later: 65 bytes,
 * `04 ‖ X ‖ Y`. Outside of a session, and nothing authenticates it: pin it.
 */
export function getDevicePubkey(): Command<Uint8Array> {
  return makeCommand('GetDevicePubkey', NO_DATA, (reader) => {
    const algorithm = reader.uint8();
    if (algorithm !== 0x31) reader.fail(`the key's algorithm is ${algorithm}, not 49`);
    return Uint8Array.of(0x04, ...reader.bytes(64));
  });
}

/**
 * Destroys everything on the device; it restarts in its factory state, with authentication key 1 and
 * its well-known password. The connection may die before the reply: that is success as well.
 */
export function resetDevice(): Command<void> {
  return makeCommand('ResetDevice', NO_DATA, (reader) => {
    if (reader.left > 0) reader.uint8();
  });
}

/** Ends the session it is sent in. */
export function closeSession(): Command<void> {
  return makeCommand('CloseSession', NO_DATA, readNothing);
}

/** How much room the device has. */
export function getStorageInfo(): Command<StorageInfo> {
  return makeCommand('GetStorageInfo', NO_DATA, (reader) => ({
    totalRecords: reader.uint16(),
    freeRecords: reader.uint16(),
    totalPages: reader.uint16(),
    freePages: reader.uint16(),
    pageSizeBytes: reader.uint16(),
  }));
}

/**
 * Random bytes from the device, exactly `count` of them; what fits in one reply: up to 2021 before
 * firmware 2.4. Needs get-pseudo-random.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function getPseudoRandom(count: number): Command<Uint8Array> {
  if (count === 0) throw new InvalidRequestError('count', 'at least one byte is to be asked for');
  return makeCommand('GetPseudoRandom', uint16('count', count), (reader) => reader.bytes(count));
}

/** Lets the device's light blink, 1 to 255 seconds. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function blinkDevice(seconds: number): Command<void> {
  return makeCommand('BlinkDevice', uint8('seconds', seconds), readNothing);
}
