/** What stock nodes said over their RPC, recorded (test/vectors/rpc/README.md). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Recorded {
  readonly httpStatus: number;
  readonly body: { readonly result?: unknown; readonly error?: unknown };
}

/** The parts that are used here. */
export interface RpcVectors {
  readonly node: string;
  readonly chainId: string;
  readonly heights: { readonly added: string; readonly replaced: string; readonly removed: string };
  /** Base64. */
  readonly keys: { readonly first: string; readonly second: string; readonly own: string };
  readonly replies: readonly unknown[];
  readonly events: {
    readonly NewBlockHeader: readonly unknown[];
    readonly ValidatorSetUpdates: readonly unknown[];
  };
  readonly answers: Readonly<Record<string, Recorded>> & {
    readonly beyondTip: Readonly<Record<string, Recorded>>;
  };
}

/** Every node recorded. */
export const RECORDED_NODES = [
  'tendermint-0.34.24',
  'tendermint-0.35.9',
  'cometbft-0.37.18',
  'cometbft-0.38.25',
  'cometbft-0.39.4',
  'cometbft-0.40.0',
  'cometbft-1.0.1',
] as const;

/** What `node` said. */
export function rpcVectors(node: (typeof RECORDED_NODES)[number]): RpcVectors {
  const path = join(import.meta.dirname, '../../vectors/rpc', `${node}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as RpcVectors;
}

/** The recorded result of an answer. */
export function recordedResult(vectors: RpcVectors, name: string): unknown {
  return vectors.answers[name]?.body.result;
}
