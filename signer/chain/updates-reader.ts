/** The validator updates of one block, from whatever a node has of it. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import type { NodeRpc, PowerUpdate } from './node-rpc.ts';
import { NodeRpcError } from './node-rpc-errors.ts';
import { provenUpdates } from './set-changes.ts';

/** A node may tell of a block a moment before it gives its results. */
const EARLY_RETRY_MS = 20;

/** For so long. After that they are not kept. */
const EARLY_LIMIT_MS = 1_000;

/** While it does not answer, or not what was asked for. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

/** Answers in a row that make no sense before the sets are asked instead. */
const MAX_SENSELESS = 5;

/** Collaborators of {@link readUpdates}. */
export interface UpdatesReaderDeps {
  readonly rpc: NodeRpc;
  readonly clock: Clock;
  /** The newest height the source has told of. */
  readonly tip: () => bigint;
  /** Resolves when {@link UpdatesReaderDeps.tip} is at least `height`. */
  readonly untilTip: (height: bigint, options: AbortOptions) => Promise<void>;
}

/**
 * The updates of block `height`, which the source has told of. It does not give up while the source
 * is gone; `undefined` only where neither results nor the sets around the block are kept.
 *
 * Without results the sets of `height + 1` and `height + 2` tell the same a block later, proven by
 * the hashes in the header of `height + 1`.
 */
export async function readUpdates(
  deps: UpdatesReaderDeps,
  height: bigint,
  options: AbortOptions,
): Promise<readonly PowerUpdate[] | undefined> {
  const { rpc, clock } = deps;
  const startMs = clock.monotonicMs();
  let senseless = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      const updates = await rpc.powerUpdates(height, options);
      if (updates !== undefined) return updates;
      // Of the newest block they may still come; of an older one they would be there.
      const isNew = height >= deps.tip() && clock.monotonicMs() - startMs < EARLY_LIMIT_MS;
      if (!isNew) return await readFromSets(deps, height, options);
      await clock.sleep(EARLY_RETRY_MS, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      const kind = error instanceof NodeRpcError ? error.kind : 'answer';
      if (kind === 'answer') senseless += 1;
      if (senseless === MAX_SENSELESS) return await readFromSets(deps, height, options);
      const isEarly = kind === 'ahead' && clock.monotonicMs() - startMs < EARLY_LIMIT_MS;
      const delayMs = isEarly ? EARLY_RETRY_MS : Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** attempt);
      await clock.sleep(delayMs, options);
    }
  }
}

async function readFromSets(
  deps: UpdatesReaderDeps,
  height: bigint,
  options: AbortOptions,
): Promise<readonly PowerUpdate[] | undefined> {
  const { rpc, clock } = deps;
  await deps.untilTip(height + 1n, options);
  for (let attempt = 0; ; attempt++) {
    try {
      const [block, next] = await rpc.headers(height, height + 1n, options);
      if (block === undefined || next === undefined) return undefined;
      if (equalBytes(block.nextValidatorsHash, next.nextValidatorsHash)) return [];
      const [before, after] = await Promise.all([
        rpc.validators(height + 1n, options),
        rpc.validators(height + 2n, options),
      ]);
      if (before === undefined || after === undefined) return undefined;
      return provenUpdates(next, { before, after });
    } catch {
      options.signal?.throwIfAborted();
      await clock.sleep(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** attempt), options);
    }
  }
}
