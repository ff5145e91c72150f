/** Where time comes from: injected, so that tests own it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { WaitOptions } from './connector/connector.ts';

/** Time as a dependency. Nothing else in this package reads a clock or sets a timer. */
export interface Clock {
  /** Milliseconds that only grow, from an arbitrary start. */
  monotonicMs(): number;
  /** Resolves after `ms` milliseconds. Rejects with `signal.reason` on abort. */
  sleep(ms: number, options?: WaitOptions): Promise<void>;
  /** A signal that aborts after `ms` milliseconds, unless it is disposed before. */
  deadline(ms: number): Deadline;
}

/** A signal that aborts by itself, until disposed. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** The machine's own clock. */
export const systemClock: Clock = {
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
    const timer = setTimeout(
      () => controller.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')),
      ms,
    );
    return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
