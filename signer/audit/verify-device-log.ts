/** Looks through a whole table: the chain of hashes over it, and the chain of each device in it. */
import type { DeviceFinding } from '@privval/hsm/device-log/device-finding';
import { judgeEntry } from '@privval/hsm/device-log/judge-log-reading';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { DeviceLog, StoredFinding } from './device-log.ts';
import { type DeviceLogRow, FIRST_PREVIOUS, hashOfRow } from './device-log-chain.ts';

/** What was found at one entry of the table. */
export interface TableFinding {
  /** Number of the entry in the table. */
  readonly seq: number;
  readonly code: DeviceFinding['code'];
  readonly text: string;
}

/** Outcome of {@link verifyDeviceLog}. */
export interface DeviceLogReport {
  readonly entries: number;
  /** By serial: how many. */
  readonly devices: ReadonlyMap<string, number>;
  /** What everything hangs on, to be compared with a note from elsewhere. */
  readonly newestHash: Uint8Array;
  /** Places where the table itself was changed after it was written. None: it is whole. */
  readonly tampered: readonly TableFinding[];
  /** Places where a device's own log does not hold together. */
  readonly breaks: readonly TableFinding[];
  /** What was said when it was drained, signatures too many or too few among it. */
  readonly noted: readonly StoredFinding[];
}

/** Verifies every row. What was cut off at the table's end cannot show: compare the newest hash. */
export function verifyDeviceLog(log: DeviceLog): DeviceLogReport {
  const devices = new Map<string, number>();
  const tampered: TableFinding[] = [];
  const breaks: TableFinding[] = [];
  const newest = new Map<string, Uint8Array>();
  let seq = 0;
  let previous = FIRST_PREVIOUS;
  for (const row of log.rows()) {
    const reason = wrongIn(row, seq, previous);
    if (reason !== undefined) {
      tampered.push({ seq: row.seq, code: 'ERR_DEVICE_LOG_DAMAGED', text: reason });
    }
    for (const found of judgeEntry(newest.get(row.serial), row.entry)) {
      breaks.push({ seq: row.seq, ...found });
    }
    newest.set(row.serial, row.entry);
    devices.set(row.serial, (devices.get(row.serial) ?? 0) + 1);
    ({ seq, hash: previous } = row);
  }
  return {
    entries: [...devices.values()].reduce((total, count) => total + count, 0),
    devices,
    newestHash: previous,
    tampered,
    breaks,
    noted: log.findings(),
  };
}

function wrongIn(row: DeviceLogRow, seqBefore: number, previous: Uint8Array): string | undefined {
  if (row.seq !== seqBefore + 1) return `entries ${seqBefore + 1} to ${row.seq - 1} were removed`;
  if (!equalBytes(row.previous, previous)) return `entry ${row.seq} does not follow the one before`;
  if (!equalBytes(row.hash, hashOfRow(row))) return `entry ${row.seq} was changed`;
  return undefined;
}
