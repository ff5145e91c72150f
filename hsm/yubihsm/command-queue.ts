/** One command at a time, each with two limits: for its turn, and for its answer. */
import {
  ClientClosedError,
  CommandTimeoutError,
  QueueFullError,
  QueueTimeoutError,
} from './client-errors.ts';
import type { Clock } from './clock.ts';
import type { WaitOptions } from './connector/connector.ts';
import { linkSignals } from './linked-signal.ts';
import { Turnstile } from './turnstile.ts';

/** How long a command may take. */
export interface CommandLimits extends WaitOptions {
  /** Milliseconds for the command itself, from its turn on; a session that must be opened first counts. */
  readonly commandTimeoutMs: number;
  /** Milliseconds for which it may wait for its turn. */
  readonly queueTimeoutMs: number;
}

/** One command's turn. */
export interface Turn {
  /** Ends with the command's time, its caller, or the queue. */
  readonly signal: AbortSignal;
  /** When its time is over, on the clock's `monotonicMs`. */
  readonly endsAtMs: number;
  /** To be set once its frame may be at the device: tells time-outs apart. */
  isSent: boolean;
}

/** Who waits is let in one by one, in order; who has given up is never let in. */
export class CommandQueue {
  readonly #clock: Clock;
  readonly #maxQueued: number;
  readonly #turnstile: Turnstile;
  /** Aborted when nobody is to wait any more. */
  readonly #closing = new AbortController();
  /** Ends the turn there is by force. */
  #endTurn: (() => void) | undefined;

  constructor(clock: Clock, maxQueued: number) {
    this.#clock = clock;
    this.#maxQueued = maxQueued;
    // One more place, so that closing finds room.
    this.#turnstile = new Turnstile(maxQueued + 1);
  }

  /** Commands that wait for their turn. */
  get waiting(): number {
    return this.#turnstile.waiting;
  }

  /**
   * Does `work` when it is its turn.
   *
   * @throws {QueueFullError} ERR_YUBIHSM_QUEUE_FULL at once.
   * @throws {QueueTimeoutError} ERR_YUBIHSM_QUEUE_TIMEOUT; `work` never began.
   * @throws {CommandTimeoutError} ERR_YUBIHSM_COMMAND_TIMEOUT
   * @throws {ClientClosedError} ERR_YUBIHSM_CLIENT_CLOSED
   */
  async run<T>(
    command: string,
    limits: CommandLimits,
    work: (turn: Turn) => Promise<T>,
  ): Promise<T> {
    using _place = await this.#enter(command, limits);
    this.#expectOpen();
    const { commandTimeoutMs: limitMs } = limits;
    using deadline = this.#clock.deadline(limitMs);
    using ending = linkSignals(limits.signal);
    const endsAtMs = this.#clock.monotonicMs() + limitMs;
    const turn: Turn = { signal: ending.signal, endsAtMs, isSent: false };
    deadline.signal.addEventListener('abort', () => {
      const { reason: cause } = deadline.signal;
      ending.abort(new CommandTimeoutError(command, { limitMs, mayHaveRun: turn.isSent, cause }));
    });
    this.#endTurn = () => ending.abort(new ClientClosedError(turn.isSent));
    try {
      return await work(turn);
    } finally {
      this.#endTurn = undefined;
    }
  }

  /**
   * Lets nobody in any more and turns those away that wait; then does `last` when the command under
   * way has ended. All of it takes `graceMs`: what is under way then is ended by force, and the signal
   * of `last` aborted.
   */
  async close(graceMs: number, last: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#closing.abort(new ClientClosedError(false));
    using deadline = this.#clock.deadline(graceMs);
    deadline.signal.addEventListener('abort', () => this.#endTurn?.());
    using _place = await this.#turnstile.enter();
    await last(deadline.signal);
  }

  async #enter(
    command: string,
    { signal, queueTimeoutMs }: CommandLimits,
  ): Promise<Disposable | undefined> {
    this.#expectOpen();
    if (signal?.aborted) throw signal.reason;
    if (!this.#turnstile.isTaken) return this.#turnstile.enter();
    if (this.waiting >= this.#maxQueued) throw new QueueFullError(command, this.#maxQueued);
    using deadline = this.#clock.deadline(queueTimeoutMs);
    using linked = linkSignals(signal, this.#closing.signal, deadline.signal);
    try {
      return await this.#turnstile.enter({ signal: linked.signal });
    } catch (cause) {
      if (deadline.signal.aborted && cause === deadline.signal.reason) {
        throw new QueueTimeoutError(command, { limitMs: queueTimeoutMs, cause });
      }
      throw cause;
    }
  }

  #expectOpen(): void {
    if (this.#closing.signal.aborted) throw new ClientClosedError(false);
  }
}
