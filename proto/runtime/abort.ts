/** One way to cancel: every function that can wait takes these as its last argument. */
export interface AbortOptions {
  /** Ends the waiting. The promise rejects with `signal.reason`, unwrapped. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits for `promise` no longer than until `signal` aborts; then rejects with `signal.reason`.
 * The work behind the promise goes on: its late outcome is observed (never unhandled) and dropped.
 */
export async function abortable<T>(promise: Promise<T>, options: AbortOptions): Promise<T> {
  const { signal } = options;
  if (signal === undefined) return promise;
  if (signal.aborted) {
    promise.catch(() => undefined);
    throw signal.reason;
  }
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The signals given, as one; `undefined` members are left out. No signal at all gives `undefined`. */
export function anySignal(
  ...signals: readonly (AbortSignal | undefined)[]
): AbortSignal | undefined {
  const present = signals.filter((signal) => signal !== undefined);
  return present.length <= 1 ? present[0] : AbortSignal.any(present);
}
