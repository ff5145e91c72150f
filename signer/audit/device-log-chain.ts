/** The chain of hashes over every entry that was drained from a device. */
import { createHash } from 'node:crypto';

/** One row of the table, in the order in which rows were added. */
export interface DeviceLogRow {
  /** From 1, without gaps. */
  readonly seq: number;
  /** Ten digits: whose entry it is. */
  readonly serial: string;
  /** The 32 bytes as the device gave them. */
  readonly entry: Uint8Array;
  /** Wall-clock milliseconds since 1970 at which it was stored. */
  readonly timeMs: number;
  /** The hash of the row before; 32 zeros for the first. */
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
}

/** What the first row is chained to. */
export const FIRST_PREVIOUS: Uint8Array = new Uint8Array(32);

/** The hash of a row: SHA-256 of `previous ‖ serial (10, ASCII) ‖ entry (32) ‖ time (8, big-endian)`. */
export function hashOfRow(row: Omit<DeviceLogRow, 'seq' | 'hash'>): Uint8Array {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(row.timeMs));
  const hash = createHash('sha256')
    .update(row.previous)
    .update(row.serial, 'ascii')
    .update(row.entry)
    .update(time);
  return new Uint8Array(hash.digest());
}
