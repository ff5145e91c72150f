/** A PKCS#11 module behind a process that is expendable (S32): a line of requests, and deadlines. */
import type { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { readPassphraseFile } from '../file/secret-file.ts';
import { remedyOf } from '../key-provider.ts';
import { type ModuleAnswer, readAnswer } from './module-answers.ts';
import { ModuleChild } from './module-child.ts';
import { ModuleClosedError, ModuleTimeoutError } from './module-errors.ts';
import { encodeFrame } from './module-frames.ts';
import type { ModuleRequest, RequestName } from './module-protocol.ts';
import { RequestLine, type Turn } from './request-line.ts';

/** Collaborators of {@link ModuleProcess}. */
export interface ModuleProcessDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The token a process is logged in to, from its start on. */
export interface TokenLogin {
  /** The token's label. */
  readonly token: string;
  /** File with the PIN; one trailing newline is dropped (S18). Read once, at the first start. */
  readonly pinFile: string;
  /** Whether keys are to be made. @default false */
  readonly isReadWrite?: boolean | undefined;
}

/** What runs in the process, and its limits. */
export interface ModuleProcessOptions {
  /** The vendor's library. */
  readonly modulePath: string;
  /** Without it, only tokens can be listed. */
  readonly login?: TokenLogin | undefined;
  /** Added to the environment of the process: libraries are configured by it (`SOFTHSM2_CONF`). No secrets. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** From the start of the process to the end of the login. @default 10000 */
  readonly startTimeoutMs?: number | undefined;
  /** How many requests may wait in line; more are refused. @default 64 */
  readonly maxQueued?: number | undefined;
  /** Another program in the process. For tests. */
  readonly main?: URL | undefined;
}

/** How one request is made. */
export interface RunOptions extends AbortOptions {
  /** From dispatch, when the module gets it, to the answer; beyond it the process is killed (S28, S32). */
  readonly timeoutMs: number;
  /** In line before that, and while the process starts. */
  readonly queueTimeoutMs: number;
  /** What goes with the request: a message, a seed. */
  readonly body?: Uint8Array | undefined;
}

/** How long a process that is to end may take. */
const CLOSE_TIMEOUT_MS = 2_000;

/** A request, ready to be sent. */
interface Question {
  readonly id: number;
  readonly name: RequestName;
  /** Zeroed once it is sent. */
  readonly frame: Uint8Array;
  readonly timeoutMs: number;
}

/**
 * One module, one request at a time. The first request starts the process. It is killed at a
 * request's deadline, and after every fault that time alone may mend: a token that is gone, an answer
 * that cannot be. If it had been of use before, it is then started anew at once, so that the next
 * request need not wait for that. An abort ends the waiting only.
 *
 * Runs one loop, {@link #work}, while there is a request or a process to replace. Disposal waits for
 * the request under way, which its own deadline ends.
 *
 * A PIN that was refused ends it for good: the module is never asked for anything again.
 */
export class ModuleProcess implements AsyncDisposable {
  readonly #deps: ModuleProcessDeps;
  readonly #options: ModuleProcessOptions;
  readonly #line: RequestLine<Question, ModuleAnswer<RequestName>>;
  readonly #shutdown = new AbortController();
  #working: Promise<void> | undefined;
  #child: ModuleChild | undefined;
  /** Whether the process has answered a request since it was started. */
  #isProven = false;
  #isToBeReplaced = false;
  #pin: GuardedBytes | undefined;
  #fatal: Error | undefined;
  #lastId = 0;

  constructor(deps: ModuleProcessDeps, options: ModuleProcessOptions) {
    this.#deps = deps;
    this.#options = options;
    const { maxQueued = 64 } = options;
    this.#line = new RequestLine(
      { clock: deps.clock, onRequest: () => this.#wake() },
      { maxQueued },
    );
  }

  /**
   * Has the module do one thing.
   *
   * @throws the `Pkcs11Error` the module's process answered with, or that kept it from starting.
   * @throws {ModuleTimeoutError} ERR_PKCS11_MODULE_TIMEOUT
   * @throws {ModuleCrashedError} ERR_PKCS11_MODULE_CRASHED
   * @throws {UnexpectedAnswerError} ERR_PKCS11_UNEXPECTED_ANSWER
   * @throws {ModuleBusyError} ERR_PKCS11_BUSY: the module never got it.
   * @throws {ModuleClosedError} ERR_PKCS11_CLOSED
   * @throws what is wrong with the PIN file.
   */
  async run<Request extends ModuleRequest>(
    request: Request,
    options: RunOptions,
  ): Promise<ModuleAnswer<Request['do']>> {
    options.signal?.throwIfAborted();
    if (this.#shutdown.signal.aborted) throw this.#closedError();
    if (this.#fatal !== undefined) throw this.#fatal;
    const question = this.#question(request, options);
    const answer = await this.#line.enter(question, options);
    return answer as ModuleAnswer<Request['do']>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    this.#line.refuseAll(this.#closedError());
    await this.#working;
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined) await this.#close(child);
    this.#pin?.[Symbol.dispose]();
    this.#pin = undefined;
  }

  #wake(): void {
    if (this.#working !== undefined) return;
    this.#working = this.#work().finally(() => {
      this.#working = undefined;
      // Something may have come between its last look and its end.
      if (this.#hasWork()) this.#wake();
    });
  }

  #hasWork(): boolean {
    return !this.#shutdown.signal.aborted && (this.#isToBeReplaced || !this.#line.isEmpty);
  }

  async #work(): Promise<void> {
    while (this.#hasWork()) {
      const child = this.#child ?? (await this.#start());
      const turn = child === undefined ? undefined : this.#line.take();
      if (child === undefined || turn === undefined) continue;
      const fault = await this.#serve(child, turn);
      if (fault !== undefined) await this.#retire(child, fault);
    }
  }

  /** Starts the process. When it cannot be, everybody in line is told why. Never rejects. */
  async #start(): Promise<ModuleChild | undefined> {
    const { startTimeoutMs = 10_000, modulePath } = this.#options;
    this.#isToBeReplaced = false;
    using deadline = this.#deps.clock.deadline(startTimeoutMs);
    const child = ModuleChild.start(this.#deps, this.#options);
    const signal = anySignal(deadline.signal, this.#shutdown.signal);
    try {
      await this.#prepare(child, { signal });
      this.#adopt(child);
      return child;
    } catch (cause) {
      await this.#kill(child);
      const fault = this.#shutdown.signal.aborted
        ? this.#closedError()
        : deadline.signal.aborted
          ? new ModuleTimeoutError({ modulePath, request: 'start', limitMs: startTimeoutMs })
          : cause;
      this.#noteFatal(fault);
      this.#line.refuseAll(fault);
      return undefined;
    }
  }

  /** Loads the module and logs in. */
  async #prepare(child: ModuleChild, options: AbortOptions): Promise<void> {
    const { modulePath, login } = this.#options;
    // First of all: no process for a PIN that cannot be read.
    const pin = login === undefined ? undefined : this.#readPin(login);
    const ask = async (question: Question): Promise<void> => {
      const frame = await abortable(child.ask(question.frame), options);
      readAnswer(frame, question);
    };
    await ask(this.#question({ do: 'load', modulePath }));
    if (login === undefined || pin === undefined) return;
    const { token, isReadWrite = false } = login;
    const logIn = { do: 'log-in', token, isReadWrite } as const;
    await ask(pin.use((body) => this.#question(logIn, { body })));
  }

  #readPin(login: TokenLogin): GuardedBytes {
    this.#pin ??= readPassphraseFile(login.pinFile);
    return this.#pin;
  }

  #adopt(child: ModuleChild): void {
    this.#child = child;
    this.#isProven = false;
    const { modulePath } = this.#options;
    this.#deps.logger.info({ modulePath, pid: child.pid }, 'PKCS#11 module started');
    // Never rejects. It may end while nobody asks it for anything.
    void child.ended.then((how) => {
      if (!this.#lose(child)) return;
      this.#deps.logger.warn({ modulePath, how }, 'the process of the PKCS#11 module ended');
      this.#wake();
    });
  }

  /** Asks, and answers the asker. What makes the process of no more use is returned. Never rejects. */
  async #serve(
    child: ModuleChild,
    turn: Turn<Question, ModuleAnswer<RequestName>>,
  ): Promise<unknown> {
    const { frame, timeoutMs, name } = turn.request;
    const { modulePath } = this.#options;
    using deadline = this.#deps.clock.deadline(timeoutMs);
    try {
      const answer = await abortable(child.ask(frame), { signal: deadline.signal });
      turn.resolve(readAnswer(answer, turn.request));
      this.#isProven = true;
      return undefined;
    } catch (cause) {
      const error = deadline.signal.aborted
        ? new ModuleTimeoutError({ modulePath, request: name, limitMs: timeoutMs }, { cause })
        : cause;
      turn.reject(error);
      this.#noteFatal(error);
      const isSpent = deadline.signal.aborted || isSpentAfter(error) || !child.isUsable;
      return isSpent ? error : undefined;
    }
  }

  async #retire(child: ModuleChild, fault: unknown): Promise<void> {
    if (this.#lose(child)) {
      const { modulePath } = this.#options;
      const fields = { modulePath, pid: child.pid, code: errorCode(fault) };
      this.#deps.logger.warn(fields, 'PKCS#11 module killed');
    }
    await this.#kill(child);
  }

  /** Whether it was the one in use; it is none from here on. */
  #lose(child: ModuleChild): boolean {
    if (this.#child !== child) return false;
    this.#child = undefined;
    this.#isToBeReplaced = this.#isProven && this.#fatal === undefined;
    return true;
  }

  #noteFatal(error: unknown): void {
    if (!(error instanceof Error) || remedyOf(error) !== 'restart') return;
    this.#fatal = error;
    this.#isToBeReplaced = false;
    this.#deps.logger.error({ code: errorCode(error) }, error.message);
    this.#line.refuseAll(error);
  }

  /** Lets the module end its session, if it is quick. */
  async #close(child: ModuleChild): Promise<void> {
    using deadline = this.#deps.clock.deadline(CLOSE_TIMEOUT_MS);
    const { frame } = this.#question({ do: 'close' });
    try {
      await abortable(child.ask(frame), { signal: deadline.signal });
    } catch {
      // It is killed all the same.
    }
    await this.#kill(child);
  }

  async #kill(child: ModuleChild): Promise<void> {
    using deadline = this.#deps.clock.deadline(CLOSE_TIMEOUT_MS);
    try {
      await abortable(child.kill(), { signal: deadline.signal });
    } catch {
      this.#deps.logger.error({ pid: child.pid }, 'a killed PKCS#11 module does not end');
    }
  }

  #question(
    request: ModuleRequest,
    options: { readonly body?: Uint8Array | undefined; readonly timeoutMs?: number } = {},
  ): Question {
    this.#lastId += 1;
    const { body, timeoutMs = Number.POSITIVE_INFINITY } = options;
    const id = this.#lastId;
    return { id, name: request.do, frame: encodeFrame({ id, request }, body), timeoutMs };
  }

  #closedError(): ModuleClosedError {
    return new ModuleClosedError({ modulePath: this.#options.modulePath });
  }
}

/**
 * Whether the process is of no more use after this answer. What a new session could mend has been
 * tried in it; what time mends may need a module that begins anew: SoftHSM, once its token was out,
 * answers CKR_GENERAL_ERROR for good. The faults that a person mends are no reason to disturb others.
 */
function isSpentAfter(error: unknown): boolean {
  return remedyOf(error) !== 'repair';
}
