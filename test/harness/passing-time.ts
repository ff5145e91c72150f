/** Waiting in a test whose time stands still otherwise. */
import type { ManualClock } from './manual-clock.ts';

/** The outcome of `promise`, while time passes in steps of `stepMs`; and how long it took on the clock. */
export async function whilePassing<T>(
  clock: ManualClock,
  promise: PromiseLike<T>,
  stepMs = 5,
): Promise<{ readonly value?: T; readonly error?: unknown; readonly tookMs: number }> {
  const startMs = clock.monotonicMs();
  let outcome: { readonly value?: T; readonly error?: unknown } | undefined;
  promise.then(
    (value) => {
      outcome = { value };
    },
    (error: unknown) => {
      outcome = { error };
    },
  );
  await clock.advance(0);
  while (outcome === undefined) await clock.advance(stepMs);
  return { ...outcome, tookMs: clock.monotonicMs() - startMs };
}
