/** One process with one module in it: started, asked one thing at a time, ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Logger } from '@privval/proto/runtime/logger';
import { ModuleCrashedError, UnexpectedAnswerError } from './module-errors.ts';
import { type Frame, FrameDecoder } from './module-frames.ts';

/** The program that runs in it. */
const MAIN = new URL('./module-main.ts', import.meta.url);
/** Requests, nothing, complaints, answers, the life line: as `spawn` is told below. */
type Pipes = [Writable, null, Readable, Readable, Readable];

/** How many lines of what the library prints are logged, per process. */
const MAX_LOGGED_LINES = 20;
const MAX_LOGGED_CHARACTERS = 500;

/** Collaborators of {@link ModuleChild}. */
export interface ModuleChildDeps {
  readonly logger: Logger;
}

/** What to start. */
export interface ModuleChildOptions {
  /** For errors. */
  readonly modulePath: string;
  /** Added to this process's own environment: libraries are configured by it. Nothing secret. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Another program, which answers as a module does. For tests. */
  readonly main?: URL | undefined;
}

/**
 * Owns one child process. It ends when it is killed, when it is disposed of, or by itself; it is never
 * asked anything again afterwards.
 *
 * Invariant: an answer is the answer to the last question. Anything else makes it unusable.
 */
export class ModuleChild {
  /** Resolves when the process has ended, with how: `SIGKILL`, `exit code 1`. Never rejects. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #requests: Writable;
  readonly #decoder = new FrameDecoder();
  #waiting: PromiseWithResolvers<Frame> | undefined;
  /** Why nothing can be asked any more. */
  #fault: Error | undefined;

  private constructor(deps: ModuleChildDeps, options: ModuleChildOptions, child: ChildProcess) {
    this.#process = child;
    const [requests, , complaints, answers, lifeLine] = child.stdio as unknown as Pipes;
    this.#requests = requests;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once('error', (error) => resolve(error.message));
    // Told by the process's end, with the reason.
    requests.on('error', () => undefined);
    answers.on('error', () => undefined);
    lifeLine.on('error', () => undefined);
    answers.on('data', (piece: Uint8Array) => this.#take(piece));
    logComplaints(deps.logger, complaints);
    // Never rejects.
    void this.ended.then((how) => {
      const { modulePath } = options;
      this.#fail(new ModuleCrashedError({ modulePath, how }));
    });
  }

  /** Starts the process; whether that worked shows with the first question. */
  static start(deps: ModuleChildDeps, options: ModuleChildOptions): ModuleChild {
    const main = fileURLToPath(options.main ?? MAIN);
    // As undebuggable as the signer itself (S17): the PIN is in there.
    const flags = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning'];
    const child = spawn(process.execPath, [...flags, main], {
      // Requests, the library's chatter, its complaints, answers, and what ends with this process.
      stdio: ['pipe', 'ignore', 'pipe', 'pipe', 'pipe'],
      env: childEnvironment(options.environment),
    });
    return new ModuleChild(deps, options, child);
  }

  /** Whether it can be asked anything. */
  get isUsable(): boolean {
    return this.#fault === undefined;
  }

  /** `undefined` when it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /**
   * Sends one frame, zeroes it (it may hold a secret), and resolves with the next that comes.
   *
   * @throws {ModuleCrashedError} ERR_PKCS11_MODULE_CRASHED
   * @throws {UnexpectedAnswerError} ERR_PKCS11_UNEXPECTED_ANSWER
   */
  ask(frame: Uint8Array): Promise<Frame> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    const waiting = Promise.withResolvers<Frame>();
    this.#waiting = waiting;
    this.#requests.write(frame, () => frame.fill(0));
    return waiting.promise;
  }

  /** SIGKILL, the one thing that ends a hanging call (S32). Resolves when the process has ended. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  #take(piece: Uint8Array): void {
    try {
      for (const frame of this.#decoder.push(piece)) this.#answer(frame);
    } catch (error) {
      this.#fail(
        error instanceof Error ? error : new UnexpectedAnswerError({ reason: String(error) }),
      );
    }
  }

  #answer(frame: Frame): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      throw new UnexpectedAnswerError({ reason: 'an answer nobody asked for' });
    }
    this.#waiting = undefined;
    waiting.resolve(frame);
  }

  #fail(fault: Error): void {
    this.#fault ??= fault;
    this.#waiting?.reject(this.#fault);
    this.#waiting = undefined;
    // What it says from here on is not listened to.
    this.#process.kill('SIGKILL');
  }
}

function childEnvironment(own: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  // Compiled modules come from the signer's own folder or from none (S19); a third of the time to start.
  const node = { NODE_OPTIONS: undefined, NODE_COMPILE_CACHE: getCompileCacheDir() };
  // biome-ignore lint/style/noProcessEnv: vendors' libraries are configured by the environment
  return { ...process.env, ...node, ...own };
}

/** A library's own words may be all there is to explain a failure. */
function logComplaints(logger: Logger, complaints: Readable): void {
  let lines = 0;
  complaints.on('error', () => undefined);
  complaints.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n')) {
      if (line.trim() === '' || lines >= MAX_LOGGED_LINES) continue;
      lines += 1;
      logger.warn({ line: line.slice(0, MAX_LOGGED_CHARACTERS) }, 'the PKCS#11 module says');
    }
  });
}
