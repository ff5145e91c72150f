/** Brings a key that exists elsewhere into a YubiHSM 2: a backup, a key file, a bare seed. */
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { ED25519_SEED_BYTES, Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { putAsymmetricKey } from 'yubihsm/commands/asymmetric-key-commands';
import type { Command } from 'yubihsm/commands/command';
import { deviceInfo } from 'yubihsm/commands/device-commands';
import { importWrapped } from 'yubihsm/commands/wrap-commands';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { decodeBase64Into, maxDecodedBytes } from '../file/base64-bytes.ts';
import { KeyFileMalformedError } from '../file/key-file-errors.ts';
import { readKeyFile } from '../file/open-key-file.ts';
import { readSecretFile } from '../file/secret-file.ts';
import { type DeviceKey, DeviceKeyUnsuitableError, readDeviceKey } from './device-key.ts';
import { type DeviceAccess, type DeviceSessionDeps, withDevice } from './device-session.ts';
import { makeKey } from './free-key-id.ts';
import { readBackup } from './key-backup.ts';

/** A seed in base64, and white space. */
const MAX_SEED_FILE_BYTES = 128;

/** A wrapped object was restored, and it is no asymmetric key. */
export class NotAKeyError extends CodedError {
  override readonly name = 'NotAKeyError';
  readonly code = 'ERR_BACKUP_NOT_A_KEY';

  constructor(type: string) {
    super(
      `the backup held an object of type ${type}, which is on the device now: it is no signing key`,
    );
  }
}

/** What is in the file. */
export type ImportSource =
  /** A backup: id, label, domains and rights are the original's. */
  | { readonly kind: 'wrap'; readonly wrapKeyId: number }
  /** `priv_validator_key.json`, or this signer's encrypted format. */
  | { readonly kind: 'json'; readonly passphraseFile: string | undefined; readonly as: NewObject }
  /** The 32 bytes of a seed, in base64: tmkms's soft key. */
  | { readonly kind: 'base64'; readonly as: NewObject };

/** What a key from a file becomes on the device. */
export interface NewObject {
  /** `undefined`: one that is free. */
  readonly id: number | undefined;
  readonly label: string;
  readonly domains: readonly number[];
  readonly isExportable: boolean;
}

/** What is to be brought in. */
export interface ImportRequest extends DeviceAccess, AbortOptions {
  readonly file: string;
  readonly source: ImportSource;
}

/**
 * Imports a key and reads it back.
 *
 * @throws {KeyFileMalformedError} ERR_KEY_FILE_MALFORMED, and what else is wrong with the file
 * @throws {NotAKeyError} ERR_BACKUP_NOT_A_KEY
 * @throws {DeviceKeyUnsuitableError} ERR_DEVICE_KEY_UNSUITABLE when the device made another key of it.
 * @throws what connector and device do: ERR_YUBIHSM_OBJECT_EXISTS, ERR_YUBIHSM_INVALID_DATA for another wrap key.
 */
export async function importYubiHsmKey(
  deps: DeviceSessionDeps,
  request: ImportRequest,
): Promise<{ readonly serial: string; readonly key: DeviceKey }> {
  const { file, source, signal } = request;
  const importer =
    source.kind === 'wrap'
      ? restoring(readBackup(file), source.wrapKeyId)
      : putting(await readSecret(file, source, { signal }), source.as);
  return withDevice(deps, request, async (client) => {
    const { serial } = await client.run(deviceInfo(), { signal });
    return { serial, key: await importer(client, { signal }) };
  });
}

type Importer = (client: YubiHsmClient, options: AbortOptions) => Promise<DeviceKey>;

function restoring(blob: Uint8Array, wrapKeyId: number): Importer {
  return async (client, options) => {
    const { type, id } = await client.run(importWrapped(wrapKeyId, blob), options);
    if (type !== 'asymmetric-key') throw new NotAKeyError(type);
    return readDeviceKey(client, id, options);
  };
}

/** Owns the secret. */
function putting(secret: Ed25519SecretKey, as: NewObject): Importer {
  return async (client, options) => {
    using owned = secret;
    const { id, label, domains, isExportable } = as;
    const capabilities = isExportable
      ? (['sign-eddsa', 'exportable-under-wrap'] as const)
      : (['sign-eddsa'] as const);
    const params = { label, domains, capabilities, algorithm: 'ed25519' } as const;
    const commands: Command<number>[] = [];
    const put = (free: number): Command<number> => {
      const command = owned.exportSeed((seed) => putAsymmetricKey({ ...params, id: free }, seed));
      commands.push(command);
      return command;
    };
    let given: number;
    try {
      given = await makeKey(client, id, put, options);
    } finally {
      for (const { data } of commands) data.fill(0);
    }
    const key = await readDeviceKey(client, given, options);
    if (key.publicKey === undefined || !equalBytes(key.publicKey, owned.publicKey.bytes)) {
      throw new DeviceKeyUnsuitableError(given, 'the device made another public key of the secret');
    }
    return key;
  };
}

async function readSecret(
  file: string,
  source: Exclude<ImportSource, { readonly kind: 'wrap' }>,
  options: AbortOptions,
): Promise<Ed25519SecretKey> {
  if (source.kind === 'base64') return readSeedFile(file);
  const { passphraseFile } = source;
  return (await readKeyFile(file, { ...options, passphraseFile })).secret;
}

/**
 * A seed of 32 bytes in base64, in guarded memory all the way (S18).
 *
 * @throws {KeyFileMalformedError} ERR_KEY_FILE_MALFORMED
 */
export function readSeedFile(path: string): Ed25519SecretKey {
  using file = readSecretFile(path, { maxBytes: MAX_SEED_FILE_BYTES });
  return file.use((bytes) => {
    const text = trimmed(bytes);
    using seed = GuardedBytes.alloc(Math.max(maxDecodedBytes(text.length), ED25519_SEED_BYTES));
    return seed.use((target) => {
      const length = decodeBase64Into(target, text);
      if (length === ED25519_SEED_BYTES) {
        return Ed25519SecretKey.fromSeed(target.subarray(0, ED25519_SEED_BYTES));
      }
      throw new KeyFileMalformedError({
        path,
        reason: 'it is not the 32 bytes of a seed in padded base64',
      });
    });
  });
}

/** Without white space at both ends. */
function trimmed(bytes: Uint8Array): Uint8Array {
  const isSpace = (byte: number | undefined): boolean =>
    byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
  let start = 0;
  let end = bytes.length;
  while (start < end && isSpace(bytes[start])) start += 1;
  while (end > start && isSpace(bytes[end - 1])) end -= 1;
  return bytes.subarray(start, end);
}
