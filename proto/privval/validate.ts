/**
 * What a vote or proposal must be before anybody thinks about signing it.
 *
 * The one place where content that came off a wire is judged. Go panics on some of this, wraps
 * numbers around on the rest (spec/privval.md 2.5, 3.10); here each case has a code and an answer.
 */

import type { BlockId } from '../types/block-id.ts';
import { isHashOrNone, MAX_PART_SET_TOTAL } from '../types/block-id.ts';
import type { Proposal } from '../types/proposal.ts';
import { isValidTimestamp } from '../types/timestamp.ts';
import type { Vote } from '../types/vote.ts';

/** What is wrong with a message: a code of docs/errors.md, and a sentence for a person. */
export interface Defect {
  readonly code: `ERR_${string}`;
  readonly text: string;
}

/** A chain id that no genesis file can have. */
export const CHAIN_ID_DEFECT: Defect = {
  code: 'ERR_INVALID_CHAIN_ID',
  text: 'the chain id is not UTF-8 text of at most 50 bytes',
};

/** A request to sign a vote without one. */
export const MISSING_VOTE: Defect = {
  code: 'ERR_MISSING_VOTE',
  text: 'the request has no vote',
};

/** A request to sign a proposal without one. */
export const MISSING_PROPOSAL: Defect = {
  code: 'ERR_MISSING_PROPOSAL',
  text: 'the request has no proposal',
};

const MAX_HEIGHT = 2n ** 63n - 1n;
const MAX_INT32 = 2_147_483_647;
const MIN_INT32 = -2_147_483_648;

/** An address has 20 bytes; tm-signer-harness sends a whole SHA-256. */
const MAX_ADDRESS_BYTES = 32;

/** The longest signature of any key type (CometBFT v0.40's MaxSignatureSize, ML-DSA-65). */
const MAX_SIGNATURE_BYTES = 3309;

/** A vote's type is neither prevote nor precommit. */
export function voteTypeDefect(type: number): Defect {
  return {
    code: 'ERR_INVALID_VOTE_TYPE',
    text: `vote type ${type} is neither prevote nor precommit`,
  };
}

/** The first thing wrong with a vote, if any. Its extension is the guard's business (S21). */
export function voteDefect(vote: Vote): Defect | undefined {
  return (
    positionDefect(vote.height, vote.round) ??
    blockIdDefect(vote.blockId) ??
    timestampDefect(vote) ??
    addressDefect(vote.validatorAddress) ??
    validatorIndexDefect(vote.validatorIndex) ??
    signatureDefect(vote.signature) ??
    signatureDefect(vote.extensionSignature)
  );
}

/** The first thing wrong with a proposal, if any. */
export function proposalDefect(proposal: Proposal): Defect | undefined {
  return (
    positionDefect(proposal.height, proposal.round) ??
    polRoundDefect(proposal.polRound) ??
    blockIdDefect(proposal.blockId) ??
    timestampDefect(proposal) ??
    signatureDefect(proposal.signature)
  );
}

function positionDefect(height: bigint, round: number): Defect | undefined {
  if (height < 0n || height > MAX_HEIGHT) {
    return {
      code: 'ERR_INVALID_HEIGHT',
      text: `height ${height} is not within 0 and ${MAX_HEIGHT}`,
    };
  }
  if (!isIntegerWithin(round, 0, MAX_INT32)) {
    return { code: 'ERR_INVALID_ROUND', text: `round ${round} is not within 0 and ${MAX_INT32}` };
  }
  return undefined;
}

function polRoundDefect(polRound: number): Defect | undefined {
  if (isIntegerWithin(polRound, -1, MAX_INT32)) return undefined;
  const text = `POL round ${polRound} is not within -1 and ${MAX_INT32}`;
  return { code: 'ERR_INVALID_POL_ROUND', text };
}

function blockIdDefect(blockId: BlockId): Defect | undefined {
  const { total, hash } = blockId.partSetHeader;
  if (!isHashOrNone(blockId.hash)) return hashDefect('block hash', blockId.hash);
  if (!isHashOrNone(hash)) return hashDefect('part set hash', hash);
  if (isIntegerWithin(total, 0, MAX_PART_SET_TOTAL)) return undefined;
  return {
    code: 'ERR_INVALID_PART_SET_TOTAL',
    text: `part set total ${total} is not within 0 and ${MAX_PART_SET_TOTAL}`,
  };
}

function hashDefect(what: string, hash: Uint8Array): Defect {
  return {
    code: 'ERR_INVALID_BLOCK_ID',
    text: `the ${what} has ${hash.length} bytes, neither 32 nor none`,
  };
}

function timestampDefect(message: Pick<Vote, 'timestamp'>): Defect | undefined {
  if (isValidTimestamp(message.timestamp)) return undefined;
  const { seconds, nanos } = message.timestamp;
  return {
    code: 'ERR_INVALID_TIMESTAMP',
    text: `the time of ${seconds} seconds and ${nanos} nanoseconds is not within years 1 and 9999`,
  };
}

function addressDefect(address: Uint8Array): Defect | undefined {
  if (address.length <= MAX_ADDRESS_BYTES) return undefined;
  return {
    code: 'ERR_INVALID_VALIDATOR_ADDRESS',
    text: `the validator address has ${address.length} bytes, more than ${MAX_ADDRESS_BYTES}`,
  };
}

function validatorIndexDefect(index: number): Defect | undefined {
  if (isIntegerWithin(index, MIN_INT32, MAX_INT32)) return undefined;
  return { code: 'ERR_INVALID_VALIDATOR_INDEX', text: `validator index ${index} is not an int32` };
}

/** Never signed and soon overwritten, but echoed: an endless one would make a reply nodes cannot read. */
function signatureDefect(signature: Uint8Array): Defect | undefined {
  if (signature.length <= MAX_SIGNATURE_BYTES) return undefined;
  return {
    code: 'ERR_INVALID_SIGNATURE_LENGTH',
    text: `a signature of ${signature.length} bytes is longer than any, ${MAX_SIGNATURE_BYTES}`,
  };
}

function isIntegerWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
