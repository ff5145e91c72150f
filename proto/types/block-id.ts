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

/** Length of a block's or part set's hash, where there is one. */
const HASH_BYTES = 32;

/** Largest number of parts the wire can say. */
export const MAX_PART_SET_TOTAL = 0xffff_ffff;

/** Whether a hash has 32 bytes, or none; Go panics on any other (spec/privval.md 2.5). */
export function isHashOrNone(hash: Uint8Array): boolean {
  return hash.length === 0 || hash.length === HASH_BYTES;
}

/** Whether it can be signed: both hashes 32 bytes or none, the total a uint32. */
export function isValidBlockId(blockId: BlockId): boolean {
  const { total, hash } = blockId.partSetHeader;
  return (
    isHashOrNone(blockId.hash) &&
    isHashOrNone(hash) &&
    Number.isInteger(total) &&
    total >= 0 &&
    total <= MAX_PART_SET_TOTAL
  );
}
