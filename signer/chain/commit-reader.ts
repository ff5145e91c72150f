/** One commit from whichever source has it. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { NodeRpc, SetMember, SignedHeaderFacts } from './node-rpc.ts';
import { hasHash } from './set-changes.ts';

/** `missing`: every source that answered has not got it. `silent`: none answered. */
export type CommitFound =
  | { readonly kind: 'found'; readonly commit: SignedHeaderFacts; readonly rpc: NodeRpc }
  | { readonly kind: 'missing' }
  | { readonly kind: 'silent' };

/** Asks one after the other; of a height below the tip only a final commit counts. */
export async function findCommit(
  rpcs: readonly NodeRpc[],
  wanted: { readonly height: bigint; readonly isFinal: boolean },
  options: AbortOptions,
): Promise<CommitFound> {
  let hasAnswered = false;
  for (const rpc of rpcs) {
    try {
      const commit = await rpc.commit(wanted.height, options);
      hasAnswered = true;
      if (commit === undefined || (wanted.isFinal && !commit.isCanonical)) continue;
      return { kind: 'found', commit, rpc };
    } catch {
      options.signal?.throwIfAborted();
    }
  }
  return { kind: hasAnswered ? 'missing' : 'silent' };
}

/** The set that signed `commit`, as far as it is proven by the header's hash; `undefined` when nobody tells. */
export async function findSet(
  rpcs: readonly NodeRpc[],
  commit: SignedHeaderFacts,
  options: AbortOptions,
): Promise<readonly SetMember[] | undefined> {
  for (const rpc of rpcs) {
    try {
      const members = await rpc.validators(commit.height, options);
      if (members === undefined || hasHash(members, commit.validatorsHash) === false) continue;
      return members;
    } catch {
      options.signal?.throwIfAborted();
    }
  }
  return undefined;
}
