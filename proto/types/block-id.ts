/** What a vote is for. */

/** Header of the parts a block is gossiped in. */
export interface PartSetHeader {
  /** Number of parts, uint32. */
  readonly total: number;
  /** Merkle root of the parts: 32 bytes, or none. */
  readonly hash: Uint8Array;
}

/** Identity of a block: its header hash and the parts that carry it. */
export interface BlockId {
  /** 32 bytes, or none. */
  readonly hash: Uint8Array;
  readonly partSetHeader: PartSetHeader;
}

/** The block id of a nil vote. */
export const NIL_BLOCK_ID: BlockId = {
  hash: new Uint8Array(0),
  partSetHeader: { total: 0, hash: new Uint8Array(0) },
};

/** Nil means all three parts are empty; anything else is written (spec/privval.md 2.5). */
export function isNilBlockId(blockId: BlockId): boolean {
  return (
    blockId.hash.length === 0 &&
    blockId.partSetHeader.total === 0 &&
    blockId.partSetHeader.hash.length === 0
  );
}
