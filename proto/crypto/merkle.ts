/** The Merkle tree of RFC 6962 over SHA-256, as blocks and validator sets use it (spec/consensus.md 1.2). */
import { createHash } from 'node:crypto';

const LEAF_PREFIX = new Uint8Array([0]);
const INNER_PREFIX = new Uint8Array([1]);

/** The root over `leaves`, in their order. 32 bytes; of no leaves the hash of nothing. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return sha256(LEAF_PREFIX, first);
  const split = largestPowerOfTwoBelow(leaves.length);
  return sha256(INNER_PREFIX, merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split)));
}

function largestPowerOfTwoBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
