/** The folder that `signer hsm setup` leaves its secrets in. */
import { mkdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { sodium } from '@privval/proto/crypto/sodium';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import { createFile } from '../file/create-file.ts';
import { readSecretFile, SecretFilePermissionsError } from '../file/secret-file.ts';
import type { DeviceSecrets } from './device-secrets.ts';
import { ROLE_NAMES, WRAP_KEY } from './roles.ts';

/** Name of the file with the 24 words. */
export const PHRASE_FILE = 'recovery-phrase.txt';

/** Name of the file with the wrap key, in hexadecimal. */
export const WRAP_KEY_FILE = 'wrap-key.hex';

const NEWLINE = 0x0a;

/** A secret was to be written where another one is. It is never overwritten. */
export class SecretFileExistsError extends CodedError {
  override readonly name = 'SecretFileExistsError';
  readonly code = 'ERR_SECRET_FILE_EXISTS';
  readonly path: string;

  constructor(path: string, options?: ErrorOptions) {
    super(
      `${path} exists already and holds something else; secrets are never overwritten: choose another place, or move it away`,
      options,
    );
    this.path = path;
  }
}

/** A secret could not be written. */
export class SecretFileUnwritableError extends CodedError {
  override readonly name = 'SecretFileUnwritableError';
  readonly code = 'ERR_SECRET_FILE_UNWRITABLE';
  readonly path: string;

  constructor(path: string, options: { readonly cause: unknown }) {
    super(`cannot write ${path}: ${errorCode(options.cause)}`, options);
    this.path = path;
  }
}

/** Name of the file with the password of a role. */
export function passwordFile(role: string): string {
  return `${role}.password`;
}

/** Where secrets go. */
export interface SecretPlaces {
  /**
   * A folder, made with mode 0700 where it is not there: a password file for each role, the wrap
   * key. Without it these are not written; the phrase gives them again.
   */
  readonly folder: string | undefined;
  /**
   * Where the phrase goes, which is the admin's password too: with the rest, into a file of its own,
   * or nowhere, since somebody has it already.
   */
  readonly phrase:
    | { readonly kind: 'folder' }
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'kept' };
}

/**
 * Writes the secrets, each file of mode 0600, synced when this returns. A file that holds the same
 * already is left alone, so that a setup that broke off can be taken up again.
 *
 * @returns the paths, in the order in which they were written.
 * @throws {SecretFileExistsError} ERR_SECRET_FILE_EXISTS
 * @throws {SecretFileUnwritableError} ERR_SECRET_FILE_UNWRITABLE
 * @throws {SecretFilePermissionsError} ERR_SECRET_FILE_PERMISSIONS when others can use the folder.
 */
export function writeSecrets(secrets: DeviceSecrets, places: SecretPlaces): readonly string[] {
  const { folder, phrase } = places;
  const paths: string[] = [];
  const write = (path: string, secret: GuardedBytes): void => {
    using owned = secret;
    using text = withNewline(owned);
    writeOrCompare(path, text);
    paths.push(path);
  };
  if (folder !== undefined) makeFolder(folder);
  if (phrase.kind === 'file') write(phrase.path, secrets.phrase());
  if (folder === undefined) return paths;
  if (phrase.kind === 'folder') write(join(folder, PHRASE_FILE), secrets.phrase());
  for (const role of ROLE_NAMES) {
    if (role === 'admin' && phrase.kind !== 'folder') continue;
    write(join(folder, passwordFile(role)), secrets.password(role));
  }
  write(join(folder, WRAP_KEY_FILE), hexOf(secrets.wrapKey(WRAP_KEY.id)));
  return paths;
}

/** @throws {SecretFilePermissionsError} ERR_SECRET_FILE_PERMISSIONS */
function makeFolder(folder: string): void {
  let found: Stats | undefined;
  try {
    found = statSync(folder, { throwIfNoEntry: false });
    if (found === undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SecretFileUnwritableError(folder, { cause });
  }
  if (found !== undefined) checkFolder(folder, found);
}

function checkFolder(folder: string, { uid, mode }: Stats): void {
  const own = process.getuid?.() ?? uid;
  const quoted = `'${folder.replaceAll("'", `'\\''`)}'`;
  if (uid !== own) {
    throw new SecretFilePermissionsError(
      folder,
      `belongs to user ${uid}, who can change what is in it`,
      `chown ${own} ${quoted}`,
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new SecretFilePermissionsError(folder, 'can be used by others', `chmod 700 ${quoted}`);
  }
}

function writeOrCompare(path: string, text: GuardedBytes): void {
  try {
    text.use((bytes) => createFile(path, bytes));
  } catch (cause) {
    if (errorCode(cause) !== 'EEXIST') throw new SecretFileUnwritableError(path, { cause });
    using there = readSecretFile(path, { maxBytes: Math.max(4096, text.length) });
    const isSame = there.use((found) =>
      text.use((wanted) => found.length === wanted.length && sodium.sodium_memcmp(found, wanted)),
    );
    if (!isSame) throw new SecretFileExistsError(path, { cause });
  }
}

function withNewline(secret: GuardedBytes): GuardedBytes {
  const text = GuardedBytes.alloc(secret.length + 1);
  secret.use((bytes) =>
    text.use((target) => {
      target.set(bytes);
      target[bytes.length] = NEWLINE;
    }),
  );
  return text;
}

/** Lower-case hexadecimal, without a string in between. Disposes what it is given. */
function hexOf(secret: GuardedBytes): GuardedBytes {
  using bytes = secret;
  const text = GuardedBytes.alloc(2 * bytes.length);
  bytes.use((source) =>
    text.use((target) => {
      for (const [at, byte] of source.entries()) {
        target[2 * at] = hexDigit(byte >> 4);
        target[2 * at + 1] = hexDigit(byte & 15);
      }
    }),
  );
  return text;
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x61 + value - 10;
}
