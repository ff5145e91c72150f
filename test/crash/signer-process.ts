/** A signer as an operator runs it: a home made by `signer init`, and `signer serve` in a process of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BIN = fileURLToPath(new URL('../../signer/cli/bin.js', import.meta.url));

/** Where a signer lives. */
export interface SignerHome {
  readonly home: string;
  /** Of the compile cache; empty at first. */
  readonly cache: string;
}

/** Runs one command to its end. @returns what it printed. */
export async function runSigner(at: SignerHome, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(BIN, [...args, '--home', at.home], {
    env: environment(at),
  });
  return stdout.trim();
}

/** One life of `signer serve`. */
export class SignerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly exited: Promise<unknown>;
  #output = '';

  constructor(at: SignerHome) {
    this.#child = spawn(BIN, ['serve', '--home', at.home], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(at),
    });
    this.exited = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Uint8Array) => {
        this.#output += new TextDecoder().decode(chunk);
      });
    }
  }

  /** Whether it runs. */
  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** All it has said. */
  get output(): string {
    return this.#output;
  }

  /** Ends it as a crash does. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited;
  }
}

function environment({ cache }: SignerHome): NodeJS.ProcessEnv {
  return { ...process.env, XDG_CACHE_HOME: cache };
}
