/** A chain that is written block by block: sets, hashes and commits as CometBFT has them, no consensus. */
import { createHash } from 'node:crypto';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { addressToText } from '@privval/proto/crypto/key-json';
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import {
  bytesFromBase64,
  concatBytes,
  equalBytes,
  hexFromBytes,
  utf8Bytes,
} from '@privval/proto/runtime/bytes';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import type { ChainId } from '@privval/proto/types/chain-id';
import { type Timestamp, ZERO_TIME } from '@privval/proto/types/timestamp';

/** A member of a set, or a change of its power; Ed25519, 32 bytes. A power of 0 removes. */
export interface FakePower {
  readonly publicKey: Uint8Array;
  readonly power: bigint;
}

/** One signature of a commit, in the order of the set. */
export interface FakeSignature {
  readonly flag: 'absent' | 'commit' | 'nil';
  readonly publicKey: Uint8Array;
  readonly timestamp: Timestamp;
  /** `undefined` when absent. */
  readonly signature: Uint8Array | undefined;
}

/** One block, and everything that is told about it. */
export interface FakeBlock {
  readonly height: bigint;
  readonly chainId: ChainId;
  readonly time: Timestamp;
  readonly hash: Uint8Array;
  readonly partsHash: Uint8Array;
  readonly round: number;
  /** The set of this height. */
  readonly members: readonly FakePower[];
  readonly nextMembers: readonly FakePower[];
  readonly updates: readonly FakePower[];
  readonly transactions: readonly string[];
  readonly signatures: readonly FakeSignature[];
  readonly previous: FakeBlock | undefined;
}

/** How a chain begins. */
export interface FakeChainOptions {
  readonly chainId: string;
  readonly members: readonly FakePower[];
  /** Keys that sign the commits; members without one are absent. They stay the caller's. @default none */
  readonly secrets?: readonly Ed25519SecretKey[];
  /** @default 1 */
  readonly firstHeight?: bigint;
  /** Of the first block, seconds since 1970. @default 1700000000 */
  readonly startSeconds?: bigint;
}

/** What is particular about a block. */
export interface FakeBlockOptions {
  /** In this order. @default those of the transactions that were broadcast since the last block */
  readonly updates?: readonly FakePower[];
  /** Whose signature its commit lacks. @default nobody's */
  readonly absent?: readonly Uint8Array[];
  /** Who signed for nil. @default nobody */
  readonly nil?: readonly Uint8Array[];
  /** @default 0 */
  readonly round?: number;
  /** Seconds after the block before. @default 1 */
  readonly afterSeconds?: bigint;
}

/**
 * Blocks from {@link FakeChainOptions.firstHeight} on. Validator hashes are true and follow H + 2; signatures verify;
 * block hashes and the other hashes of a header are made up. Updates of block H are in the set of H + 2.
 */
export class FakeChain {
  readonly chainId: ChainId;
  readonly blocks: FakeBlock[] = [];
  /** Called after each new block. */
  readonly listeners: Set<(block: FakeBlock) => void> = new Set();
  /** Transactions that wait for the next block. */
  readonly mempool: string[] = [];
  readonly #options: FakeChainOptions;
  readonly #secrets: Map<string, Ed25519SecretKey>;

  constructor(options: FakeChainOptions) {
    this.chainId = options.chainId as ChainId;
    this.#options = options;
    this.#secrets = new Map();
    for (const secret of options.secrets ?? []) this.addSecret(secret);
  }

  /** From the next block on, this key signs commits when it is a member. */
  addSecret(secret: Ed25519SecretKey): void {
    this.#secrets.set(hexFromBytes(secret.publicKey.bytes), secret);
  }

  /** Height of the newest block; the one before the first when there is none. */
  get tip(): bigint {
    return this.blocks.at(-1)?.height ?? this.firstHeight - 1n;
  }

  get firstHeight(): bigint {
    return this.#options.firstHeight ?? 1n;
  }

  /** The block of a height, if it is there. */
  block(height: bigint): FakeBlock | undefined {
    return this.blocks[Number(height - this.firstHeight)];
  }

  /** The set of a height, up to the one after the tip's. */
  membersAt(height: bigint): readonly FakePower[] | undefined {
    if (height === this.tip + 1n) return this.blocks.at(-1)?.nextMembers ?? this.#firstMembers();
    return this.block(height)?.members;
  }

