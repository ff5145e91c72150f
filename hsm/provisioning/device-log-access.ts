/** The log of a YubiHSM 2 for a command that drains it by hand. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { LoggedDevice } from '../device-log/logged-device.ts';
import { yubiHsmLog } from '../device-log/yubihsm-log.ts';
import { type DeviceAccess, type DeviceSessionDeps, withDevice } from './device-session.ts';

/** Does one thing with a device's log in one session. Throws what the device, the way to it and `use` do. */
export async function withDeviceLog<T>(
  deps: DeviceSessionDeps,
  access: DeviceAccess & AbortOptions,
  use: (device: LoggedDevice) => Promise<T>,
): Promise<T> {
  const name = `yubihsm ${access.connector}`;
  return withDevice(deps, access, (client) => use(yubiHsmLog(client, name)));
}
