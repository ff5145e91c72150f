/** What an operator does with the keys of a YubiHSM 2: generate, list, export, try out. Each in one session. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import { generateAsymmetricKey } from 'yubihsm/commands/asymmetric-key-commands';
import { deviceInfo } from 'yubihsm/commands/device-commands';
import { formatObjectId } from 'yubihsm/objects/object-id';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { attestKey, type KeyAttestation } from './attest-key.ts';
import { type DeviceIdentity, readIdentity } from './device-identity.ts';
import { type DeviceKey, readDeviceKey, readDeviceKeys, signingPublicKey } from './device-key.ts';
import { type DeviceAccess, type DeviceSessionDeps, withDevice } from './device-session.ts';
import { makeKey } from './free-key-id.ts';
import { backupText, checkFree, exportKey, writeNewFile } from './key-backup.ts';
import { signCheckMessages } from './sign-check-messages.ts';
import { SpareDevice, type SpareOptions } from './spare-device.ts';

/** The key was made and stays; what was to follow failed. */
export class KeyMadeUnfinishedError extends CodedError {
  override readonly name = 'KeyMadeUnfinishedError';
  readonly code = 'ERR_KEY_MADE_UNFINISHED';
  readonly keyId: number;

  constructor(
    made: { readonly serial: string; readonly keyId: number },
    options: { readonly cause: unknown },
  ) {
    const { cause } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `key ${formatObjectId(made.keyId)} was generated and stays on device ${made.serial}, but what was to follow failed: ${reason}. A backup can be made again with signer hsm keys export`,
      options,
    );
    this.keyId = made.keyId;
  }
}

/** Where a backup goes, and how it is verified. */
export interface BackupOptions {
  readonly file: string;
  readonly wrapKeyId: number;
  /** @default the backup stays unverified */
  readonly spare: SpareOptions | undefined;
}

/** What became of a backup. */
export interface BackupOutcome {
  readonly file: string;
  /** Serial of the second device, which holds the key now; `undefined`: nobody knows whether the backup is good. */
  readonly verifiedOn: string | undefined;
}

/** A key that is to be made. */
export interface GenerateRequest extends DeviceAccess, AbortOptions {
  /** `undefined`: one that is free. */
  readonly id: number | undefined;
  readonly label: string;
  readonly domains: readonly number[];
  readonly isExportable: boolean;
  readonly backup: BackupOptions | undefined;
  /** Where the device's statement about the key goes, if it makes one. */
  readonly attestationFile: string | undefined;
}

/** What {@link generateYubiHsmKey} made. */
export interface GenerateOutcome {
  readonly serial: string;
  readonly key: DeviceKey;
  readonly publicKey: Uint8Array;
  readonly attestation: KeyAttestation;
  readonly backup: BackupOutcome | undefined;
}

/**
 * Has the device make an Ed25519 key.
 *
 * Whatever can be in the way of its backup is looked at before the key is made.
 *
 * @throws {KeyMadeUnfinishedError} ERR_KEY_MADE_UNFINISHED
 * @throws {BackupUnverifiedError} ERR_BACKUP_UNVERIFIED: no key was made.
 * @throws {KeyFileExistsError} ERR_KEY_FILE_EXISTS: no key was made.
 * @throws what connector and device do.
 */
export async function generateYubiHsmKey(
  deps: DeviceSessionDeps,
  request: GenerateRequest,
): Promise<GenerateOutcome> {
  const { backup, attestationFile, id, label, domains, isExportable, signal } = request;
  if (backup !== undefined && !isExportable) throw new InvariantError('a backup of what has none');
  if (backup !== undefined) checkFree(backup.file);
  if (attestationFile !== undefined) checkFree(attestationFile);
  return withDevice(deps, request, async (client) => {
    const primary = await readIdentity(client, { signal });
    const { serial } = primary;
    await using spare = await openSpare(deps, { primary, keyId: id, backup, signal });
    const capabilities = isExportable
      ? (['sign-eddsa', 'exportable-under-wrap'] as const)
      : (['sign-eddsa'] as const);
    const params = { label, domains, capabilities, algorithm: 'ed25519' } as const;
    const generate = (free: number) => generateAsymmetricKey({ ...params, id: free });
    const keyId = await makeKey(client, id, generate, { signal });
    try {
      const key = await readDeviceKey(client, keyId, { signal });
      const publicKey = signingPublicKey(key);
      const attestation = await attestKey(client, { keyId, publicKey, serial, signal });
      if (attestation.kind === 'attested' && attestationFile !== undefined) {
        writeNewFile(attestationFile, attestation.chain);
      }
      const made = backup && (await backUp(client, key, { ...backup, open: spare, signal }));
      return { serial, key, publicKey, attestation, backup: made };
    } catch (cause) {
      throw new KeyMadeUnfinishedError({ serial, keyId }, { cause });
    }
  });
}

