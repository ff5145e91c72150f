/** How many blocks were missed: canonical commits without our signature, each counted once. */
import type { ChainView } from '../chain/chain-view.ts';

/** Heights by which commits may come out of order, and what a view keeps. */
const REMEMBERED_HEIGHTS = 512n;

/**
 * Counts by validator, not by chain: two validators on one chain miss each their own blocks. Heights
 * count once, whatever the view reads again after a reconnect. What earlier processes counted is not
 * read again: a view begins where the last process stopped (S36).
 */
export class MissedBlocks {
  readonly #byValidator = new Map<string, { count: number; readonly seen: Set<bigint> }>();

  /** Looks at what `view` knows by now. To be called at least once in 200 blocks. */
  look(view: ChainView): void {
    const tip = view.tip();
    if (tip === undefined) return;
    const kept = this.#keptOf(view.validator);
    const oldest = tip > REMEMBERED_HEIGHTS ? tip - REMEMBERED_HEIGHTS : 0n;
    for (const { height, state, isFinal } of view.attendance(oldest)) {
      if (!isFinal || kept.seen.has(height)) continue;
      kept.seen.add(height);
      if (state === 'absent') kept.count++;
    }
    for (const height of kept.seen) if (height < oldest) kept.seen.delete(height);
  }

  /** Since this process started. */
  of(validator: string): number {
    return this.#byValidator.get(validator)?.count ?? 0;
  }

  #keptOf(validator: string): { count: number; readonly seen: Set<bigint> } {
    const known = this.#byValidator.get(validator);
    if (known !== undefined) return known;
    const fresh = { count: 0, seen: new Set<bigint>() };
    this.#byValidator.set(validator, fresh);
    return fresh;
  }
}
