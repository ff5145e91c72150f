/** Several signals as one, for the length of one wait. */

/** Aborts with the reason of the first that does; dispose it when the wait is over. */
export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * The signals given, as one. Unlike `AbortSignal.any` it leaves nothing behind at signals that live
 * as long as the process does.
 */
export function linkSignals(...signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const links: (() => void)[] = [];
  for (const signal of signals) {
    if (signal === undefined) continue;
    const onAbort = (): void => controller.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    links.push(() => signal.removeEventListener('abort', onAbort));
  }
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const unlink of links) unlink();
    },
  };
}

/**
 * Waits for `promise` no longer than until `signal` aborts; then rejects with its reason. The late
 * outcome of the promise is observed and dropped.
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined);
  if (signal.aborted) throw signal.reason;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
