/**
 * Files that hold secrets: who may read them is checked, then they go straight into guarded memory.
 *
 * @module
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';

/** Longest passphrase file read, in bytes. */
const MAX_PASSPHRASE_FILE_BYTES = 4096;
const NEWLINE = 0x0a;

/** A secret's file cannot be read: missing, no access, not a file, or empty. */
export class SecretFileUnreadableError extends CodedError {
  override readonly name = 'SecretFileUnreadableError';
  readonly code = 'ERR_SECRET_FILE_UNREADABLE';
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`cannot read ${path}: ${reason}`, options);
    this.path = path;
  }
}

/** Others could read or replace a secret's file. */
export class SecretFilePermissionsError extends CodedError {
  override readonly name = 'SecretFilePermissionsError';
  readonly code = 'ERR_SECRET_FILE_PERMISSIONS';
  readonly path: string;
  /** What makes it right. */
  readonly command: string;

  constructor(path: string, reason: string, command: string) {
    super(`${path} ${reason}: run ${command}`);
    this.path = path;
    this.command = command;
  }
}

/** A passphrase file with no passphrase in it. */
export class EmptyPassphraseError extends CodedError {
  override readonly name = 'EmptyPassphraseError';
  readonly code = 'ERR_EMPTY_PASSPHRASE';
  readonly path: string;

  constructor(path: string) {
    super(`the passphrase in ${path} is empty`);
    this.path = path;
  }
}

/**
 * Reads a secret's file into guarded memory.
 *
 * A symbolic link is followed (mounted secrets are made of them); the file it leads to is what is
 * checked, on the handle that is then read.
 *
 * @throws {SecretFileUnreadableError} ERR_SECRET_FILE_UNREADABLE
 * @throws {SecretFileTooLargeError} ERR_SECRET_FILE_TOO_LARGE
 * @throws {SecretFilePermissionsError} ERR_SECRET_FILE_PERMISSIONS unless it belongs to this user
 *   or root and nobody else may touch it.
 */
export function readSecretFile(path: string, options: { readonly maxBytes: number }): GuardedBytes {
  const descriptor = openForReading(path);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new SecretFileUnreadableError(path, 'it is not a regular file');
    checkAccess(path, stats, process.getuid?.() ?? 0);
    const content = readContent(descriptor, path, options.maxBytes);
    if (content === undefined) throw new SecretFileUnreadableError(path, 'it is empty');
    return content;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads a passphrase: the file's bytes without one trailing newline, nothing else dropped (S18).
 *
 * @throws {EmptyPassphraseError} ERR_EMPTY_PASSPHRASE
 * @throws whatever {@link readSecretFile} throws.
 */
export function readPassphraseFile(path: string): GuardedBytes {
  using file = readSecretFile(path, { maxBytes: MAX_PASSPHRASE_FILE_BYTES });
  return file.use((bytes) => {
    const length = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length;
    if (length === 0) throw new EmptyPassphraseError(path);
    const passphrase = GuardedBytes.alloc(length);
    passphrase.use((target) => target.set(bytes.subarray(0, length)));
    return passphrase;
  });
}

/**
 * Whether only this user and root can read or change a file with these properties.
 *
 * One exception: a file of root:root with mode 0440 and a reader who is not root. That is how
 * systemd hands over a credential: an access list names the service's user, and the group bits show
 * the list's mask, not what the group may do.
 *
 * @throws {SecretFilePermissionsError} ERR_SECRET_FILE_PERMISSIONS
 */
export function checkAccess(
  path: string,
  stats: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  uid: number,
): void {
  const quoted = `'${path.replaceAll("'", `'\\''`)}'`;
  if (stats.uid !== uid && stats.uid !== 0) {
    throw new SecretFilePermissionsError(
      path,
      `belongs to user ${stats.uid}, who can change it`,
      `chown ${uid} ${quoted}`,
    );
  }
  const mode = stats.mode & 0o777;
  const isCredential = uid !== 0 && stats.uid === 0 && stats.gid === 0 && mode === 0o440;
  if ((mode & 0o077) !== 0 && !isCredential) {
    throw new SecretFilePermissionsError(
      path,
      `has mode ${mode.toString(8).padStart(4, '0')}, so that others can use it`,
      `chmod 600 ${quoted}`,
    );
  }
}

function openForReading(path: string): number {
  try {
    // Without O_NONBLOCK a named pipe would hold the process until somebody writes to it.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function readContent(descriptor: number, path: string, maxBytes: number): GuardedBytes | undefined {
  try {
    return GuardedBytes.readDescriptor(descriptor, { path, maxBytes });
  } catch (cause) {
    throw cause instanceof CodedError ? cause : unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): SecretFileUnreadableError {
  const code = errorCode(cause);
  const reason =
    code === 'ENOENT'
      ? 'there is no such file'
      : code === 'EACCES'
        ? 'this user has no access to it'
        : code;
  return new SecretFileUnreadableError(path, reason, { cause });
}
