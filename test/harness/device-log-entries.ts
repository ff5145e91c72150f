/** Entries of a device's log, made by hand: each digest covers the one before, as hsm.md 3.8 says. */
import { createHash } from 'node:crypto';
import { decodeLogEntry, type LogEntry } from 'yubihsm/log/log-entry';

/** What an entry is to say. */
export interface EntryContent {
  readonly command: number;
  readonly sessionKeyId?: number;
  readonly targetKeyId?: number;
  /** Instead of success. */
  readonly deviceCode?: number;
}

/** A signature by key 0x0064 in a session of key 4. */
export const SIGNATURE: EntryContent = { command: 0x6a, sessionKeyId: 4, targetKeyId: 0x64 };

/** A log that grows. */
export class EntryWriter {
  #number: number;
  #digest: Uint8Array = new Uint8Array(16).fill(0x5a);

  constructor(options: { readonly firstNumber?: number } = {}) {
    this.#number = (options.firstNumber ?? 1) - 1;
  }

  /** The next entries. */
  write(...contents: readonly EntryContent[]): readonly LogEntry[] {
    return contents.map((content) => this.#next(content));
  }

  /** Entries the device had, and nobody was given. */
  lose(count: number): void {
    for (let i = 0; i < count; i++) this.#next(SIGNATURE);
  }

  #next({ command, sessionKeyId, targetKeyId, deviceCode }: EntryContent): LogEntry {
    this.#number = (this.#number + 1) % 65_536;
    const bytes = Buffer.alloc(32);
    bytes.writeUInt16BE(this.#number, 0);
    bytes.writeUInt8(command, 2);
    bytes.writeUInt16BE(8, 3);
    bytes.writeUInt16BE(sessionKeyId ?? 0xffff, 5);
    bytes.writeUInt16BE(targetKeyId ?? 0xffff, 7);
    bytes.writeUInt16BE(0xffff, 9);
    bytes.writeUInt8(deviceCode ?? command | 0x80, 11);
    bytes.writeUInt32BE(this.#number * 3, 12);
    const hash = createHash('sha256').update(bytes.subarray(0, 16)).update(this.#digest).digest();
    this.#digest = new Uint8Array(hash.subarray(0, 16));
    bytes.set(this.#digest, 16);
    return decodeLogEntry(new Uint8Array(bytes));
  }
}
