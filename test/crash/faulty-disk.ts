/** Processes on a disk that fails when told to, and whose power can be cut (`disk-shim.c`). */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ScratchFolder } from '../harness/scratch-folder.ts';

const SOURCE = fileURLToPath(new URL('./disk-shim.c', import.meta.url));

/** An operation on one of the home's files. */
export type DiskOperation = `${'sync' | 'write' | 'open'}:floor.${'db' | 'db-wal' | 'mark'}`;

/** The shim, compiled, with its switches. Needs gcc. */
export class FaultyDisk implements Disposable {
  readonly #folder = new ScratchFolder();
  readonly #faults = new ScratchFolder();
  readonly #shadow = new ScratchFolder();

  constructor() {
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', this.#library, SOURCE, '-ldl']);
  }

  /** For the environment of a process. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      PRIVVAL_FAULTS: this.#faults.path,
      PRIVVAL_SHADOW: this.#shadow.path,
    };
  }

  /** From now on this operation fails. */
  fail(operation: DiskOperation, errno: 'EIO' | 'ENOSPC' | 'EROFS'): void {
    writeFileSync(this.#faults.join(operation), String(constants.errno[errno as 'EIO']));
  }

  /** From now on it works again. */
  heal(operation: DiskOperation): void {
    rmSync(this.#faults.join(operation));
  }

  /** Takes the mark as it is for the last state of it that will survive a power cut: nobody syncs it. */
  keepMark(directory: string): void {
    copyFileSync(join(directory, 'floor.mark'), this.#shadow.join('floor.mark'));
  }

  /** Sets the files of a home whose process was killed to what their last syncs have left on the disk. */
  cutPower(directory: string): void {
    const mark = this.#shadow.join('floor.mark');
    if (existsSync(mark)) copyFileSync(mark, join(directory, 'floor.mark'));
    for (const name of ['floor.db', 'floor.db-wal']) {
      const path = join(directory, name);
      if (!existsSync(path)) continue;
      const synced = this.#shadow.join(name);
      if (existsSync(synced)) copyFileSync(synced, path);
      else writeFileSync(path, '');
    }
  }

  get #library(): string {
    return this.#folder.join('disk-shim.so');
  }

  [Symbol.dispose](): void {
    for (const folder of [this.#folder, this.#faults, this.#shadow]) folder[Symbol.dispose]();
  }
}
