/** How many requests a caller may make: token buckets over a bounded number of callers. */
import type { Clock } from '@privval/proto/runtime/clock';

/** As many callers are remembered; the one that was silent longest is forgotten first. */
const MAX_SOURCES = 1_024;

/** What a bucket gives. */
export interface RateLimit {
  readonly perSecond: number;
  /** At once, after a pause. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * One limit, for each source apart. A source that was forgotten begins with a full bucket: with more
 * sources than are remembered the limit over all of them is what holds.
 */
export class RateLimiter {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #limit: RateLimit;
  readonly #buckets = new Map<string, Bucket>();

  constructor(deps: { readonly clock: Pick<Clock, 'monotonicMs'> }, limit: RateLimit) {
    this.#clock = deps.clock;
    this.#limit = limit;
  }

  /** Takes one request of `source`. @returns 0, or the whole seconds until there is another. */
  take(source: string): number {
    const { perSecond, burst } = this.#limit;
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(source) ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * perSecond);
    bucket.atMs = nowMs;
    // Behind the others in the map's order: the first one is the one that was silent longest.
    this.#buckets.delete(source);
    this.#buckets.set(source, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_SOURCES) break;
      this.#buckets.delete(oldest);
    }
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
  }

  /** Sources remembered now. */
  get size(): number {
    return this.#buckets.size;
  }
}
