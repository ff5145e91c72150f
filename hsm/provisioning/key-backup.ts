/** Backups of keys: one object under a wrap key, as base64 text, which tmkms and Yubico's tools read and write too. */
import { readFileSync, statSync } from 'node:fs';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { exportWrapped } from 'yubihsm/commands/wrap-commands';
import { MalformedWrapError } from 'yubihsm/wrap/wrap-errors';
import { formatWrap, parseWrap } from 'yubihsm/wrap/wrap-text';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { createFile } from '../file/create-file.ts';
import { KeyFileExistsError, KeyFileUnwritableError } from '../file/key-file-errors.ts';
import { SecretFileUnreadableError } from '../file/secret-file.ts';
import { type DeviceKey, DeviceKeyUnsuitableError } from './device-key.ts';

/** A wrapped key has 184 bytes; the largest object a device wraps has some thousand. */
const MAX_BACKUP_CHARACTERS = 16_384;

/** @throws {KeyFileExistsError} ERR_KEY_FILE_EXISTS when something is there: nothing is ever overwritten. */
export function checkFree(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) throw new KeyFileExistsError(path);
}

/**
 * Writes a new file of mode 0600, durable when this returns.
 *
 * @throws {KeyFileExistsError} ERR_KEY_FILE_EXISTS
 * @throws {KeyFileUnwritableError} ERR_KEY_FILE_UNWRITABLE
 */
export function writeNewFile(path: string, text: string): void {
  try {
    createFile(path, utf8Bytes(text));
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') throw new KeyFileExistsError(path, { cause });
    throw new KeyFileUnwritableError({ path, reason: errorCode(cause) }, { cause });
  }
}

/** A wrapped object as a file holds it. */
export function backupText(blob: Uint8Array): string {
  return formatWrap(blob);
}

/**
 * The wrapped object in a file. It is encrypted, so that its file may be anybody's to read.
 *
 * @throws {SecretFileUnreadableError} ERR_SECRET_FILE_UNREADABLE
 * @throws {MalformedWrapError} ERR_YUBIHSM_MALFORMED_WRAP
 */
export function readBackup(path: string): Uint8Array {
  const text = readText(path);
  if (text.length > MAX_BACKUP_CHARACTERS) {
    throw new MalformedWrapError(`${path} has ${text.length} characters`);
  }
  return parseWrap(text);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = errorCode(cause) === 'ENOENT' ? 'there is no such file' : errorCode(cause);
    throw unreadable(path, reason, cause);
  }
}

function unreadable(path: string, reason: string, cause: unknown): SecretFileUnreadableError {
  return new SecretFileUnreadableError(path, reason, { cause });
}

/**
 * A key under a wrap key.
 *
 * @throws {DeviceKeyUnsuitableError} ERR_DEVICE_KEY_UNSUITABLE for a key that cannot be exported.
 */
export async function exportKey(
  client: YubiHsmClient,
  { info, isExportable }: DeviceKey,
  { wrapKeyId, signal }: AbortOptions & { readonly wrapKeyId: number },
): Promise<Uint8Array> {
  if (!isExportable) {
    throw new DeviceKeyUnsuitableError(
      info.id,
      'it was made without exportable-under-wrap, and that cannot be added: it has no backup, ever',
    );
  }
  return client.run(exportWrapped(wrapKeyId, 'asymmetric-key', info.id), { signal });
}
