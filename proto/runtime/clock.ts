/** Where time comes from. Injected everywhere, so that tests own it (`test/harness/manual-clock.ts`). */
import { setTimeout as delay } from 'node:timers/promises';
import type { AbortOptions } from './abort.ts';

/** Time as a dependency. Nothing else in product code reads a clock or sets a timer. */
export interface Clock {
  /** Wall time in milliseconds since 1970. For logs and file names, never for a decision. */
  now(): number;
  /** Milliseconds that only grow, from an arbitrary start; fractions are meaningful. */
  monotonicMs(): number;
  /** Resolves after `ms` milliseconds. Rejects with `signal.reason` on abort. */
  sleep(ms: number, options?: AbortOptions): Promise<void>;
  /**
   * A deadline: aborts with {@link DeadlineError} after `ms` milliseconds. Dispose it when the
   * wait is over, so that no timer stays behind.
   */
  deadline(ms: number): Deadline;
}

/** A signal that aborts by itself, until disposed. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** A wait took longer than its limit. Which wait: see the error that has this one as `cause`. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  readonly code = 'ERR_DEADLINE';
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, options = {}) {
    const { signal } = options;
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw error;
    }
  },
  deadline(ms) {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new DeadlineError(ms)), ms);
    return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
