/** Votes as consensus sees them. */
import type { BlockId } from './block-id.ts';
import type { Timestamp } from './timestamp.ts';

/** `SignedMsgType` of the two kinds of vote. Anything else is refused where the wire is decoded. */
export type VoteType = 'prevote' | 'precommit';

/** A prevote or precommit, signed or not. Empty byte strings mean "absent", as on the wire. */
export interface Vote {
  readonly type: VoteType;
  /** int64, never negative once decoded. */
  readonly height: bigint;
  /** int32, never negative once decoded. */
  readonly round: number;
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
  /** 20 bytes, or what the asker sent. Not signed. */
  readonly validatorAddress: Uint8Array;
  /** int32, may be negative. Not signed. */
  readonly validatorIndex: number;
  readonly signature: Uint8Array;
  /** v0.38+: application data, signed apart. Only on precommits for a block. */
  readonly extension: Uint8Array;
  readonly extensionSignature: Uint8Array;
}
