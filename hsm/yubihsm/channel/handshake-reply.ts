/** How the replies of a handshake are read: they are plain, so anybody can have made them. */

import { type CommandName, commandCode } from '../commands/command-code.ts';
import { MalformedReplyError } from '../commands/malformed-reply-error.ts';
import { decodeFrame, errorCodeOf, REPLY_FLAG } from '../connector/frame.ts';
import { deviceError } from '../device-errors.ts';

/**
 * The data of the reply to the plain command `name`.
 *
 * @throws {DeviceError} when the device answers with an error.
 * @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY unless it has `dataBytes` bytes.
 */
export function handshakeReply(
  name: CommandName,
  reply: Uint8Array,
  dataBytes: number,
): Uint8Array {
  const frame = decodeFrame(reply);
  if (frame === undefined) throw new MalformedReplyError(name, 'it is not one frame');
  const errorCode = errorCodeOf(frame);
  if (errorCode !== undefined) throw deviceError(name, errorCode);
  if (frame.command !== (commandCode(name) | REPLY_FLAG)) {
    throw new MalformedReplyError(name, 'it answers another command');
  }
  if (frame.data.length !== dataBytes) {
    throw new MalformedReplyError(name, `${frame.data.length} bytes instead of ${dataBytes}`);
  }
  return frame.data;
}