  /** Commits one block and tells the listeners. */
  addBlock(options: FakeBlockOptions = {}): FakeBlock {
    const previous = this.blocks.at(-1);
    const height = this.tip + 1n;
    const members = previous?.nextMembers ?? this.#firstMembers();
    const transactions = this.mempool.splice(0);
    const updates = options.updates ?? transactions.flatMap(updateOf);
    // The updates of the block before are in the set after this one's.
    const nextMembers = apply(members, previous?.updates ?? []);
    const seconds =
      previous === undefined
        ? (this.#options.startSeconds ?? 1_700_000_000n)
        : previous.time.seconds + (options.afterSeconds ?? 1n);
    const hash = sha256(
      utf8Bytes(`${this.chainId}/${height}/${hexFromBytes(setHash(nextMembers))}`),
      ...updates.map(leafOf),
    );
    const draft = {
      height,
      chainId: this.chainId,
      time: { seconds, nanos: 123_456_789 },
      hash,
      partsHash: sha256(hash),
      round: options.round ?? 0,
      members,
      nextMembers,
      updates,
      transactions,
      previous,
    };
    const block: FakeBlock = { ...draft, signatures: this.#commit(draft, options) };
    this.blocks.push(block);
    for (const listener of this.listeners) listener(block);
    return block;
  }

  /** `count` plain blocks. */
  addBlocks(count: number): void {
    for (let i = 0; i < count; i++) this.addBlock();
  }

  /** Another chain with the same past, up to `height` inclusive: what a liar, or a rolled back node, goes on with. */
  fork(height: bigint = this.tip): FakeChain {
    const fork = new FakeChain(this.#options);
    for (const secret of this.#secrets.values()) fork.addSecret(secret);
    fork.blocks.push(...this.blocks.filter((block) => block.height <= height));
    return fork;
  }

  #firstMembers(): readonly FakePower[] {
    return apply([], this.#options.members);
  }

  #commit(
    block: Omit<FakeBlock, 'signatures'>,
    { absent = [], nil = [] }: FakeBlockOptions,
  ): readonly FakeSignature[] {
    return block.members.map(({ publicKey }): FakeSignature => {
      const secret = this.#secrets.get(hexFromBytes(publicKey));
      if (secret === undefined || includes(absent, publicKey)) {
        return { flag: 'absent', publicKey, timestamp: ZERO_TIME, signature: undefined };
      }
      const flag = includes(nil, publicKey) ? 'nil' : 'commit';
      const timestamp = { seconds: block.time.seconds, nanos: 987_654_321 };
      const vote = voteSignBytes(block.chainId, {
        type: 'precommit',
        height: block.height,
        round: block.round,
        blockId:
          flag === 'nil'
            ? NIL_BLOCK_ID
            : { hash: block.hash, partSetHeader: { total: 1, hash: block.partsHash } },
        timestamp,
      });
      return { flag, publicKey, timestamp, signature: secret.sign(vote) };
    });
  }
}

/** The Merkle root over a set (CometBFT: RFC 6962, leaves by power, then address). */
export function setHash(members: readonly FakePower[]): Uint8Array {
  return merkle(members.map(leafOf));
}

/** The set after some updates, in CometBFT's order. Removing a stranger stops a real chain, so it is a mistake here. */
function apply(members: readonly FakePower[], updates: readonly FakePower[]): readonly FakePower[] {
  const powers = new Map(members.map((member) => [hexFromBytes(member.publicKey), member]));
  for (const update of updates) {
    const name = hexFromBytes(update.publicKey);
    if (update.power > 0n) powers.set(name, update);
    else if (!powers.delete(name)) throw new InvariantError(`${name} is no validator to remove`);
  }
  return [...powers.values()].sort(inOrder);
}

function inOrder(a: FakePower, b: FakePower): number {
  if (a.power !== b.power) return a.power > b.power ? -1 : 1;
  return fakeAddress(a.publicKey) < fakeAddress(b.publicKey) ? -1 : 1;
}

/** The address of a key, upper-case hex. */
export function fakeAddress(publicKey: Uint8Array): string {
  return addressToText(addressFromPublicKey(ed25519PublicKey(publicKey)));
}

function leafOf({ publicKey, power }: FakePower): Uint8Array {
  const varint: number[] = [];
  for (let rest = power; ; rest >>= 7n) {
    if (rest < 128n) {
      // A removal is no leaf of a set, but part of a made-up block hash.
      return Uint8Array.of(0x0a, 0x22, 0x0a, 0x20, ...publicKey, 0x10, ...varint, Number(rest));
    }
    varint.push(Number(rest & 127n) | 128);
  }
}

function merkle(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return sha256(Uint8Array.of(0), first);
  const half = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  return sha256(Uint8Array.of(1), merkle(leaves.slice(0, half)), merkle(leaves.slice(half)));
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  );
}

/** `val=ed25519!KEY!POWER`, as the key-value application reads it; other transactions change no power. */
function updateOf(transaction: string): readonly FakePower[] {
  const found = /^val(?:=ed25519!|:)([^!]+)!(\d+)$/.exec(transaction);
  if (found?.[1] === undefined || found[2] === undefined) return [];
  const publicKey = bytesFromBase64(found[1]);
  return [{ publicKey, power: BigInt(found[2]) }];
}

function includes(keys: readonly Uint8Array[], key: Uint8Array): boolean {
  return keys.some((other) => equalBytes(other, key));
}
