/** SoftHSM2 (`apt-get install softhsm2`) with tokens in a folder of its own. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import type { TokenOptions } from '@privval/hsm/pkcs11/token-administration';
import { ScratchFolder } from '../harness/scratch-folder.ts';

/** Where Debian has the module. */
export const SOFT_HSM_MODULE = '/usr/lib/softhsm/libsofthsm2.so';
/** The PIN of every token made here. */
export const SOFT_HSM_PIN = '1234-validator';
const SO_PIN = '12345678';

/** Tokens that nobody else sees, gone at disposal. */
export class SoftHsm implements Disposable {
  /** With the PIN in it, and a newline. */
  readonly pinFile: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly #folder = new ScratchFolder();

  constructor() {
    mkdirSync(this.#folder.join('tokens'), { mode: 0o700 });
    const configuration = this.#folder.join('softhsm2.conf');
    const lines = [
      `directories.tokendir = ${this.#folder.join('tokens')}`,
      'objectstore.backend = file',
      'slots.removable = false',
      'log.level = ERROR',
    ];
    writeFileSync(configuration, `${lines.join('\n')}\n`);
    this.environment = { SOFTHSM2_CONF: configuration };
    this.pinFile = this.writePin('pin', `${SOFT_HSM_PIN}\n`);
  }

  /** Makes a token, and says how to reach it. */
  createToken(label: string): TokenOptions {
    const args = ['--init-token', '--free', '--label', label, '--so-pin', SO_PIN];
    execFileSync('softhsm2-util', [...args, '--pin', SOFT_HSM_PIN], {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const { environment, pinFile } = this;
    return { modulePath: SOFT_HSM_MODULE, environment, token: label, pinFile };
  }

  /** Takes all tokens out. */
  unplug(): void {
    renameSync(this.#folder.join('tokens'), this.#folder.join('unplugged'));
    mkdirSync(this.#folder.join('tokens'), { mode: 0o700 });
  }

  /** Puts them back. */
  plug(): void {
    for (const name of readdirSync(this.#folder.join('unplugged'))) {
      renameSync(this.#folder.join('unplugged', name), this.#folder.join('tokens', name));
    }
  }

  /** A file with another PIN. */
  writePin(name: string, content: string): string {
    const path = this.#folder.join(name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
