/** A reading of a device's log on its way into the table. */
import type { DeviceFinding } from '@privval/hsm/device-log/device-finding';
import { judgeReading } from '@privval/hsm/device-log/judge-log-reading';
import type { DeviceLogReading } from '@privval/hsm/device-log/logged-device';
import type { DeviceLog } from './device-log.ts';

/** Whose log was read, and when. */
export interface ReadLog {
  readonly serial: string;
  readonly reading: DeviceLogReading;
  readonly timeMs: number;
}

/** What became of it. */
export interface StoredReading {
  /** Number of the newest entry in the table before. */
  readonly seqBefore: number;
  /** Entries that were not in the table yet. */
  readonly stored: number;
  /** What is wrong with the device's own chain; stored too. */
  readonly findings: readonly DeviceFinding[];
  /** Whether entries were lost. */
  readonly isGapped: boolean;
  /** Up to which number the device may forget; `undefined` when it has nothing. */
  readonly freeUpTo: number | undefined;
}

/**
 * Stores what is new, whatever is wrong with it (S31). Durable when it returns: only then may the
 * device be told to forget.
 *
 * @throws {DeviceLogUnwritableError} ERR_DEVICE_LOG_UNWRITABLE
 */
export function storeReading(log: DeviceLog, { serial, reading, timeMs }: ReadLog): StoredReading {
  const judged = judgeReading(log.tail(serial, 1)[0], reading.entries);
  const { findings, fresh, isGapped } = judged;
  const seqBefore = log.newestSeq;
  log.add({ serial, entries: fresh, findings, timeMs });
  const freeUpTo = reading.entries.at(-1)?.number;
  return { seqBefore, stored: fresh.length, findings, isGapped, freeUpTo };
}
