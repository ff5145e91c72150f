/** New files for secrets: all there and synced, or not there at all. */
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a new file of mode 0600. It and its name are synced when this returns; links are not followed.
 *
 * @throws the system's error; `EEXIST` when something is there already. Nothing is left behind.
 */
export function createFile(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    try {
      // The mode given at opening is reduced by the umask, which may take even the owner's bits.
      fchmodSync(descriptor, 0o600);
      let written = 0;
      while (written < bytes.length) written += writeSync(descriptor, bytes, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    syncDirectory(dirname(path));
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
}

/** Makes a new name in a directory survive a power cut. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
