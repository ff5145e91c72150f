/** The rule of the chain witness (S36). Pure and synchronous: one commit, what is known, a verdict. */
import { createHash } from 'node:crypto';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import {
  addressFromPublicKey,
  ed25519PublicKey,
  type PublicKey,
} from '@privval/proto/crypto/public-key';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { isValidBlockId, NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import { isValidTimestamp } from '@privval/proto/types/timestamp';
import { comparePositions } from '../guard/hrs.ts';
import type { JudgeCommit, WitnessContext, WitnessVerdict } from './chain-witness.ts';
import type { CommitSignature, SignedHeaderFacts } from './node-rpc.ts';

/** From so many heights on a floor below the tip is worth a note. */
const FAR_BELOW = 100n;

/** {@link JudgeCommit}: nothing counts that does not verify, whoever tells it. */
export const judgeCommit: JudgeCommit = (commit, context) => {
  for (const bytes of context.keys) {
    const key = ed25519PublicKey(bytes);
    const address = addressFromPublicKey(key);
    for (const signature of commit.signatures) {
      if (!equalBytes(signature.address, address)) continue;
      const verdict = judgeSignature(commit, { key, signature }, context);
      if (verdict !== undefined) return verdict;
    }
  }
  const distance = commit.height - context.floor.height;
  return distance > FAR_BELOW ? { kind: 'far-below', distance } : { kind: 'clean' };
};

function judgeSignature(
  commit: SignedHeaderFacts,
  { key, signature }: { readonly key: PublicKey; readonly signature: CommitSignature },
  { chainId, floor, adoptedFloor, holds }: WitnessContext,
): WitnessVerdict | undefined {
  const signBytes = signBytesOf(chainId, commit, signature);
  if (signBytes === undefined || !verifyStrict(key, signBytes, signature.signature))
    return undefined;
  const { height, round } = commit;
  const proof = {
    kind: 'proof',
    height,
    round,
    publicKey: key.bytes,
    signature: signature.signature,
  } as const;
  if (comparePositions({ height, round, step: 'precommit' }, toPosition(floor)) > 0) {
    return { ...proof, finding: 'above-floor' };
  }
  if (height <= adoptedFloor) return undefined;
  const signHash = new Uint8Array(createHash('sha256').update(signBytes).digest());
  return holds({ height, round }, signHash) === 'no'
    ? { ...proof, finding: 'unknown-bytes' }
    : undefined;
}

/** The precommit as it was signed; `undefined` for one that nobody can have signed. */
function signBytesOf(
  chainId: string,
  { height, round, blockId }: SignedHeaderFacts,
  { flag, timestamp }: CommitSignature,
): Uint8Array | undefined {
  const { hash, partSetTotal: total, partSetHash } = blockId;
  const block =
    flag === 'nil' ? NIL_BLOCK_ID : { hash, partSetHeader: { total, hash: partSetHash } };
  if (!isValidBlockId(block) || !isValidTimestamp(timestamp)) return undefined;
  return voteSignBytes(chainId, { type: 'precommit', height, round, blockId: block, timestamp });
}

function toPosition({ height, round, step }: WitnessContext['floor']) {
  return { height, round, step: STEPS[step] ?? 'none' } as const;
}

const STEPS = ['none', 'propose', 'prevote', 'precommit'] as const;
