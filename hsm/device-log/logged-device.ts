/** A device that keeps a log of what it was told to do. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { LogEntry } from 'yubihsm/log/log-entry';

/** How full a log is. */
export interface LogUse {
  /** Ten digits: whose log it is. */
  readonly serial: string;
  /** Places in it. */
  readonly logTotal: number;
  /** Places taken. */
  readonly logUsed: number;
}

/** Everything in a log that was not freed. */
export interface DeviceLogReading {
  /** Starts that were not logged because the log was full. */
  readonly unloggedBoots: number;
  /** Sessions opened that were not logged because the log was full. */
  readonly unloggedAuthentications: number;
  readonly entries: readonly LogEntry[];
}

/**
 * The log of a device. Commands to one device run one after the other, in the order of the calls,
 * signatures among them: what was asked before a reading is in it.
 *
 * Every method throws what the device or the way to it does.
 */
export interface LoggedDevice {
  /** For logs: `yubihsm http://127.0.0.1:12345`. Never a secret. */
  readonly name: string;
  /** Works also while the log is full. */
  logUse(options?: AbortOptions): Promise<LogUse>;
  readLog(options?: AbortOptions): Promise<DeviceLogReading>;
  /** Has the device forget all entries up to this number, this one included. */
  freeLog(upTo: number, options?: AbortOptions): Promise<void>;
}
