/** The device log of a home that is to be served: there is always one, since the log never stops a validator. */
import { renameSync, statSync } from 'node:fs';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import { homePaths } from '../home/home-paths.ts';
import { DeviceLog } from './device-log.ts';
import { DeviceLogDamagedError } from './device-log-errors.ts';

/** Collaborators of {@link openDeviceLog}. */
export interface OpenDeviceLogDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Opens or makes the home's table. One that is damaged is set aside, with an alarm, and a new one
 * begun. To be called under the home's lock.
 *
 * @throws {DeviceLogNewerError} ERR_DEVICE_LOG_NEWER
 * @throws {DeviceLogUnwritableError} ERR_DEVICE_LOG_UNWRITABLE
 */
export function openDeviceLog(deps: OpenDeviceLogDeps, home: string): DeviceLog {
  const path = homePaths(home).deviceLog;
  try {
    return DeviceLog.open(path);
  } catch (error) {
    if (!(error instanceof DeviceLogDamagedError)) throw error;
    const kept = `${path}.damaged-${deps.clock.now()}`;
    for (const suffix of ['', '-wal', '-shm']) {
      const isThere = statSync(path + suffix, { throwIfNoEntry: false }) !== undefined;
      if (isThere) renameSync(path + suffix, kept + suffix);
    }
    deps.logger.error(
      { alarm: true, code: error.code, reason: error.message, kept },
      'the table of device logs is damaged: it was set aside, and a new one begun',
    );
    return DeviceLog.open(path);
  }
}
