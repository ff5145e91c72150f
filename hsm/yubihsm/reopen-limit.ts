/** How fast sessions may be opened. */

/** Sessions that may be opened at once, after a quiet time. The device has 16, for all its clients. */
const BURST = 8;

/** Milliseconds after which one more may be opened. */
const REFILL_MS = 1_000;

/**
 * A lost session cannot be closed: it holds one of the device's 16 until it has been idle for 30 s.
 * Whoever loses sessions again and again (a bad cable, somebody who forges answers) would take them
 * all from everybody. Pure: it is told the time.
 */
export class ReopenLimit {
  #opened = 0;
  #lastMs = 0;

  /** Milliseconds until another session may be opened; 0 for at once. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#opened <= BURST - 1 ? 0 : (this.#opened - (BURST - 1)) * REFILL_MS;
  }

  /** Notes that one was opened, or may have been. */
  opened(nowMs: number): void {
    this.#refill(nowMs);
    this.#opened += 1;
  }

  #refill(nowMs: number): void {
    this.#opened = Math.max(0, this.#opened - (nowMs - this.#lastMs) / REFILL_MS);
    this.#lastMs = nowMs;
  }
}
