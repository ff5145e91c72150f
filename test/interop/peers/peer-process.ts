/** A stock program as a child process: its output in a file, its end as a promise, never left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** What a peer process needs of the world. */
export interface PeerProcessDeps {
  readonly clock: Clock;
}

/** What to run. */
export interface PeerProcessOptions {
  /** For messages. */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Output of both kinds is appended here. */
  readonly logPath: string;
  /**
   * How long the program may take to end when asked to, before it is killed.
   *
   * @default 5000
   */
  readonly graceMs?: number;
}

/** A program ended that was to run on. The message carries the end of its log. */
export class PeerExitedError extends CodedError {
  override readonly name = 'PeerExitedError';
  readonly code = 'ERR_PEER_EXITED';
  readonly log: string;

  constructor(title: string, how: string, log: string) {
    super(`${title} ended with ${how}; its log ends:\n${log}`);
    this.log = log;
  }
}

/** Owns one child process. It ends with SIGTERM at disposal, and with SIGKILL when it does not listen. */
export class PeerProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #deps: PeerProcessDeps;
  readonly #options: PeerProcessOptions;
  readonly #child: ChildProcess;
  readonly #logStart: number;
  readonly #exited: Promise<string>;

  private constructor(
    deps: PeerProcessDeps,
    options: PeerProcessOptions,
    child: ChildProcess & { pid: number },
    logStart: number,
  ) {
    this.#deps = deps;
    this.#options = options;
    this.#child = child;
    this.#logStart = logStart;
    this.pid = child.pid;
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
  }

  /**
   * Starts the program (Linux only, by `setpriv`, which becomes the program: its pid is the program's).
   *
   * @throws Node's own error when there is no `setpriv`.
   */
  static async start(deps: PeerProcessDeps, options: PeerProcessOptions): Promise<PeerProcess> {
    const log = openSync(options.logPath, 'a', 0o600);
    try {
      const logStart = statSync(options.logPath).size;
      // The kernel kills it when this process dies, however: a test run that is cut short leaves no node.
      const args = ['--pdeathsig', 'KILL', '--', options.command, ...options.args];
      const child = spawn('setpriv', args, { stdio: ['ignore', log, log] });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      return new PeerProcess(deps, options, child as ChildProcess & { pid: number }, logStart);
    } finally {
      closeSync(log);
    }
  }

  /** Whether it is still running. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What this process has written so far, all of it. */
  output(): string {
    return readFileSync(this.#options.logPath).subarray(this.#logStart).toString('utf8');
  }

  /** The last lines of what this process has written. */
  logTail(lines = 30): string {
    return this.output().trimEnd().split('\n').slice(-lines).join('\n');
  }

  /**
   * Waits for its end and says how it came: `exit code 0`, or a signal's name.
   */
  async ended(options: AbortOptions = {}): Promise<string> {
    return abortable(this.#exited, options);
  }

  /**
   * Waits for `work`, but no longer than the process lives.
   *
   * @throws {PeerExitedError} when it ends first.
   */
  async whileRunning<T>(work: Promise<T>): Promise<T> {
    const gone = this.#exited.then((how) => {
      throw new PeerExitedError(this.#options.title, how, this.logTail());
    });
    return Promise.race([work, gone]);
  }

  /** SIGKILL, and waits for the end: what a power cut does to a process. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, and SIGKILL after the grace: what a supervisor does. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    using grace = this.#deps.clock.deadline(this.#options.graceMs ?? 5_000);
    await this.ended({ signal: grace.signal }).catch(() => this.kill());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
