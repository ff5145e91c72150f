/** How much data fits into one command. */
import { MessageTooLongError } from './client-errors.ts';
import type { Command } from './commands/command.ts';
import type { FirmwareVersion } from './objects/device-info.ts';

/** Data (without the frame's header) that every firmware takes; as far as the vendor's tests go. */
export const SMALL_DATA_BYTES = 2021;

/** Data that firmware 2.4 and later takes: an encrypted frame of 3136 bytes holds no more. */
export const LARGE_DATA_BYTES = 3116;

/**
 * Refuses a command that cannot be sent.
 *
 * @throws {MessageTooLongError} ERR_YUBIHSM_MESSAGE_TOO_LONG
 */
export function expectSendable(command: Command<unknown>, firmware?: FirmwareVersion): void {
  const actualBytes = command.data.length;
  const limitBytes = firmware === undefined ? LARGE_DATA_BYTES : maxDataBytes(firmware);
  if (actualBytes <= limitBytes) return;
  const version =
    firmware === undefined || limitBytes === LARGE_DATA_BYTES
      ? undefined
      : `${firmware.major}.${firmware.minor}.${firmware.patch}`;
  throw new MessageTooLongError(command.name, { actualBytes, limitBytes }, version);
}

function maxDataBytes({ major, minor }: FirmwareVersion): number {
  return major > 2 || (major === 2 && minor >= 4) ? LARGE_DATA_BYTES : SMALL_DATA_BYTES;
}
