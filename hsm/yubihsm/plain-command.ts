/** Commands outside of any session: Echo, DeviceInfo, GetDevicePubkey. Nothing authenticates what is answered. */
import type { Command } from './commands/command.ts';
import type { Connector, WaitOptions } from './connector/connector.ts';
import { GarbageReplyError } from './connector/connector-errors.ts';
import { decodeFrame, encodeFrame, errorCodeOf, REPLY_FLAG } from './connector/frame.ts';
import { deviceError } from './device-errors.ts';

/**
 * Asks once, with no session and no credentials.
 *
 * @throws {DeviceError} what the device answered, if it was the device.
 * @throws {GarbageReplyError} ERR_YUBIHSM_GARBAGE_REPLY
 * @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY
 * @throws a connector error.
 */
export async function runPlainCommand<Reply>(
  connector: Pick<Connector, 'name' | 'transceive'>,
  command: Command<Reply>,
  options: WaitOptions = {},
): Promise<Reply> {
  const { name, code, data } = command;
  const frame = decodeFrame(await connector.transceive(encodeFrame(code, data), options));
  if (frame === undefined) throw new GarbageReplyError(connector.name, 'it is no frame');
  const errorCode = errorCodeOf(frame);
  if (errorCode !== undefined) throw deviceError(name, errorCode);
  if (frame.command !== (code | REPLY_FLAG)) {
    throw new GarbageReplyError(connector.name, `it answers another command than ${name}`);
  }
  return command.decode(frame.data);
}