/** Every asymmetric key that this authentication key sees. */
export async function listYubiHsmKeys(
  deps: DeviceSessionDeps,
  access: DeviceAccess & AbortOptions,
): Promise<{ readonly serial: string; readonly keys: readonly DeviceKey[] }> {
  const { signal } = access;
  return withDevice(deps, access, async (client) => {
    const { serial } = await client.run(deviceInfo(), { signal });
    return { serial, keys: await readDeviceKeys(client, { signal }) };
  });
}

/** What {@link exportYubiHsmKey} is to do. */
export interface ExportRequest extends DeviceAccess, AbortOptions, BackupOptions {
  readonly id: number;
}

/**
 * Writes a key's backup.
 *
 * @throws {DeviceKeyMissingError} ERR_DEVICE_KEY_MISSING
 * @throws {DeviceKeyUnsuitableError} ERR_DEVICE_KEY_UNSUITABLE
 * @throws {BackupUnverifiedError} ERR_BACKUP_UNVERIFIED; the file is written, unless the second
 *   device could not be used at all.
 */
export async function exportYubiHsmKey(
  deps: DeviceSessionDeps,
  request: ExportRequest,
): Promise<{ readonly serial: string; readonly key: DeviceKey; readonly backup: BackupOutcome }> {
  const { id, signal } = request;
  checkFree(request.file);
  return withDevice(deps, request, async (client) => {
    const primary = await readIdentity(client, { signal });
    const { serial } = primary;
    const key = await readDeviceKey(client, id, { signal });
    await using open = await openSpare(deps, { primary, keyId: id, backup: request, signal });
    return { serial, key, backup: await backUp(client, key, { ...request, open }) };
  });
}

/** What {@link testYubiHsmKey} is to do. */
export interface TestRequest extends DeviceAccess, AbortOptions {
  readonly id: number;
  /** How many check messages are signed. */
  readonly count: number;
}

/**
 * Has a key sign check messages (S27), and verifies each signature.
 *
 * @throws {WrongCheckSignatureError} ERR_CHECK_SIGNATURE_WRONG
 * @throws {DeviceKeyMissingError} ERR_DEVICE_KEY_MISSING
 * @throws {DeviceKeyUnsuitableError} ERR_DEVICE_KEY_UNSUITABLE
 */
export async function testYubiHsmKey(
  deps: DeviceSessionDeps,
  request: TestRequest,
): Promise<{
  readonly serial: string;
  readonly publicKey: Uint8Array;
  readonly signMs: readonly number[];
}> {
  const { id, count, signal } = request;
  return withDevice(deps, request, async (client) => {
    const { serial } = await client.run(deviceInfo(), { signal });
    const publicKey = signingPublicKey(await readDeviceKey(client, id, { signal }));
    const { clock } = deps;
    const signMs = await signCheckMessages(
      { client, clock },
      { keyId: id, publicKey, count, signal },
    );
    return { serial, publicKey, signMs };
  });
}

/** The second device, or something that need not be closed. */
async function openSpare(
  deps: DeviceSessionDeps,
  wanted: AbortOptions & {
    readonly primary: DeviceIdentity;
    readonly keyId: number | undefined;
    readonly backup: BackupOptions | undefined;
  },
): Promise<SpareDevice | undefined> {
  const { primary, keyId, backup, signal } = wanted;
  if (backup?.spare === undefined) return undefined;
  return SpareDevice.open(deps, { ...backup.spare, primary, keyId, signal });
}

async function backUp(
  client: YubiHsmClient,
  key: DeviceKey,
  options: AbortOptions & {
    readonly file: string;
    readonly wrapKeyId: number;
    readonly open: SpareDevice | undefined;
  },
): Promise<BackupOutcome> {
  const { file, wrapKeyId, open, signal } = options;
  const blob = await exportKey(client, key, { wrapKeyId, signal });
  writeNewFile(file, backupText(blob));
  await open?.verify(blob, { publicKey: signingPublicKey(key), signal });
  return { file, verifiedOn: open?.serial };
}
