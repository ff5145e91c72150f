/** What every command looks at first: is this a home, and is it this user's alone to change? */
import { lstatSync, type Stats, statSync } from 'node:fs';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import { HomePathTooLongError, HomePermissionsError, NoHomeError } from './home-errors.ts';
import { homePaths } from './home-paths.ts';

/** Longest path of a Unix socket in bytes: `sun_path` less its closing zero (S16). */
const MAX_SOCKET_PATH_BYTES = 107;

const OTHERS_MAY_WRITE = 0o022;

/**
 * @throws {NoHomeError} ERR_NO_HOME
 * @throws {HomePermissionsError} ERR_HOME_PERMISSIONS when others own the folder or its
 *   `signer.toml`, or could write there.
 */
export function checkHome(home: string): void {
  const { config } = homePaths(home);
  const folder = statSync(home, { throwIfNoEntry: false });
  const file = statSync(config, { throwIfNoEntry: false });
  if (folder === undefined || !folder.isDirectory() || file === undefined) {
    throw new NoHomeError(home);
  }
  checkOwn(home, folder, 700);
  checkOwn(config, file, 600);
}

/** Also for the folder a home is to be made in. Throws as {@link checkHome}. */
export function checkOwn(path: string, stats: Stats, mode: number): void {
  const uid = process.getuid?.() ?? stats.uid;
  if (stats.uid !== uid && stats.uid !== 0) {
    throw new HomePermissionsError(
      path,
      `belongs to user ${stats.uid}, not to user ${uid}`,
      `chown ${uid} '${path}'`,
    );
  }
  if ((stats.mode & OTHERS_MAY_WRITE) !== 0) {
    throw new HomePermissionsError(
      path,
      'can be changed by other users',
      `chmod ${mode} '${path}'`,
    );
  }
}

/** @throws {HomePathTooLongError} ERR_HOME_PATH_TOO_LONG (S16) */
export function checkSocketPath(home: string): void {
  const { adminSocket } = homePaths(home);
  const { length } = utf8Bytes(adminSocket);
  if (length > MAX_SOCKET_PATH_BYTES) {
    throw new HomePathTooLongError(adminSocket, length, MAX_SOCKET_PATH_BYTES);
  }
}

/** A file that makes a folder a home or part of one. Looked at by `stat` only (S13). */
export function partOfHome(home: string): string | undefined {
  const { config, identity, keys, grpc, floorDb, floorMark } = homePaths(home);
  return [config, floorDb, `${floorDb}-wal`, floorMark, identity, keys, grpc].find(
    (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  );
}
