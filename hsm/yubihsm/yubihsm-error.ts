/** What every failure of this package has in common. */

/**
 * What ends a fault. `wait`: time does, so trying again later is right. `repair`: a person does, and
 * trying meanwhile does no harm. `restart`: a person does, and trying again does harm or is useless.
 */
export type Remedy = 'wait' | 'repair' | 'restart';

/** Base of every error this package throws on purpose. Match on `code`, never on `message`. */
export abstract class YubiHsmError extends Error {
  /** Stable identifier; the README lists them. */
  abstract readonly code: `ERR_YUBIHSM_${string}`;
  /**
   * Whether the device may have carried the command out, although its answer did not arrive. What
   * is safe to ask again (a deterministic signature over the same bytes) is the caller's knowledge.
   */
  readonly mayHaveRun: boolean = false;
  /** What ends it. */
  readonly remedy: Remedy = 'repair';
}
