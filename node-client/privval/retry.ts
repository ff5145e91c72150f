/** How often a node asks its signer again (spec/privval.md 3.3). */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** How often, and how long in between. */
export interface RetryPolicy {
  /** Attempts in all, at least 1. */
  readonly attempts: number;
  /** Wait between two of them. */
  readonly delayMs: number;
}

/** What stock nodes do around each call: 50 attempts, 100 ms apart. */
export const STOCK_RETRY: RetryPolicy = { attempts: 50, delayMs: 100 };

/** Every attempt failed; `cause` is the fault of the last one. */
export class RemoteSignerUnreachableError extends CodedError {
  override readonly name = 'RemoteSignerUnreachableError';
  readonly code = 'ERR_REMOTE_SIGNER_UNREACHABLE';
  readonly attempts: number;

  constructor(attempts: number, options: ErrorOptions) {
    const last = options.cause instanceof Error ? `: ${options.cause.message}` : '';
    super(`the remote signer did not answer in ${attempts} attempts${last}`, options);
    this.attempts = attempts;
  }
}

/**
 * Runs `attempt` until it succeeds, throws something `isTransient` says no to, or the policy is
 * used up. Rejects with `signal.reason` on abort, between two attempts too.
 *
 * @throws {RemoteSignerUnreachableError} ERR_REMOTE_SIGNER_UNREACHABLE after the last of several attempts;
 *   with one attempt its own fault.
 */
export async function retry<T>(
  deps: {
    readonly clock: Clock;
    readonly isTransient: (error: unknown) => boolean;
    readonly attempt: () => Promise<T>;
  },
  options: RetryPolicy & AbortOptions,
): Promise<T> {
  for (let failed = 1; ; failed++) {
    try {
      return await deps.attempt();
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!deps.isTransient(error) || options.attempts <= 1) throw error;
      if (failed >= options.attempts) {
        throw new RemoteSignerUnreachableError(failed, { cause: error });
      }
    }
    await deps.clock.sleep(options.delayMs, { signal: options.signal });
  }
}
