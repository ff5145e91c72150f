/** What is asked: heights as a node asks for them, and single types for the table by type. */
import { randomBytes } from 'node:crypto';
import type { BlockId } from '@privval/proto/types/block-id';
import { NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import { timestampFromMs } from '@privval/proto/types/timestamp';
import type { VoteType } from '@privval/proto/types/vote';
import type { Asked } from './node-end.ts';

/** A kind of message whose latency is reported by itself. */
export type MessageKind =
  | 'proposal'
  | 'prevote'
  | 'precommit'
  | 'precommit nil'
  | 'precommit + ext 1 KiB'
  | 'precommit + ext 100 KiB'
  | 'precommit + ext 1 MiB';

const EXTENSION_BYTES: Partial<Record<MessageKind, number>> = {
  'precommit + ext 1 KiB': 1024,
  'precommit + ext 100 KiB': 100 * 1024,
  'precommit + ext 1 MiB': 1024 * 1024,
};

const ADDRESS = new Uint8Array(20).fill(7);
const NOTHING = new Uint8Array(0);

function randomBlockId(): BlockId {
  return {
    hash: new Uint8Array(randomBytes(32)),
    partSetHeader: { total: 1, hash: new Uint8Array(randomBytes(32)) },
  };
}

/** One height, round 0: proposal, prevote, precommit for one block, as the proposer is asked. */
export function heightRequests(chainId: string, height: bigint): readonly Asked[] {
  const blockId = randomBlockId();
  return [
    proposal(chainId, height, blockId),
    vote(chainId, height, 'prevote', blockId, NOTHING),
    vote(chainId, height, 'precommit', blockId, NOTHING),
  ];
}

/** One request of a kind. Each call wants a height of its own, higher than the last. */
export function requestOfKind(kind: MessageKind, chainId: string, height: bigint): Asked {
  switch (kind) {
    case 'proposal':
      return proposal(chainId, height, randomBlockId());
    case 'prevote':
      return vote(chainId, height, 'prevote', randomBlockId(), NOTHING);
    case 'precommit nil':
      return vote(chainId, height, 'precommit', NIL_BLOCK_ID, NOTHING);
    case 'precommit':
    case 'precommit + ext 1 KiB':
    case 'precommit + ext 100 KiB':
    case 'precommit + ext 1 MiB':
      return vote(
        chainId,
        height,
        'precommit',
        randomBlockId(),
        new Uint8Array(EXTENSION_BYTES[kind] ?? 0).fill(0x61),
      );
  }
}

function proposal(chainId: string, height: bigint, blockId: BlockId): Asked {
  return {
    kind: 'sign-proposal',
    chainId,
    proposal: {
      height,
      round: 0,
      polRound: -1,
      blockId,
      timestamp: timestampFromMs(Date.now()),
      signature: NOTHING,
    },
  };
}

function vote(
  chainId: string,
  height: bigint,
  type: VoteType,
  blockId: BlockId,
  extension: Uint8Array,
): Asked {
  return {
    kind: 'sign-vote',
    chainId,
    skipExtensionSigning: false,
    vote: {
      type,
      height,
      round: 0,
      blockId,
      timestamp: timestampFromMs(Date.now()),
      validatorAddress: ADDRESS,
      validatorIndex: 0,
      signature: NOTHING,
      extension,
      extensionSignature: NOTHING,
    },
  };
}
