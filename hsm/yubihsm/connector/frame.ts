/** Frames, in which everything travels: `command(1) ‖ length(2) ‖ data`. */
import { InvariantError } from '../invariant-error.ts';

/** Bytes of a frame before its data. */
export const FRAME_HEADER_BYTES = 3;

/** Bit that marks a reply; the rest is the command it answers. */
export const REPLY_FLAG = 0x80;

/** First byte of a reply that is an error; its one byte of data is the device's error code. */
export const ERROR_COMMAND = 0x7f;

/** One frame, taken apart. */
export interface Frame {
  readonly command: number;
  readonly data: Uint8Array;
}

/** The frame as bytes. `data` has at most 65,535 bytes; what a device takes is less. */
export function encodeFrame(command: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + data.length);
  writeFrameHeader(bytes, command, data.length);
  bytes.set(data, FRAME_HEADER_BYTES);
  return bytes;
}

/** Writes what comes before `dataBytes` bytes of data, at most 65,535, to the start of `bytes`. */
export function writeFrameHeader(bytes: Uint8Array, command: number, dataBytes: number): void {
  if (dataBytes > 0xffff) throw new InvariantError(`a frame of ${dataBytes} bytes of data`);
  bytes[0] = command;
  bytes[1] = dataBytes >>> 8;
  bytes[2] = dataBytes & 0xff;
}

/** Takes bytes apart; `undefined` unless they are exactly one frame. The data is a view of `bytes`. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  const [command, high, low] = bytes;
  if (command === undefined || high === undefined || low === undefined) return undefined;
  if (bytes.length !== FRAME_HEADER_BYTES + high * 0x100 + low) return undefined;
  return { command, data: bytes.subarray(FRAME_HEADER_BYTES) };
}

/** The device's error code when this frame is an error reply; `undefined` when it is another, or malformed. */
export function errorCodeOf(frame: Frame): number | undefined {
  return frame.command === ERROR_COMMAND && frame.data.length === 1 ? frame.data[0] : undefined;
}
