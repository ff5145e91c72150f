/** Sets a YubiHSM 2 up: four roles and a wrap key, all from one recovery phrase, as tmkms does. */

import type { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { deviceInfo, getPseudoRandom } from 'yubihsm/commands/device-commands';
import { listObjects } from 'yubihsm/commands/object-commands';
import type { FirmwareVersion } from 'yubihsm/objects/device-info';
import { formatObjectId } from 'yubihsm/objects/object-id';
import type { ListedObject } from 'yubihsm/objects/object-list';
import { runPlainCommand } from 'yubihsm/plain-command';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { YubiHsmError } from 'yubihsm/yubihsm-error';
import { readPassphraseFile } from '../file/secret-file.ts';
import { DeviceSecrets } from './device-secrets.ts';
import {
  connectDevice,
  type DevicePlace,
  type DeviceSessionDeps,
  factoryPassword,
  openSession,
  tryOpenSession,
} from './device-session.ts';
import { ENTROPY_BYTES } from './recovery-phrase.ts';
import { resetToFactory } from './reset-device.ts';
import { FACTORY_KEY_ID, ROLES, TEMPORARY_KEY_ID } from './roles.ts';
import { runSetup } from './run-setup.ts';
import { type SecretPlaces, writeSecrets } from './secret-folder.ts';
import { AnotherDeviceError, DeviceNotBlankError } from './setup-errors.ts';
import { planSetup, type SetupReport } from './setup-plan.ts';

/** What is to be done. */
export interface SetupRequest extends AbortOptions {
  /** `http://127.0.0.1:12345`. */
  readonly connector: string;
  /** How the device is opened if it is not in its factory state. */
  readonly access: { readonly authKeyId: number; readonly passwordFile: string } | undefined;
  /** The phrase of a device that was set up before, or whose setup broke off. @default a new phrase */
  readonly restoreFile: string | undefined;
  /** Where the secrets go, before the device is changed. */
  readonly places: SecretPlaces;
  /** The serial of a device whose objects may be destroyed. */
  readonly resetSerial: string | undefined;
  /** For the report on the device; its serial and date are filled in. */
  readonly report: Pick<SetupReport, 'uuid' | 'hostname' | 'username' | 'software'>;
  /** Told of everything that is done, in words. */
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** What was done. */
export interface SetupOutcome {
  readonly serial: string;
  readonly firmware: FirmwareVersion;
  /** Files with secrets, whether they were written now or there already. */
  readonly files: readonly string[];
  readonly wasReset: boolean;
}

/**
 * Sets a device up, or goes on where a setup by the same phrase broke off.
 *
 * Nothing is changed before the secrets are on the disk, and nothing that is worth guarding is made
 * while the factory's key is there.
 *
 * @throws {DeviceNotBlankError} ERR_DEVICE_NOT_BLANK
 * @throws {AnotherDeviceError} ERR_ANOTHER_DEVICE
 * @throws {SetupInterruptedError} ERR_SETUP_INTERRUPTED
 * @throws {SetupConflictError} ERR_SETUP_CONFLICT
 * @throws {InvalidRecoveryPhraseError} ERR_RECOVERY_PHRASE
 * @throws what {@link writeSecrets} throws, and what the connector and the device do.
 */
export async function setUpDevice(
  deps: DeviceSessionDeps,
  request: SetupRequest,
): Promise<SetupOutcome> {
  const { restoreFile, places, onProgress = () => undefined } = request;
  await using connector = await connectDevice(deps, request.connector);
  const place: DevicePlace = { ...deps, connector, signal: request.signal };
  using restored =
    restoreFile === undefined ? undefined : DeviceSecrets.fromPhraseFile(restoreFile);

  await using session = new AsyncDisposableStack();
  const opened = await openForSetup(place, request, restored);
  const client = session.use(opened.client);
  const { serial, version: firmware } = await client.run(deviceInfo());
  const mustReset = await isToBeReset({ ...opened, serial }, request);
  using secrets = restored ?? (await newSecrets(client));
  const files = writeSecrets(secrets, places);
  for (const file of files) onProgress(`wrote ${file}`);
  if (mustReset) {
    onProgress(`resetting device ${serial} to its factory state`);
    await resetToFactory(place, { client, serial });
  }
  await session.disposeAsync();

  const date = new Date(deps.clock.now()).toISOString().replace(/\.\d{3}Z$/, 'Z');
  const plan = planSetup({ version: 1, device_serial_number: serial, date, ...request.report });
  await runSetup(place, { serial, secrets, plan, onProgress });
  return { serial, firmware, files, wasReset: mustReset };
}

/** A session with a device that is to be set up. */
interface Opened {
  readonly client: YubiHsmClient;
  /** `phrase`: by a key that follows from the phrase, so that a setup by it was begun. */
  readonly by: 'factory' | 'access' | 'phrase';
}

async function openForSetup(
  place: DevicePlace,
  { access }: SetupRequest,
  restored: DeviceSecrets | undefined,
): Promise<Opened> {
  return (await openByPhrase(place, restored)) ?? openByAccess(place, access);
}

async function openByPhrase(
  place: DevicePlace,
  secrets: DeviceSecrets | undefined,
): Promise<Opened | undefined> {
  if (secrets === undefined) return undefined;
  const client =
    (await tryOpenSession(place, TEMPORARY_KEY_ID, secrets.password('temporary'))) ??
    (await tryOpenSession(place, ROLES.admin.authKeyId, secrets.password('admin')));
  return client && { client, by: 'phrase' };
}

/** @throws {DeviceNotBlankError} ERR_DEVICE_NOT_BLANK when only the factory's password is to be had, and is wrong. */
async function openByAccess(place: DevicePlace, access: SetupRequest['access']): Promise<Opened> {
  if (access !== undefined) {
    const { authKeyId, passwordFile } = access;
    using password = readPassphraseFile(passwordFile);
    const client = await openSession(place, { authKeyId, password }, place);
    return { client, by: isFactoryAccess(authKeyId, password) ? 'factory' : 'access' };
  }
  const client = await tryOpenSession(place, FACTORY_KEY_ID, factoryPassword());
  if (client !== undefined) return { client, by: 'factory' };
  const found = 'authentication key 1 does not take the password of the factory';
  throw new DeviceNotBlankError({ serial: await claimedSerial(place), found });
}

/** Somebody may well name what would be tried without being named. */
function isFactoryAccess(authKeyId: number, password: GuardedBytes): boolean {
  using factory = factoryPassword();
  const isSame = password.use((given) => factory.use((known) => equalBytes(given, known)));
  return authKeyId === FACTORY_KEY_ID && isSame;
}

/**
 * Whether the device must be reset first, which somebody has asked for by its serial.
 *
 * @throws {DeviceNotBlankError} ERR_DEVICE_NOT_BLANK
 * @throws {AnotherDeviceError} ERR_ANOTHER_DEVICE
 */
async function isToBeReset(
  { client, by, serial }: Opened & { readonly serial: string },
  { resetSerial }: SetupRequest,
): Promise<boolean> {
  if (resetSerial !== undefined && resetSerial !== serial) {
    throw new AnotherDeviceError({ expected: resetSerial, actual: serial });
  }
  const others = (await client.run(listObjects())).filter((object) => !isOfFactory(object));
  if (by === 'factory' && others.length === 0) return false;
  if (resetSerial !== undefined) return true;
  if (by === 'phrase') return false;
  const listed = others.map(({ type, id }) => `${type} ${formatObjectId(id)}`).join(', ');
  const found = listed === '' ? 'its password was changed' : `it holds ${listed}`;
  throw new DeviceNotBlankError({ serial, found });
}

/** Id 0 is nobody's to give: what has it was made by the vendor. */
function isOfFactory({ type, id }: ListedObject): boolean {
  return id === 0 || (type === 'authentication-key' && id === FACTORY_KEY_ID);
}

/** What the device says its serial is; for a message only, since nothing authenticates it. */
async function claimedSerial({ connector, signal }: DevicePlace): Promise<string | undefined> {
  try {
    return (await runPlainCommand(connector, deviceInfo(), { signal })).serial;
  } catch (error) {
    if (error instanceof YubiHsmError) return undefined;
    throw error;
  }
}

async function newSecrets(client: YubiHsmClient): Promise<DeviceSecrets> {
  return DeviceSecrets.generate(await client.run(getPseudoRandom(ENTROPY_BYTES)));
}
