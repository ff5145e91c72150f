/** What is refused before the guard is asked: nothing here reserves a position. Pure. */
import { UnsignableMessageError } from '@privval/proto/codec/sign-bytes';
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { isNilBlockId } from '@privval/proto/types/block-id';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { Vote } from '@privval/proto/types/vote';
import { type Hrs, isValidPosition, MAX_ROUND, STEP_NUMBER } from '../guard/hrs.ts';

/** FilePV's words for it (spec/privval.md 5.6); operators find them in its documentation. */
const UNEXPECTED_EXTENSION =
  'unexpected vote extension - extensions are only allowed in non-nil precommits';

/** Whether a vote gets a second signature, over its extension: every precommit for a block does. */
export function isExtensible(vote: Vote): boolean {
  return vote.type === 'precommit' && !isNilBlockId(vote.blockId);
}

/** An extension where none can be (S21). */
export function refuseUnexpectedExtension(vote: Vote): Refusal | undefined {
  if (isExtensible(vote) || vote.extension.length === 0) return undefined;
  return {
    kind: 'refused',
    reason: 'unexpected-extension',
    code: 'ERR_UNEXPECTED_EXTENSION',
    text: UNEXPECTED_EXTENSION,
  };
}

/** A request for another chain than the validator's (S24). */
export function refuseOtherChain(asked: string, own: ChainId): Refusal | undefined {
  if (asked === own) return undefined;
  return {
    kind: 'refused',
    reason: 'wrong-chain',
    code: 'ERR_WRONG_CHAIN',
    text: wrongChainText(asked, own),
  };
}

/** Why another chain is not served, for a person. */
export function wrongChainText(asked: string, own: ChainId): string {
  return `this validator signs for chain ${JSON.stringify(own)}, not for ${JSON.stringify(asked)}`;
}

/**
 * A height, round or step the protocol does not have. Wire decoders refuse them long before; sign
 * bytes built from one would be those of another position.
 */
export function refuseInvalidPosition(at: Hrs, polRound = 0): Refusal | undefined {
  const isPolRound = Number.isInteger(polRound) && polRound >= -1 && polRound <= MAX_ROUND;
  if (isValidPosition(at) && STEP_NUMBER[at.step] !== 0 && isPolRound) return undefined;
  return {
    kind: 'refused',
    reason: 'invalid-request',
    code: 'ERR_INVALID_POSITION',
    text: `no such position to sign at: height ${at.height}, round ${at.round}, step ${at.step}, POL round ${polRound}`,
  };
}

/** A message that has no sign bytes; any other error is not this function's and is thrown on. */
export function refuseUnsignable(error: unknown): Refusal {
  if (!(error instanceof UnsignableMessageError)) throw error;
  return { kind: 'refused', reason: 'invalid-request', code: error.code, text: error.message };
}
