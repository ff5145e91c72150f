/** What a block did to the validator set, read off the sets around it: for nodes that keep no results. */
import {
  type HashedMember,
  isConsensusKeyType,
  validatorsHash,
} from '@privval/proto/codec/validators-hash';
import { equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { HeaderFacts, PowerUpdate, SetMember } from './node-rpc.ts';

/** Whether a header's hash is that of `members`. `undefined`: a key of a type whose place in the hash is not known. */
export function hasHash(members: readonly SetMember[], hash: Uint8Array): boolean | undefined {
  const hashed: HashedMember[] = [];
  for (const { address, key, power } of members) {
    const { type, bytes } = key;
    if (!isConsensusKeyType(type)) return undefined;
    hashed.push({ address, key: { type, bytes }, power });
  }
  return equalBytes(validatorsHash(hashed), hash);
}

/** The powers of Ed25519 keys that differ, by their new values; 0 for one that has left. */
export function changesBetween(
  before: readonly SetMember[],
  after: readonly SetMember[],
): readonly PowerUpdate[] {
  const old = powersOf(before);
  const now = powersOf(after);
  const changed = [...now.values()].filter(
    ({ publicKey, power }) => old.get(hexFromBytes(publicKey))?.power !== power,
  );
  const gone = [...old.values()].filter(({ publicKey }) => !now.has(hexFromBytes(publicKey)));
  return [...changed, ...gone.map(({ publicKey }) => ({ publicKey, power: 0n }))];
}

/** The sets that sign `next.height` and the one after it. */
export interface SetsAround {
  readonly before: readonly SetMember[];
  readonly after: readonly SetMember[];
}

/**
 * The updates of the block below `next`, proven by the two hashes in `next`; `undefined` when a set
 * is not the one its hash is of, or cannot be hashed.
 */
export function provenUpdates(
  next: HeaderFacts,
  { before, after }: SetsAround,
): readonly PowerUpdate[] | undefined {
  const isProven =
    hasHash(before, next.validatorsHash) === true &&
    hasHash(after, next.nextValidatorsHash) === true;
  return isProven ? changesBetween(before, after) : undefined;
}

function powersOf(members: readonly SetMember[]): ReadonlyMap<string, PowerUpdate> {
  return new Map(
    members.flatMap(({ publicKey, power }) =>
      publicKey === undefined ? [] : [[hexFromBytes(publicKey), { publicKey, power }] as const],
    ),
  );
}
