/** Whether two sessions are with one device. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { deviceInfo, getDevicePubkey } from 'yubihsm/commands/device-commands';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { YubiHsmError } from 'yubihsm/yubihsm-error';

/** What tells a device from others. */
export interface DeviceIdentity {
  /** Ten digits. */
  readonly serial: string;
  /** Its own key, which firmware 2.3 and later has. Simulators share serials; this they do not. */
  readonly publicKey: Uint8Array | undefined;
}

/** Asks the device. */
export async function readIdentity(
  client: YubiHsmClient,
  options: AbortOptions = {},
): Promise<DeviceIdentity> {
  const { serial } = await client.run(deviceInfo(), options);
  return { serial, publicKey: await publicKeyOf(client, options) };
}

/** Whether both are the same device, as far as one can tell. */
export function isSameDevice(a: DeviceIdentity, b: DeviceIdentity): boolean {
  if (a.serial !== b.serial) return false;
  const areKnown = a.publicKey !== undefined && b.publicKey !== undefined;
  return !areKnown || equalBytes(a.publicKey, b.publicKey);
}

async function publicKeyOf(
  client: YubiHsmClient,
  options: AbortOptions,
): Promise<Uint8Array | undefined> {
  try {
    return await client.runPlain(getDevicePubkey(), options);
  } catch (error) {
    if (error instanceof YubiHsmError) return undefined;
    throw error;
  }
}
