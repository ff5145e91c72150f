/** Asking a device who it is without a session. Nothing authenticates the answer. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { deviceInfo } from 'yubihsm/commands/device-commands';
import { MalformedReplyError } from 'yubihsm/commands/malformed-reply-error';
import type { Connector } from 'yubihsm/connector/connector';
import { decodeFrame, encodeFrame, errorCodeOf, REPLY_FLAG } from 'yubihsm/connector/frame';
import { deviceError } from 'yubihsm/device-errors';
import type { DeviceInfo } from 'yubihsm/objects/device-info';

/** @throws what the connector and the device do; {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY */
export async function plainDeviceInfo(
  connector: Connector,
  options: AbortOptions,
): Promise<DeviceInfo> {
  const { name, code, data, decode } = deviceInfo();
  const reply = decodeFrame(await connector.transceive(encodeFrame(code, data), options));
  if (reply === undefined) throw new MalformedReplyError(name, 'it is no frame');
  const error = errorCodeOf(reply);
  if (error !== undefined) throw deviceError(name, error);
  if (reply.command !== (code | REPLY_FLAG)) {
    throw new MalformedReplyError(name, 'it answers another command');
  }
  return decode(reply.data);
}
