/** What a chain says of its heights afterwards: who signed, which powers changed, what was punished. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { CommitSignature, NodeRpc } from '../peers/node-rpc.ts';

/** A validator of one height, and what the commit of that height has of it. */
export interface Member {
  /** Upper-case hex. */
  readonly address: string;
  /** Base64. */
  readonly publicKey: string;
  readonly power: bigint;
  readonly flag: CommitSignature['flag'];
}

/** A change of power that the application asked for. */
export interface PowerUpdate {
  /** Base64. */
  readonly publicKey: string;
  readonly power: bigint;
}

/** A height, and what changed in its block. */
export interface HeightUpdates {
  readonly height: bigint;
  readonly updates: readonly PowerUpdate[];
}

/** One height, read after it was over. */
export interface HeightRecord extends HeightUpdates {
  /** The round in which it was committed. */
  readonly round: number;
  readonly members: readonly Member[];
  /** Pieces of evidence in the block. */
  readonly evidence: number;
}

/** Reads heights `first` to `last`, both included. `last` is below the newest, whose commit is not final yet. */
export async function readHeights(
  rpc: NodeRpc,
  first: bigint,
  last: bigint,
  options: AbortOptions = {},
): Promise<readonly HeightRecord[]> {
  const records: HeightRecord[] = [];
  for (let height = first; height <= last; height += 1n) {
    records.push(await readHeight(rpc, height, options));
  }
  return records;
}

/** What changed in a block that the node has. */
export async function readUpdates(
  rpc: NodeRpc,
  height: bigint,
  options: AbortOptions = {},
): Promise<readonly PowerUpdate[]> {
  const path = `/block_results?height=${height}`;
  const { validator_updates: updates } = await rpc.call<RawResults>(path, options);
  return (updates ?? []).map((update) => ({
    publicKey: update.pub_key.Sum.value.ed25519,
    power: BigInt(update.power ?? 0),
  }));
}

async function readHeight(
  rpc: NodeRpc,
  height: bigint,
  options: AbortOptions,
): Promise<HeightRecord> {
  const [commit, validators, updates, block] = await Promise.all([
    rpc.commit(height, options),
    rpc.validators(height, options),
    readUpdates(rpc, height, options),
    rpc.call<RawBlock>(`/block?height=${height}`, options),
  ]);
  return {
    height,
    round: commit.round,
    // A commit has its signatures in the order of the set; an absent one names nobody.
    members: validators.map((validator, index) => ({
      ...validator,
      flag: commit.signatures[index]?.flag ?? 'absent',
    })),
    updates,
    evidence: block.block.evidence.evidence.length,
  };
}

/** As v0.38 to v0.40 have it; a power of zero is left out. */
interface RawResults {
  readonly validator_updates:
    | readonly {
        readonly pub_key: { readonly Sum: { readonly value: { readonly ed25519: string } } };
        readonly power?: string;
      }[]
    | null;
}

interface RawBlock {
  readonly block: { readonly evidence: { readonly evidence: readonly unknown[] } };
}
