/** The log of a YubiHSM 2, through a session. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { deviceInfo } from 'yubihsm/commands/device-commands';
import { getLogEntries, setLogIndex } from 'yubihsm/commands/log-commands';
import { LogFullError } from 'yubihsm/device-errors';
import type { DeviceInfo } from 'yubihsm/objects/device-info';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import type { DeviceLogReading, LoggedDevice, LogUse } from './logged-device.ts';

/** The log as {@link LoggedDevice}; `client` stays the caller's. Needs get-log-entries. */
export function yubiHsmLog(client: YubiHsmClient, name: string): LoggedDevice {
  return {
    name,
    async logUse(options: AbortOptions = {}): Promise<LogUse> {
      const { serial, logTotal, logUsed } = await infoOf(client, options);
      return { serial, logTotal, logUsed };
    },
    readLog: (options: AbortOptions = {}): Promise<DeviceLogReading> =>
      client.run(getLogEntries(), options),
    freeLog: (upTo: number, options: AbortOptions = {}): Promise<void> =>
      client.run(setLogIndex(upTo), options),
  };
}

/** In the session; where that is refused for a full log, outside of it, where nothing is logged. */
async function infoOf(client: YubiHsmClient, options: AbortOptions): Promise<DeviceInfo> {
  try {
    return await client.deviceInfo(options);
  } catch (error) {
    if (!(error instanceof LogFullError)) throw error;
    return client.runPlain(deviceInfo(), options);
  }
}
