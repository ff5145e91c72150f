/** A store in a process of its own, to be killed, starved or raced against another one. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { StoreCommand, StoreReply } from './store-process-main.ts';

const MAIN = fileURLToPath(new URL('./store-process-main.ts', import.meta.url));

/** One child process. Its store lives in `directory`. */
export class StoreProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** How it ended, as the reply to whatever it was doing. */
  readonly #exit: Promise<readonly StoreReply[]>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'exit').then(([code, signal]) => [
      { outcome: `exit ${code ?? signal}` },
    ]);
  }

  static async start(options: { readonly env?: NodeJS.ProcessEnv } = {}): Promise<StoreProcess> {
    const child = fork(MAIN, { execArgv: [], env: { ...process.env, ...options.env } });
    await once(child, 'message');
    return new StoreProcess(child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has `command` done; its outcome in one word: `sign`, `ok`, or the code of what went wrong. */
  async run(command: StoreCommand): Promise<StoreReply> {
    const reply = once(this.#child, 'message');
    this.#child.send(command);
    const [message] = await Promise.race([reply, this.#exit]);
    return message as StoreReply;
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
