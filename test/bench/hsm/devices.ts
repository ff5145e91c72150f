/** Devices with a key in them, ready to sign: as a validator reaches them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProvidedKey } from '@privval/hsm/key-provider';
import { openProvidedKey } from '@privval/hsm/open-provided-key';
import type { SigningKey } from '@privval/hsm/signing-key';
import { YubiHsmDevice } from '@privval/hsm/yubihsm-provider/yubihsm-device';
import { YubiHsmProvider } from '@privval/hsm/yubihsm-provider/yubihsm-provider';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { putAsymmetricKey } from 'yubihsm/commands/asymmetric-key-commands';

const deps = { clock: systemClock, logger: silentLogger };

/** First object id of the keys here; the next ones follow. */
const FIRST_KEY_ID = 0x64;

/** A device over its connector, with the factory's authentication key. The caller's to dispose. */
export function openDevice(url: string, directory: string): YubiHsmDevice {
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, 'password', { mode: 0o600 });
  return new YubiHsmDevice(deps, { connector: url, authKeyId: 1, passwordFile });
}

/** Puts one key for each seed into the device. */
export async function putKeys(device: YubiHsmDevice, seeds: readonly Uint8Array[]): Promise<void> {
  for (const [index, seed] of seeds.entries()) {
    const id = FIRST_KEY_ID + index;
    const params = {
      id,
      label: `key ${index}`,
      domains: [1],
      capabilities: ['sign-eddsa'],
    } as const;
    await device.run(putAsymmetricKey({ ...params, algorithm: 'ed25519' }, seed));
  }
}

/** The provider of the key at `index`. */
export function providerOf(device: YubiHsmDevice, index: number): YubiHsmProvider {
  return new YubiHsmProvider({ device, clock: systemClock }, { objectId: FIRST_KEY_ID + index });
}

/** The key at `index`, opened and tested (S26). */
export function openKey(device: YubiHsmDevice, index: number): Promise<SigningKey> {
  return providerOf(device, index).openKey();
}

/** One key in two devices, as a validator with a standby has it; resolves once it is in service. */
export async function openKeyOfTwo(
  devices: readonly YubiHsmDevice[],
  expected: PublicKey,
): Promise<ProvidedKey> {
  const providers = devices.map((device) => providerOf(device, 0));
  const key = openProvidedKey(deps, { providers, expected });
  await key.waitUntilInService();
  return key;
}
