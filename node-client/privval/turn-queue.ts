/** One at a time, in the order of asking, and no endless crowd at the door. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** So many requests wait already that this one would be answered too late to be of use. */
export class RemoteSignerBusyError extends CodedError {
  override readonly name = 'RemoteSignerBusyError';
  readonly code = 'ERR_REMOTE_SIGNER_BUSY';
  readonly maxWaiting: number;

  constructor(maxWaiting: number) {
    super(`${maxWaiting} requests wait for the remote signer already`);
    this.maxWaiting = maxWaiting;
  }
}

/**
 * A lock with a bounded queue before it. Whoever {@link enter}s holds the turn until they dispose
 * it; the others wait in order. Full: the newcomer is turned away, those who wait keep their place,
 * since the oldest request is the one whose round ends first.
 */
export class TurnQueue {
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  #taken = false;

  constructor(options: { readonly maxWaiting: number }) {
    this.#maxWaiting = options.maxWaiting;
  }

  /** Whether nobody holds the turn: `enter` would resolve at once. */
  get isFree(): boolean {
    return !this.#taken;
  }

  /**
   * Resolves when it is the caller's turn. Rejects with `signal.reason` on abort.
   * @throws {RemoteSignerBusyError} ERR_REMOTE_SIGNER_BUSY when `maxWaiting` wait already.
   */
  async enter(options: AbortOptions = {}): Promise<Disposable> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (!this.#taken) return this.#take();
    if (this.#waiting.size >= this.#maxWaiting) throw new RemoteSignerBusyError(this.#maxWaiting);
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
    const onTurn = (): void => {
      signal?.removeEventListener('abort', onAbort);
      resolve(this.#take());
    };
    const onAbort = (): void => {
      this.#waiting.delete(onTurn);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(onTurn);
    return promise;
  }

  #take(): Disposable {
    this.#taken = true;
    let mine = true;
    return {
      [Symbol.dispose]: () => {
        if (!mine) return;
        mine = false;
        this.#taken = false;
        const [next] = this.#waiting;
        if (next === undefined) return;
        this.#waiting.delete(next);
        next();
      },
    };
  }
}
