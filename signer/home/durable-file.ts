/** Files that are all there or not at all, also after a power cut. */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { syncDirectory } from '../guard/floor-mark.ts';

/**
 * Makes a new file of mode 0600; it and its name are synced when this returns.
 * @throws the system's error; `EEXIST` when something is there already. Nothing is left behind.
 */
export function createFile(path: string, content: Uint8Array | string): void {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    try {
      fchmodSync(descriptor, 0o600);
      writeFileSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    syncDirectory(dirname(path));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Puts a file of mode 0600 in the place of the one at `path`: readers see the old or the new one. */
export function replaceFile(path: string, content: Uint8Array | string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
  rmSync(temporary, { force: true });
  createFile(temporary, content);
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}
