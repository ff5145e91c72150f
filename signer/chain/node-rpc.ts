/**
 * What is asked of a node's RPC: CometBFT 0.34 to 1.0. Implementations turn each version's JSON into
 * these; every answer is bounded in bytes and time, and believed only as far as the caller says.
 *
 * Never `/consensus_state` and its like: they take the lock the node holds while it waits for us.
 */
import type { AbortOptions } from '@privval/proto/runtime/abort';

/** A validator's power after a block. */
export interface PowerUpdate {
  /** Ed25519, 32 bytes. Updates of keys of other types are left out: none is ours. */
  readonly publicKey: Uint8Array;
  /** 0 removes. A power that is absent in the JSON is 0. */
  readonly power: bigint;
}

/** The parts of a header that matter here. */
export interface HeaderFacts {
  readonly chainId: string;
  readonly height: bigint;
  readonly timeMs: number;
  /** 32 bytes. Of the set that signs `height`. */
  readonly validatorsHash: Uint8Array;
  /** Of the set that signs `height + 1`. Differs from the one before it when block `height − 1` had updates. */
  readonly nextValidatorsHash: Uint8Array;
}

/** One signature in a commit. */
export interface CommitSignature {
  /** 20 bytes. */
  readonly address: Uint8Array;
  /** `block` for the block, `nil` for nil; absent ones are left out. */
  readonly flag: 'block' | 'nil';
  /** As the wire has it, nanoseconds kept: it is part of the sign bytes. */
  readonly timestamp: { readonly seconds: bigint; readonly nanos: number };
  readonly signature: Uint8Array;
}

/** A block's header with the commit for it. */
export interface SignedHeaderFacts extends HeaderFacts {
  readonly round: number;
  readonly blockId: {
    readonly hash: Uint8Array;
    readonly partSetTotal: number;
    readonly partSetHash: Uint8Array;
  };
  readonly signatures: readonly CommitSignature[];
  /** Whether it is the one of the next block: the tip's own may still gain signatures. */
  readonly isCanonical: boolean;
}

/** A validator of a set. */
export interface SetMember {
  readonly address: Uint8Array;
  /** `undefined` for a key of another type. */
  readonly publicKey: Uint8Array | undefined;
  /** The key of whatever type, as the set's hash is made of it. */
  readonly key: { readonly type: string; readonly bytes: Uint8Array };
  readonly power: bigint;
}

/** What `/status` tells. */
export interface NodeStatus {
  readonly chainId: string;
  /** `node_info.version`. */
  readonly version: string;
  readonly latestHeight: bigint;
  /** Below it the node keeps nothing; 0 where it does not say. */
  readonly earliestHeight: bigint;
  readonly latestTimeMs: number;
  readonly isCatchingUp: boolean;
}

/** What the evidence window is made of. */
export interface EvidenceParams {
  readonly maxAgeBlocks: bigint;
  readonly maxAgeMs: number;
  readonly keyTypes: readonly string[];
}

/**
 * One node's RPC. Each method throws {NodeRpcError} ERR_NODE_RPC on anything that is no answer, and
 * {ForeignNodeError} ERR_NODE_FOREIGN when the node is of another chain.
 */
export interface NodeRpc {
  /** `http(s)://host:port[/path]`, without user and password: what logs and status show. */
  readonly url: string;
  status(options?: AbortOptions): Promise<NodeStatus>;
  /** At most 20 headers, oldest first. */
  headers(from: bigint, to: bigint, options?: AbortOptions): Promise<readonly HeaderFacts[]>;
  /** `undefined` when the node keeps no results (`discard_abci_responses`), or has pruned them. */
  powerUpdates(height: bigint, options?: AbortOptions): Promise<readonly PowerUpdate[] | undefined>;
  /** `undefined` when it is pruned or not there yet. */
  commit(height: bigint, options?: AbortOptions): Promise<SignedHeaderFacts | undefined>;
  /** All pages; up to the height after the tip's. `undefined` when not there. */
  validators(height: bigint, options?: AbortOptions): Promise<readonly SetMember[] | undefined>;
  evidenceParams(height: bigint, options?: AbortOptions): Promise<EvidenceParams>;
}
