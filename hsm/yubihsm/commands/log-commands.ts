/** Commands about the device's log. */
import { decodeLogEntries, type LogReading } from '../log/log-entry.ts';
import type { Command } from './command.ts';
import { commandDecodedBy, makeCommand, NO_DATA, readNothing } from './make-command.ts';
import { uint16 } from './wire-bytes.ts';

/** Everything that has not been freed by {@link setLogIndex}. Needs get-log-entries. */
export function getLogEntries(): Command<LogReading> {
  return commandDecodedBy('GetLogEntries', NO_DATA, decodeLogEntries);
}

/**
 * Frees the entries up to and including this number: they are gone then, so store them first. Needs
 * get-log-entries.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function setLogIndex(index: number): Command<void> {
  return makeCommand('SetLogIndex', uint16('index', index), readNothing);
}
