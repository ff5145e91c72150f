/** Starts, asks and kills a guard process (`guard-process-main.ts`). */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Step } from '@privval/signer/guard/hrs';

const MAIN = fileURLToPath(new URL('./guard-process-main.ts', import.meta.url));

/** Which rule is broken; `as-built`: none. */
export type GuardVariant = 'as-built' | 'sync-off' | 'sync-normal' | 'answer-first';

/** A request, in words. */
export interface GuardAsk {
  /** From 1 on, unique in the life of a process. */
  readonly id: number;
  readonly height: number;
  readonly round: number;
  readonly step: Step;
  readonly block: string;
  readonly seconds: number;
}

/** What came of it; id 0 is the process itself. */
export type GuardAnswer =
  | { readonly id: number; readonly kind: 'ready' }
  | {
      readonly id: number;
      readonly kind: 'signed';
      readonly signBytes: string;
      readonly signature: string;
    }
  | { readonly id: number; readonly kind: 'refused' | 'failed'; readonly code: string };

/** How it is started. */
export interface GuardProcessOptions {
  readonly directory: string;
  readonly variant?: GuardVariant | undefined;
  /** Put before the command: `['strace', …]`. */
  readonly under?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** One life of a guard process. */
export class GuardProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, (answer: GuardAnswer | undefined) => void>();
  readonly #ready = Promise.withResolvers<GuardAnswer | undefined>();
  readonly exited: Promise<unknown>;

  constructor({ directory, variant = 'as-built', under = [], env = {} }: GuardProcessOptions) {
    const [command = '', ...args] = [...under, process.execPath, MAIN, directory, variant];
    this.#child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    // Asking a process that has just been killed is what these tests do all the time.
    this.#child.stdin.on('error', () => undefined);
    this.#waiting.set(0, (answer) => this.#ready.resolve(answer));
    const lines = createInterface({ input: this.#child.stdout });
    lines.on('line', (line) => {
      const answer = JSON.parse(line) as GuardAnswer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    const closed = once(lines, 'close');
    this.exited = Promise.all([once(this.#child, 'exit'), closed]).then(() => {
      for (const resolve of this.#waiting.values()) resolve(undefined);
    });
  }

  /** Resolves when it can be asked; with `failed` when it would not start; `undefined`: it died. */
  ready(): Promise<GuardAnswer | undefined> {
    return this.#ready.promise;
  }

  /** The answer, or `undefined` if the process died first. */
  async ask(asked: GuardAsk): Promise<GuardAnswer | undefined> {
    const { promise, resolve } = Promise.withResolvers<GuardAnswer | undefined>();
    this.#waiting.set(asked.id, resolve);
    void this.exited.then(() => resolve(undefined));
    this.#child.stdin.write(`${JSON.stringify(asked)}\n`);
    return await promise;
  }

  /** Ends it as a crash does. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Lets it end by itself. */
  async finish(): Promise<void> {
    this.#child.stdin.end();
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited;
  }
}
