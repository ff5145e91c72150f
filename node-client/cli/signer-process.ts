/** The real signer, run as a user runs it: the command, its exit code, its log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import { type Clock, DeadlineError } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** The command as `npm install` links it. */
const SIGNER_BIN: string = fileURLToPath(
  new URL('../../node_modules/.bin/signer', import.meta.url),
);

/** Longest time a signer may take to stop; it promises less than a second. */
const STOP_DEADLINE_MS = 5_000;

/** Lines of a log that are shown when something went wrong. */
const LAST_LINES = 10;

/** A signer command did not end well. */
export class SignerCommandError extends CodedError {
  override readonly name = 'SignerCommandError';
  readonly code = 'ERR_SIGNER_COMMAND';
  /** What it said last. */
  readonly output: string;

  constructor(what: string, options: ErrorOptions & { readonly output: string }) {
    super(what, options);
    this.output = options.output;
  }
}

/** How a process ended. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs `signer ARGS` to its end. @returns what it printed.
 * @throws {SignerCommandError} ERR_SIGNER_COMMAND when it cannot run or its exit code is not 0.
 */
export async function runSigner(
  args: readonly string[],
  options: AbortOptions = {},
): Promise<string> {
  const child = spawn(SIGNER_BIN, [...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const name = `signer ${args.slice(0, 2).join(' ')}`;
  try {
    await once(child, 'close');
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new SignerCommandError(`cannot run ${name}`, { output: errors, cause });
  }
  if (child.exitCode === 0) return output;
  throw new SignerCommandError(`${name} ended with exit code ${child.exitCode}`, {
    output: errors || output,
  });
}

/** A running `signer serve`. Its log goes to a file; disposing stops it. */
export class SignerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #logFile: string;
  /** Settles when the process has ended; never rejects. */
  readonly ended: Promise<ProcessEnd>;

  private constructor(child: ChildProcess, clock: Clock, logFile: string) {
    this.#child = child;
    this.#clock = clock;
    this.#logFile = logFile;
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
    child.once('error', () => resolve({ exitCode: null, signal: null }));
    this.ended = promise;
  }

  /** Starts `signer ARGS` with its output going to `logFile`. */
  static async start(
    deps: { readonly clock: Clock },
    options: { readonly args: readonly string[]; readonly logFile: string },
  ): Promise<SignerProcess> {
    await using log = await open(options.logFile, 'a', 0o600);
    // A group of its own: Ctrl-C at the terminal would reach it along with us, our own request to
    // stop would be its second signal, and at the second it drops what it is doing.
    const child = spawn(SIGNER_BIN, [...options.args], {
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    return new SignerProcess(child, deps.clock, options.logFile);
  }

  /** Asks it to stop, and kills it when it does not. */
  async stop(): Promise<ProcessEnd> {
    this.#child.kill('SIGTERM');
    using deadline = this.#clock.deadline(STOP_DEADLINE_MS);
    try {
      return await abortable(this.ended, { signal: deadline.signal });
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      this.#child.kill('SIGKILL');
      return this.ended;
    }
  }

  /** The end of its log. */
  async lastLines(): Promise<string> {
    const text = await readFile(this.#logFile, 'utf8');
    return text.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
