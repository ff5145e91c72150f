/** `command(1) ‖ length(2) ‖ data`, as the device reads and writes it. */
import { concat, u8, u16 } from './bytes.ts';

/** Bytes before the data. */
export const HEADER_BYTES = 3;

/** What a reply adds to the command's code. */
export const REPLY_BIT = 0x80;

/** The command byte of an error; its data is one byte, the code. */
export const ERROR_REPLY = 0x7f;

/** A command or a reply, taken apart. */
export interface Message {
  readonly command: number;
  readonly data: Uint8Array;
}

/** As bytes. */
export function frameOf({ command, data }: Message): Uint8Array {
  return concat(u8(command), u16(data.length), data);
}

/** The reply to `command`. */
export function reply(command: number, data: Uint8Array): Message {
  return { command: command | REPLY_BIT, data };
}

/** The reply that says no. */
export function errorReply(code: number): Message {
  return { command: ERROR_REPLY, data: u8(code) };
}
