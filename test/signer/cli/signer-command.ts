/** The real `signer`, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The command as it is linked into `node_modules/.bin`. */
export const BIN: string = join(import.meta.dirname, '../../../signer/cli/bin.js');

/** How to run it. */
export interface CommandOptions {
  /** Beside this process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** What is started. @default {@link BIN} itself, by its first line */
  readonly command?: readonly string[];
}

/** A process whose end and output can be waited for. Disposing kills it. */
export class SignerCommand implements AsyncDisposable {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #closed: Promise<unknown>;

  constructor(args: readonly string[], options: CommandOptions = {}) {
    const [command = BIN, ...first] = options.command ?? [];
    this.child = spawn(command, [...first, ...args], {
      env: { ...process.env, NODE_OPTIONS: undefined, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#closed = once(this.child, 'close');
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
  }

  /** @returns the exit code. */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.child.exitCode;
  }

  /** Resolves once standard error has `text`. @throws when the process ends before. */
  async says(text: string): Promise<void> {
    const ended = this.#closed.then(() => 'ended');
    while (!this.stderr.includes(text)) {
      const next = once(this.child.stderr ?? this.child, 'data').then(() => 'more');
      if ((await Promise.race([next, ended])) === 'ended' && !this.stderr.includes(text)) {
        throw new TypeError(`it ended before it said ${JSON.stringify(text)}: ${this.stderr}`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#closed;
  }
}
