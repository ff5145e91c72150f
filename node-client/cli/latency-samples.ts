/** Latencies, and the few numbers people read off them. */

/** Latest samples that are kept, so that hours of running cost no more memory than minutes. */
const MAX_SAMPLES = 10_000;

/** Milliseconds; all zero while there are no samples. */
export interface LatencySummary {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The latest 10,000 latencies. */
export class LatencySamples {
  readonly #samples: number[] = [];
  #next = 0;

  /** Adds one, in milliseconds; the oldest goes when there are 10,000. */
  add(ms: number): void {
    this.#samples[this.#next] = ms;
    this.#next = (this.#next + 1) % MAX_SAMPLES;
  }

  /** Median, 99th percentile (nearest rank) and maximum. */
  summary(): LatencySummary {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const rank = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    return { p50Ms: rank(0.5), p99Ms: rank(0.99), maxMs: rank(1) };
  }
}
