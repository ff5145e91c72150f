/** Whether the floor can be made durable, without touching it. */
import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@privval/proto/runtime/clock';
import type { SignStateStore } from '../guard/sign-state-store.ts';

/** A probe's answer holds this long, however many ask. */
const PROBE_INTERVAL_MS = 5_000;

/** A page of the disk: less may fit where a floor does not. */
const PROBE_BYTES = 4_096;

/** Collaborators of {@link StoreHealth}. */
export interface StoreHealthDeps {
  readonly store: SignStateStore;
  readonly clock: Clock;
  /** Writes something where the floor is; rejects when that fails. */
  readonly probe: () => Promise<void>;
}

/**
 * The store's own word, which is the last one, and once in five seconds a probe of the disk: a
 * store that has had nothing to write for a while does not know that its disk is full.
 */
export class StoreHealth {
  readonly #deps: StoreHealthDeps;
  #probed: { readonly isGood: Promise<boolean>; readonly untilMs: number } | undefined;

  constructor(deps: StoreHealthDeps) {
    this.#deps = deps;
  }

  async isWritable(): Promise<boolean> {
    const { store, clock, probe } = this.#deps;
    if (store.fault !== undefined) return false;
    const nowMs = clock.monotonicMs();
    if (this.#probed === undefined || nowMs >= this.#probed.untilMs) {
      const isGood = probe().then(
        () => true,
        () => false,
      );
      this.#probed = { isGood, untilMs: nowMs + PROBE_INTERVAL_MS };
    }
    return (await this.#probed.isGood) && store.fault === undefined;
  }
}

/** A probe of a home's disk: a small file beside the floor, never the floor itself (S13). Not synced: a vote may wait for the disk. */
export function probeOf(home: string): () => Promise<void> {
  const path = join(home, 'http.probe');
  return async () => {
    await writeFile(path, new Uint8Array(PROBE_BYTES), { mode: 0o600 });
    await unlink(path);
  };
}
