/** What the constructors of commands share. */
import type { Command } from './command.ts';
import { type CommandName, commandCode } from './command-code.ts';
import { type ReplyReader, readReply } from './reply-reader.ts';

/** Nothing to send. */
export const NO_DATA: Uint8Array = new Uint8Array(0);

/** A command whose reply is read by `read`, which must take all of it. */
export function makeCommand<Reply>(
  name: CommandName,
  data: Uint8Array,
  read: (reader: ReplyReader) => Reply,
): Command<Reply> {
  return commandDecodedBy(name, data, (reply) => readReply(name, reply, read));
}

/**
 * A command whose reply has its reader elsewhere. Its data may hold a secret key: it is not enumerable,
 * so that printing or logging a command does not show it.
 */
export function commandDecodedBy<Reply>(
  name: CommandName,
  data: Uint8Array,
  decode: (reply: Uint8Array) => Reply,
): Command<Reply> {
  const command = { name, code: commandCode(name), data, decode };
  return Object.defineProperty(command, 'data', { enumerable: false });
}

/** Reads an empty reply. */
export function readNothing(_: ReplyReader): void {}

/** Reads the id of the object that was created. */
export function readId(reader: ReplyReader): number {
  return reader.uint16();
}

/** Reads all there is. */
export function readRest(reader: ReplyReader): Uint8Array {
  return reader.rest();
}
