/** Who was right when sources contradict each other: the next header shows it (S46). */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { HeaderFacts, NodeRpc, PowerUpdate } from './node-rpc.ts';
import { provenUpdates } from './set-changes.ts';

/**
 * The true updates of the block below `height`; `undefined` while that is not shown: the header of
 * `height` has to be told alike by every one of `rpcs`, and the sets have to have its hashes.
 */
export async function settledBy(
  rpcs: readonly NodeRpc[],
  height: bigint,
  options: AbortOptions,
): Promise<readonly PowerUpdate[] | undefined> {
  const header = await agreedHeader(rpcs, height, options);
  if (header === undefined) return undefined;
  for (const rpc of rpcs) {
    const updates = await updatesProvenBy(rpc, header, options);
    if (updates !== undefined) return updates;
  }
  return undefined;
}

/** One that has not come so far is waited for: another one could lie meanwhile. */
async function agreedHeader(
  rpcs: readonly NodeRpc[],
  height: bigint,
  options: AbortOptions,
): Promise<HeaderFacts | undefined> {
  const told = await Promise.all(
    rpcs.map((rpc) => unlessFailed(rpc.headers(height, height, options), options)),
  );
  const headers = told.map((answer) => answer?.[0]);
  const [first] = headers;
  if (first === undefined) return undefined;
  const isAgreed = headers.every(
    (header) =>
      header !== undefined &&
      equalBytes(header.nextValidatorsHash, first.nextValidatorsHash) &&
      equalBytes(header.validatorsHash, first.validatorsHash),
  );
  return isAgreed ? first : undefined;
}

async function updatesProvenBy(
  rpc: NodeRpc,
  next: HeaderFacts,
  options: AbortOptions,
): Promise<readonly PowerUpdate[] | undefined> {
  const [before, after] = await Promise.all([
    unlessFailed(rpc.validators(next.height, options), options),
    unlessFailed(rpc.validators(next.height + 1n, options), options),
  ]);
  if (before === undefined || after === undefined) return undefined;
  return provenUpdates(next, { before, after });
}

async function unlessFailed<T>(
  asked: Promise<T | undefined>,
  options: AbortOptions,
): Promise<T | undefined> {
  try {
    return await asked;
  } catch {
    options.signal?.throwIfAborted();
    return undefined;
  }
}
