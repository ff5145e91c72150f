/** One at a time, in the order of asking, and not more than so many waiting. */
import type { WaitOptions } from './connector/connector.ts';

interface Waiter {
  readonly admit: () => void;
}

/**
 * Lets one holder through at a time. Its line is bounded: who comes when it is full is turned away at
 * once, since whoever waits behind so many would wait too long anyway. Who gives up leaves the line
 * and never gets a turn.
 */
export class Turnstile {
  readonly #maxWaiting: number;
  readonly #line: Waiter[] = [];
  #isTaken = false;

  /** `maxWaiting` does not count the one whose turn it is. */
  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Whether it is somebody's turn. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** A turn, to be disposed once when it is over; `undefined` when the line is full. Rejects with `signal.reason`. */
  enter(options: WaitOptions = {}): Promise<Disposable> | undefined {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.#isTaken) {
      this.#isTaken = true;
      return Promise.resolve(this.#turn());
    }
    if (this.#line.length >= this.#maxWaiting) return undefined;
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
    const onAbort = (): void => {
      this.#line.splice(this.#line.indexOf(waiter), 1);
      reject(signal?.reason);
    };
    const waiter: Waiter = {
      admit: () => {
        signal?.removeEventListener('abort', onAbort);
        resolve(this.#turn());
      },
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#line.push(waiter);
    return promise;
  }

  #turn(): Disposable {
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        const next = this.#line.shift();
        if (next === undefined) this.#isTaken = false;
        else next.admit();
      },
    };
  }
}
