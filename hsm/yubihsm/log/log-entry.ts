/** The device's log: 62 places, one entry for each command that is logged. */
import { commandName } from '../commands/command-code.ts';
import { MalformedReplyError } from '../commands/malformed-reply-error.ts';
import { type ReplyReader, readReply } from '../commands/reply-reader.ts';

/** Bytes of an entry. */
export const LOG_ENTRY_BYTES = 32;

/** More than this no device has. */
const MAX_ENTRIES = 64;

/** Where an id would be and there is none. */
const NO_ID = 0xffff;

/** What one entry records. */
export interface LogEntry {
  /** Increases by one, modulo 65536. */
  readonly number: number;
  /** `reset`: a factory reset began this log. `boot`: the device got power. Else a command. */
  readonly kind: 'command' | 'boot' | 'reset';
  /** The command's code. 0 at a boot, 0xff at a reset. */
  readonly command: number;
  /** The vendor's name of the command; `boot`, `reset`. */
  readonly commandName: string;
  /** Bytes of the command's data. */
  readonly lengthBytes: number;
  /** The authentication key of the session, if there was one. */
  readonly sessionKeyId: number | undefined;
  /** The object the command was about. */
  readonly targetKeyId: number | undefined;
  /** The second one: a wrap key, say. */
  readonly secondKeyId: number | undefined;
  /** How it ended. A boot and a reset have succeeded. */
  readonly outcome:
    | { readonly kind: 'done' }
    | { readonly kind: 'failed'; readonly deviceCode: number };
  /** Since the device got power; its unit is the device's own. */
  readonly tick: number;
  /** 16 bytes that bind this entry to the one before. */
  readonly digest: Uint8Array;
  /** The entry as it came, 32 bytes: what is worth storing. */
  readonly bytes: Uint8Array;
}

/** What GetLogEntries says. */
export interface LogReading {
  /** Boots that were not logged because the log was full. */
  readonly unloggedBoots: number;
  /** Sessions opened that were not logged because the log was full. */
  readonly unloggedAuthentications: number;
  readonly entries: readonly LogEntry[];
}

/** Reads the reply of GetLogEntries. @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY */
export function decodeLogEntries(reply: Uint8Array): LogReading {
  return readReply('GetLogEntries', reply, (reader) => {
    const unloggedBoots = reader.uint16();
    const unloggedAuthentications = reader.uint16();
    const count = reader.uint8();
    if (count > MAX_ENTRIES) reader.fail(`${count} entries are more than a log has`);
    const entries = Array.from({ length: count }, () => readEntry(reader));
    return { unloggedBoots, unloggedAuthentications, entries };
  });
}

/** Reads one entry, as it was stored. @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY unless of 32 bytes. */
export function decodeLogEntry(bytes: Uint8Array): LogEntry {
  if (bytes.length !== LOG_ENTRY_BYTES) {
    throw new MalformedReplyError('GetLogEntries', `an entry has 32 bytes, not ${bytes.length}`);
  }
  return readReply('GetLogEntries', bytes, readEntry);
}

function readEntry(outer: ReplyReader): LogEntry {
  const bytes = outer.bytes(LOG_ENTRY_BYTES);
  const kind = kindOf(bytes);
  return readReply('GetLogEntries', bytes, (reader) => {
    const number = reader.uint16();
    const command = reader.uint8();
    const lengthBytes = reader.uint16();
    const sessionKeyId = idOrNone(reader.uint16());
    const targetKeyId = idOrNone(reader.uint16());
    const secondKeyId = idOrNone(reader.uint16());
    const result = reader.uint8();
    const tick = reader.uint32();
    const isDone = kind !== 'command' || result === (command | 0x80);
    return {
      number,
      kind,
      command,
      commandName: kind === 'command' ? commandName(command) : kind,
      lengthBytes,
      sessionKeyId,
      targetKeyId,
      secondKeyId,
      outcome: isDone ? { kind: 'done' } : { kind: 'failed', deviceCode: result },
      tick,
      digest: reader.bytes(16),
      bytes,
    };
  });
}

/** By all that stands between number and digest. */
function kindOf(entry: Uint8Array): LogEntry['kind'] {
  const middle = entry.subarray(2, 16);
  if (middle.every((byte) => byte === 0xff)) return 'reset';
  const bootByte = (i: number) => (i === 3 || i === 4 ? 0xff : 0);
  return middle.every((byte, i) => byte === bootByte(i)) ? 'boot' : 'command';
}

function idOrNone(id: number): number | undefined {
  return id === NO_ID ? undefined : id;
}
