/** What the tests ask a stock node over its RPC. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** The node answered with an error, or not with what it should. */
export class NodeRpcError extends CodedError {
  override readonly name = 'NodeRpcError';
  readonly code = 'ERR_NODE_RPC';

  constructor(call: { readonly path: string; readonly detail: string }, options?: ErrorOptions) {
    super(`RPC ${call.path}: ${call.detail}`, options);
  }
}

/** A node's own view of itself. */
export interface NodeStatus {
  readonly nodeId: string;
  readonly chainId: string;
  readonly height: bigint;
  readonly catchingUp: boolean;
  /** Upper-case hex, of the validator key that the node uses: the signer's, when it has one. */
  readonly validatorAddress: string;
}

/** One signature of a commit. */
export interface CommitSignature {
  /** Whether it is for the block, for nil, or missing. */
  readonly flag: 'absent' | 'commit' | 'nil';
  /** Upper-case hex; empty when absent. */
  readonly validatorAddress: string;
  readonly timestamp: string;
  /** Base64; `null` when absent. */
  readonly signature: string | null;
}

/** The commit of one height. */
export interface Commit {
  readonly height: bigint;
  readonly round: number;
  /** Upper-case hex. */
  readonly blockHash: string;
  readonly partsTotal: number;
  readonly partsHash: string;
  readonly signatures: readonly CommitSignature[];
  /** False for the newest height, whose commit is in no block yet. */
  readonly canonical: boolean;
}

/** A member of the validator set of one height. */
export interface NodeValidator {
  readonly address: string;
  /** Base64. */
  readonly publicKey: string;
  readonly power: bigint;
}

const FLAGS = [undefined, 'absent', 'commit', 'nil'] as const;

/** Reads a node's RPC at `url`, such as `http://127.0.0.1:26657`. Holds nothing. */
export class NodeRpc {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** @throws {NodeRpcError} as all methods here, also when the node does not listen. */
  async status(options: AbortOptions = {}): Promise<NodeStatus> {
    const raw = await this.call<RawStatus>('/status', options);
    return {
      nodeId: raw.node_info.id,
      chainId: raw.node_info.network,
      height: BigInt(raw.sync_info.latest_block_height),
      catchingUp: raw.sync_info.catching_up,
      validatorAddress: raw.validator_info.address,
    };
  }

  /** The commit of a height that the node has. */
  async commit(height: bigint, options: AbortOptions = {}): Promise<Commit> {
    const raw = await this.call<RawCommitResult>(`/commit?height=${height}`, options);
    return { ...commitOf(raw.signed_header.commit), canonical: raw.canonical };
  }

  /** The block of a height, as the RPC has it (`block_id`, `block`). */
  async block(height: bigint, options: AbortOptions = {}): Promise<Record<string, unknown>> {
    return this.call(`/block?height=${height}`, options);
  }

  /** The validator set of a height. */
  async validators(height: bigint, options: AbortOptions = {}): Promise<readonly NodeValidator[]> {
    const path = `/validators?height=${height}&per_page=100`;
    const raw = await this.call<{ readonly validators: readonly RawValidator[] }>(path, options);
    return raw.validators.map((validator) => ({
      address: validator.address,
      publicKey: validator.pub_key.value,
      power: BigInt(validator.voting_power),
    }));
  }

  /** Any method, as path and query; the result as the node gives it, which the caller knows the shape of. */
  async call<Result = Record<string, unknown>>(
    path: string,
    options: AbortOptions = {},
  ): Promise<Result> {
    const { signal } = options;
    let body: { readonly result?: Result; readonly error?: unknown };
    try {
      const response = await fetch(`${this.url}${path}`, signal === undefined ? {} : { signal });
      body = (await response.json()) as typeof body;
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw new NodeRpcError({ path, detail: 'no answer' }, { cause });
    }
    if (body.result === undefined) {
      throw new NodeRpcError({ path, detail: JSON.stringify(body.error) });
    }
    return body.result;
  }
}

interface RawStatus {
  readonly node_info: { readonly id: string; readonly network: string };
  readonly sync_info: { readonly latest_block_height: string; readonly catching_up: boolean };
  readonly validator_info: { readonly address: string };
}

interface RawCommitResult {
  readonly signed_header: { readonly commit: RawCommit };
  readonly canonical: boolean;
}

interface RawCommit {
  readonly height: string;
  readonly round: number;
  readonly block_id: {
    readonly hash: string;
    readonly parts: { readonly total: number; readonly hash: string };
  };
  readonly signatures: readonly {
    readonly block_id_flag: number;
    readonly validator_address: string;
    readonly timestamp: string;
    readonly signature: string | null;
  }[];
}

interface RawValidator {
  readonly address: string;
  readonly pub_key: { readonly value: string };
  readonly voting_power: string;
}

function commitOf(raw: RawCommit): Omit<Commit, 'canonical'> {
  return {
    height: BigInt(raw.height),
    round: raw.round,
    blockHash: raw.block_id.hash,
    partsTotal: raw.block_id.parts.total,
    partsHash: raw.block_id.parts.hash,
    signatures: raw.signatures.map((signature) => ({
      flag: FLAGS[signature.block_id_flag] ?? 'absent',
      validatorAddress: signature.validator_address,
      timestamp: signature.timestamp,
      signature: signature.signature,
    })),
  };
}
