/** Key files from and to disk, whichever of the two formats they have. */
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { MemoryKey } from '../memory/memory-key.ts';
import { createFile } from './create-file.ts';
import { decryptKey, encryptKey, looksLikeEncryptedKey } from './encrypted-key.ts';
import { encodeFilePvKey, looksLikeFilePvKey, parseFilePvKey } from './file-pv-key.ts';
import {
  KeyFileExistsError,
  KeyFileMalformedError,
  KeyFileNotEncryptedError,
  KeyFileUnwritableError,
  PassphraseRequiredError,
} from './key-file-errors.ts';
import { readPassphraseFile, readSecretFile } from './secret-file.ts';

/** Room for the largest key a node knows (ML-DSA), so that its type can be named. */
const MAX_KEY_FILE_BYTES = 16 * 1024;

/** Where a key file's passphrase is. */
export interface KeyFileOptions extends AbortOptions {
  /** File with the passphrase; one trailing newline is dropped (S18). */
  readonly passphraseFile?: string | undefined;
}

/** A secret from a key file, and how it lay there. */
export interface KeyFileContent {
  /** The caller's, to dispose or to hand on. */
  readonly secret: Ed25519SecretKey;
  readonly isEncrypted: boolean;
}

/**
 * Opens a key file for signing: what `serve` does.
 *
 * @throws {KeyFileNotEncryptedError} ERR_KEY_FILE_NOT_ENCRYPTED when a passphrase file is named
 *   and the file does not need it.
 * @throws whatever {@link readKeyFile} throws.
 */
export async function openKeyFile(path: string, options: KeyFileOptions = {}): Promise<MemoryKey> {
  const { secret, isEncrypted } = await readKeyFile(path, options);
  if (options.passphraseFile !== undefined && !isEncrypted) {
    secret[Symbol.dispose]();
    throw new KeyFileNotEncryptedError(path);
  }
  return MemoryKey.fromSecretKey(secret);
}

/**
 * Reads the secret of a key file, to import it. The format is recognised by content; a passphrase
 * file is read only when the key file is encrypted.
 *
 * @throws {SecretFileUnreadableError} ERR_SECRET_FILE_UNREADABLE, of the key or passphrase file
 * @throws {SecretFileTooLargeError} ERR_SECRET_FILE_TOO_LARGE, of either
 * @throws {SecretFilePermissionsError} ERR_SECRET_FILE_PERMISSIONS, of either
 * @throws {EmptyPassphraseError} ERR_EMPTY_PASSPHRASE
 * @throws {KeyFileMalformedError} ERR_KEY_FILE_MALFORMED
 * @throws {KeyFileMismatchError} ERR_KEY_FILE_MISMATCH
 * @throws {UnsupportedKeyTypeError} ERR_KEY_TYPE_UNSUPPORTED
 * @throws {PassphraseRequiredError} ERR_PASSPHRASE_REQUIRED
 * @throws {WrongPassphraseError} ERR_WRONG_PASSPHRASE
 * @throws {KeyFileDamagedError} ERR_KEY_FILE_DAMAGED
 */
export async function readKeyFile(
  path: string,
  options: KeyFileOptions = {},
): Promise<KeyFileContent> {
  using content = readSecretFile(path, { maxBytes: MAX_KEY_FILE_BYTES });
  // FilePV first: a file that names a private key is never turned into a string, whatever else it says.
  if (content.use(looksLikeFilePvKey)) {
    return { secret: parseFilePvKey(content, path), isEncrypted: false };
  }
  if (!content.use(looksLikeEncryptedKey)) {
    throw new KeyFileMalformedError({
      path,
      reason: 'it is neither a priv_validator_key.json nor an encrypted key of this signer',
    });
  }
  if (options.passphraseFile === undefined) throw new PassphraseRequiredError(path);
  using passphrase = readPassphraseFile(options.passphraseFile);
  // Copied out, since nothing in it is secret; `slice` of sodium's memory would be a view of it.
  const sealed = content.use((bytes) => new Uint8Array(bytes));
  return { secret: await decryptKey(sealed, passphrase, path, options), isEncrypted: true };
}

/**
 * Writes a new key file of mode 0600: encrypted when a passphrase file is named, else as FilePV.
 * Durable when it resolves: file and directory are synced. `secret` stays the caller's.
 *
 * @throws {KeyFileExistsError} ERR_KEY_FILE_EXISTS: nothing is ever overwritten.
 * @throws {KeyFileUnwritableError} ERR_KEY_FILE_UNWRITABLE: nothing of it is left behind.
 * @throws what is wrong with the passphrase file, as {@link readKeyFile}.
 */
export async function writeKeyFile(
  path: string,
  secret: Ed25519SecretKey,
  options: KeyFileOptions = {},
): Promise<void> {
  using content = await encodeKeyFile(secret, options);
  content.use((bytes) => createKeyFile(path, bytes));
}

async function encodeKeyFile(
  secret: Ed25519SecretKey,
  options: KeyFileOptions,
): Promise<GuardedBytes> {
  if (options.passphraseFile === undefined) return encodeFilePvKey(secret);
  using passphrase = readPassphraseFile(options.passphraseFile);
  return GuardedBytes.take(await encryptKey(secret, passphrase, options));
}

function createKeyFile(path: string, bytes: Uint8Array): void {
  try {
    createFile(path, bytes);
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') throw new KeyFileExistsError(path, { cause });
    throw new KeyFileUnwritableError({ path, reason: errorCode(cause) }, { cause });
  }
}
