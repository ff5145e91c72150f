/** Which device it is, and what it can do. */
import { type ReplyReader, readReply } from '../commands/reply-reader.ts';
import { type AlgorithmName, algorithmFromCode } from './algorithm.ts';

/** A firmware version. */
export interface FirmwareVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** A device, as it says itself. Asked outside of a session nothing authenticates this. */
export interface DeviceInfo {
  readonly version: FirmwareVersion;
  /** Ten digits, as printed on the device: `0007550140`. */
  readonly serial: string;
  /** Places in the log. */
  readonly logTotal: number;
  /** Places taken. */
  readonly logUsed: number;
  readonly algorithms: readonly AlgorithmName[];
}

/** Reads DeviceInfo. @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY */
export function decodeDeviceInfo(reply: Uint8Array): DeviceInfo {
  return readReply('DeviceInfo', reply, (reader) => ({
    version: readVersion(reader),
    serial: formatSerial(reader.uint32()),
    logTotal: reader.uint8(),
    logUsed: reader.uint8(),
    algorithms: Array.from(reader.rest(), algorithmFromCode),
  }));
}

/** Reads page 2 of DeviceInfo (firmware 2.4): the part number. @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY */
export function decodePartNumber(reply: Uint8Array): string {
  return readReply('DeviceInfo', reply, (reader) => {
    const text = Buffer.from(reader.rest()).toString('latin1').replace(/\0+$/, '');
    if (!/^[\x20-\x7e]+$/.test(text)) reader.fail('the part number is not printable');
    return text;
  });
}

/** Ten digits, with leading zeros. */
export function formatSerial(serial: number): string {
  return String(serial).padStart(10, '0');
}

/** Whether a version is at least another one. */
export function isAtLeast(version: FirmwareVersion, least: FirmwareVersion): boolean {
  const order =
    version.major - least.major || version.minor - least.minor || version.patch - least.patch;
  return order >= 0;
}

function readVersion(reader: ReplyReader): FirmwareVersion {
  return { major: reader.uint8(), minor: reader.uint8(), patch: reader.uint8() };
}
