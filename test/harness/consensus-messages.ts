/** Votes and proposals to have signed: ordinary ones, of which a test changes what it is about. */
import { type BlockId, NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Timestamp } from '@privval/proto/types/timestamp';
import type { Vote } from '@privval/proto/types/vote';

const NO_BYTES = new Uint8Array(0);

/** A block id told from others by one letter. */
export function blockNamed(letter: string): BlockId {
  const fill = letter.charCodeAt(0);
  return {
    hash: new Uint8Array(32).fill(fill),
    partSetHeader: { total: 1, hash: new Uint8Array(32).fill(fill ^ 0xff) },
  };
}

/** An instant `nanos` after 2019-10-13T16:14:44Z, below a second. */
export function instant(nanos: number): Timestamp {
  return { seconds: 1_570_983_284n, nanos };
}

/** A prevote for block A at 1/0. */
export function prevote(change: Partial<Vote> = {}): Vote {
  return {
    type: 'prevote',
    height: 1n,
    round: 0,
    blockId: blockNamed('A'),
    timestamp: instant(1),
    validatorAddress: new Uint8Array(20).fill(7),
    validatorIndex: 3,
    signature: NO_BYTES,
    extension: NO_BYTES,
    extensionSignature: NO_BYTES,
    ...change,
  };
}

/** A precommit for block A at 1/0. */
export function precommit(change: Partial<Vote> = {}): Vote {
  return prevote({ type: 'precommit', ...change });
}

/** The same vote for no block. */
export function nil(vote: Vote): Vote {
  return { ...vote, blockId: NIL_BLOCK_ID };
}

/** A proposal of block A at 1/0. */
export function proposal(change: Partial<Proposal> = {}): Proposal {
  return {
    height: 1n,
    round: 0,
    polRound: -1,
    blockId: blockNamed('A'),
    timestamp: instant(1),
    signature: NO_BYTES,
    ...change,
  };
}
