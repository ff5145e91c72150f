/** Proposals as consensus sees them. */
import type { BlockId } from './block-id.ts';
import type { Timestamp } from './timestamp.ts';

/** A proposal, signed or not. It is always signed as type 32, whatever the wire said. */
export interface Proposal {
  readonly height: bigint;
  readonly round: number;
  /** −1 when there is none. */
  readonly polRound: number;
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
  readonly signature: Uint8Array;
}
