/** Several signals as one, for the length of one wait. */

/** Aborts with the reason of the first that does; dispose it when the wait is over. */
export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal;
  /** Aborts by itself, unless one of the others did before. */
  abort(reason: unknown): void;
}

/**
 * The signals given, as one. Unlike `AbortSignal.any` it leaves nothing behind at signals that live
 * as long as the process does.
 */
export function linkSignals(...signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const abort = (reason: unknown): void => controller.abort(reason);
  const links: (() => void)[] = [];
  for (const signal of signals) {
    if (signal === undefined) continue;
    const onAbort = (): void => abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    links.push(() => signal.removeEventListener('abort', onAbort));
  }
  return {
    signal: controller.signal,
    abort,
    [Symbol.dispose]: () => {
      for (const unlink of links) unlink();
    },
  };
}

/**
 * Waits for `promise` no longer than until `signal` aborts; then rejects with its reason. The late
 * outcome of the promise is observed and dropped.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    const isOver = (): void => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => {
        isOver();
        resolve(value);
      },
      (error: unknown) => {
        isOver();
        reject(error);
      },
    );
  });
}
