/** For decoders that open what they read by its path. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file of mode 0600 that is open and has no name any more: nothing is left behind, however the process ends. */
export class NamelessFile implements Disposable {
  /** Opens it anew, from its start; valid until it is disposed. */
  readonly path: string;
  readonly #fd: number;

  constructor(content: Uint8Array) {
    const folder = mkdtempSync(join(tmpdir(), 'privval-fuzz-'));
    try {
      this.#fd = openSync(join(folder, 'content'), 'wx', 0o600);
    } finally {
      rmSync(folder, { recursive: true });
    }
    writeSync(this.#fd, content);
    this.path = `/proc/self/fd/${this.#fd}`;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
