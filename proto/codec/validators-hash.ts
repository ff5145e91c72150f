/** The hash of a validator set, as headers have it (spec/consensus.md 1.7, 2.1). */
import { merkleRoot } from '../crypto/merkle.ts';
import { compareBytes } from '../runtime/bytes.ts';
import { newWriter, writeInt64, writtenBytes } from './wire-writer.ts';

/** Field numbers of `tendermint.crypto.PublicKey`, by the type's name in JSON (spec/cometbft-0.40.md 1.7). */
const KEY_FIELDS = {
  'tendermint/PubKeyEd25519': 1,
  'tendermint/PubKeySecp256k1': 2,
  'cometbft/PubKeyBls12_381': 3,
  'cometbft/PubKeyMlDsa65': 4,
  'tendermint/PubKeySecp256k1eth': 5,
} as const;

// Tags of `SimpleValidator`.
const PUBLIC_KEY = 0x0a;
const POWER = 0x10;

/** A type of consensus key whose place in the hash is known. */
export type ConsensusKeyType = keyof typeof KEY_FIELDS;

/** A validator as its set's hash sees it. */
export interface HashedMember {
  /** 20 bytes. Not hashed, but part of the order. */
  readonly address: Uint8Array;
  readonly key: { readonly type: ConsensusKeyType; readonly bytes: Uint8Array };
  readonly power: bigint;
}

/** Whether a key of this type can be hashed. */
export function isConsensusKeyType(type: string): type is ConsensusKeyType {
  return Object.hasOwn(KEY_FIELDS, type);
}

/** The hash of the set; the members may come in any order. 32 bytes. */
export function validatorsHash(members: readonly HashedMember[]): Uint8Array {
  return merkleRoot(members.toSorted(compareMembers).map(simpleValidator));
}

/** The greater power first, then the smaller address. */
function compareMembers(a: HashedMember, b: HashedMember): number {
  if (a.power !== b.power) return a.power > b.power ? -1 : 1;
  return compareBytes(a.address, b.address);
}

/** `SimpleValidator`: the key, then the power. */
function simpleValidator({ key, power }: HashedMember): Uint8Array {
  const writer = newWriter();
  writer.uint32(PUBLIC_KEY).fork();
  writer.uint32((KEY_FIELDS[key.type] << 3) | 2).bytes(key.bytes);
  writer.ldelim();
  if (power !== 0n) {
    writer.uint32(POWER);
    writeInt64(writer, power);
  }
  return writtenBytes(writer);
}
