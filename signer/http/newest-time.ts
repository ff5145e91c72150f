/** The highest time ever seen: by this clock, or by whoever wrote the home. A clock that is set back revives nothing. */
import type { Clock } from '@privval/proto/runtime/clock';
import type { HomeTables } from '../guard/home-transaction.ts';

/** @returns a function that tells it, in milliseconds since 1970 */
export function newestTime(deps: {
  readonly clock: Clock;
  readonly tables?: HomeTables | undefined;
}): () => number {
  const { clock, tables } = deps;
  let newestMs = 0;
  return () => {
    const [row] = tables?.read('SELECT newest_time_ms FROM home', [], 1) ?? [];
    newestMs = Math.max(newestMs, clock.now(), Number(row?.['newest_time_ms'] ?? 0));
    return newestMs;
  };
}
