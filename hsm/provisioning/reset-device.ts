/** Resetting a device, and waiting until it is back in its factory state. */
import { deviceInfo, resetDevice } from 'yubihsm/commands/device-commands';
import { DeviceError } from 'yubihsm/device-errors';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { YubiHsmError } from 'yubihsm/yubihsm-error';
import { type DevicePlace, factoryPassword, tryOpenSession } from './device-session.ts';
import { FACTORY_KEY_ID } from './roles.ts';
import { AnotherDeviceError, SetupInterruptedError } from './setup-errors.ts';

/** How long a device that was reset may take to come back, and how often it is looked for. */
const WAIT_MS = 10_000;
const POLL_MS = 200;

/**
 * Destroys everything on the device, and resolves when it opens with the factory's password.
 *
 * @throws {DeviceError} of the device when it refuses: nothing was changed.
 * @throws {SetupInterruptedError} ERR_SETUP_INTERRUPTED when it does not come back.
 */
export async function resetToFactory(
  place: DevicePlace,
  { client, serial }: { readonly client: YubiHsmClient; readonly serial: string },
): Promise<void> {
  try {
    await client.run(resetDevice(), { signal: place.signal });
  } catch (error) {
    // It may go without an answer: whether it was reset, its password says.
    if (error instanceof DeviceError) throw error;
    place.signal?.throwIfAborted();
  }
  const { clock, signal } = place;
  const deadlineMs = clock.monotonicMs() + WAIT_MS;
  for (;;) {
    const failure = await look(place, serial);
    if (failure === undefined) return;
    if (clock.monotonicMs() >= deadlineMs || failure instanceof AnotherDeviceError) {
      throw new SetupInterruptedError({ serial, step: 'reset' }, { cause: failure });
    }
    await clock.sleep(POLL_MS, { signal });
  }
}

/** @returns why it is not there yet; `undefined` when it is. */
async function look(place: DevicePlace, serial: string): Promise<unknown> {
  try {
    await using client = await tryOpenSession(place, FACTORY_KEY_ID, factoryPassword());
    if (client === undefined) return 'it does not take the password of the factory';
    const { serial: actual } = await client.run(deviceInfo());
    return actual === serial ? undefined : new AnotherDeviceError({ expected: serial, actual });
  } catch (error) {
    place.signal?.throwIfAborted();
    if (error instanceof YubiHsmError) return error;
    throw error;
  }
}
