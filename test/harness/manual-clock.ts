/** Time that stands still until a test moves it. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { type Clock, type Deadline, DeadlineError } from '@privval/proto/runtime/clock';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

/**
 * A {@link Clock} for tests. `monotonicMs` starts at 0 and moves only by {@link ManualClock.advance};
 * `now` moves along with it, and by {@link ManualClock.setNow} for the tests of a wrong wall clock.
 */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  #wallOffsetMs: number;
  #timers: Timer[] = [];
  readonly #arming: PromiseWithResolvers<void>[] = [];

  constructor(options: { readonly nowMs?: number } = {}) {
    this.#wallOffsetMs = options.nowMs ?? Date.UTC(2026, 0, 1);
  }

  now(): number {
    return this.#wallOffsetMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  async sleep(ms: number, options: AbortOptions = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) throw signal.reason;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = this.#arm(ms, resolve);
    const onAbort = (): void => {
      this.#disarm(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  deadline(ms: number): Deadline {
    const controller = new AbortController();
    const timer = this.#arm(ms, () => controller.abort(new DeadlineError(ms)));
    return { signal: controller.signal, [Symbol.dispose]: () => this.#disarm(timer) };
  }

  /** Sleeps and deadlines that have not fired: 0 when nothing was left behind. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Milliseconds until the next of them; `undefined` when there is none. */
  get nextInMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.atMs - this.#elapsedMs;
  }

  /** Resolves when at least one sleep or deadline is pending: the code under test has come to its wait. */
  async untilPending(): Promise<void> {
    if (this.#timers.length > 0) return;
    const arming = Promise.withResolvers<void>();
    this.#arming.push(arming);
    await arming.promise;
  }

  /** Sets the wall clock alone, forwards or backwards. */
  setNow(nowMs: number): void {
    this.#wallOffsetMs = nowMs - this.#elapsedMs;
  }

  /**
   * Moves time on by `ms`, firing what falls due in order, and lets the code that waited for each
   * run before the next: timers it sets within the span fire too.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    for (;;) {
      const timer = this.#next();
      if (timer === undefined || timer.atMs > endMs) break;
      this.#disarm(timer);
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.atMs);
      timer.fire();
      await turnOfTheLoop();
    }
    this.#elapsedMs = endMs;
    await turnOfTheLoop();
  }

  #arm(ms: number, fire: () => void): Timer {
    const timer = { atMs: this.#elapsedMs + Math.max(0, ms), fire };
    this.#timers.push(timer);
    for (const arming of this.#arming.splice(0)) arming.resolve();
    return timer;
  }

  #disarm(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  #next(): Timer | undefined {
    return this.#timers.reduce<Timer | undefined>(
      (first, timer) => (first === undefined || timer.atMs < first.atMs ? timer : first),
      undefined,
    );
  }
}

/** One turn of the event loop: promise reactions, then I/O that is ready. */
function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
