/** What a stock node answers to each method, from what it knows of a chain. */
import { createHash } from 'node:crypto';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { FakeBlock, FakeChain } from './fake-rpc-chain.ts';
import {
  blockIdJson,
  blockJson,
  blockResultsJson,
  commitJson,
  headerJson,
  type Json,
  memberJson,
  metaJson,
  timeJson,
  type VersionFacts,
} from './fake-rpc-shapes.ts';

/** One call. */
export interface FakeRpcCall {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly over: 'get' | 'post' | 'websocket';
}

/** What the node knows, and admits to. */
export interface FakeRpcView {
  readonly chain: FakeChain;
  readonly tip: bigint;
  readonly base: bigint;
  readonly isCatchingUp: boolean;
  readonly keepsResults: boolean;
  readonly facts: VersionFacts;
  readonly nodeId: string;
}

/** The error of an answer: an outcome of the protocol, not a fault of the fake. */
export class RpcRefusal extends CodedError {
  override readonly name = 'RpcRefusal';
  readonly code = 'ERR_RPC_REFUSAL';
  readonly #json: Json;

  constructor(number: keyof typeof MESSAGES, data?: string) {
    const message = MESSAGES[number];
    super(data ?? message);
    this.#json = { code: number, message, ...(data === undefined ? {} : { data }) };
  }

  toJson(): Json {
    return this.#json;
  }
}

const MESSAGES = {
  [-32601]: 'Method not found',
  [-32602]: 'Invalid params',
  [-32603]: 'Internal error',
} as const;

/** The result of a call. @throws {RpcRefusal} ERR_RPC_REFUSAL where the node answers with an error. */
export function answerRpc(view: FakeRpcView, { method, params }: FakeRpcCall): Json {
  const { chain, facts } = view;
  const height = heightOf(params['height']);
  switch (method) {
    case 'status':
      return status(view);
    case 'block': {
      const block = blockAt(view, height);
      return { block_id: blockIdJson(block), block: blockJson(block) };
    }
    case 'header':
      if (!facts.hasHeaderMethod) throw new RpcRefusal(-32601);
      return { header: headerJson(blockAt(view, height)) };
    case 'commit': {
      const block = blockAt(view, height);
      const signed_header = { header: headerJson(block), commit: commitJson(block) };
      return { signed_header, canonical: block.height < view.tip };
    }
    case 'block_results': {
      const block = blockAt(view, height);
      if (!view.keepsResults && facts.noResultsText !== undefined) {
        throw new RpcRefusal(-32603, facts.noResultsText);
      }
      return blockResultsJson(facts, block);
    }
    case 'blockchain':
      return blockchain(view, heightOf(params['minHeight']), heightOf(params['maxHeight']));
    case 'validators':
      return validators(view, height, params);
    case 'consensus_params':
      return { block_height: String(height ?? view.tip), consensus_params: CONSENSUS_PARAMS };
    case 'genesis':
      return { genesis: genesis(chain) };
    case 'broadcast_tx_sync': {
      const transaction = transactionOf(params['tx']);
      chain.mempool.push(transaction);
      const hash = createHash('sha256').update(transaction).digest('hex').toUpperCase();
      return { code: 0, data: '', log: '', codespace: '', hash };
    }
    default:
      throw new RpcRefusal(-32601);
  }
}

const CONSENSUS_PARAMS: Json = {
  block: { max_bytes: '22020096', max_gas: '-1' },
  evidence: {
    max_age_num_blocks: '100000',
    max_age_duration: '172800000000000',
    max_bytes: '1048576',
  },
  validator: { pub_key_types: ['ed25519'] },
  version: { app: '0' },
  abci: { vote_extensions_enable_height: '0' },
};

function status({ chain, tip, base, isCatchingUp, facts, nodeId }: FakeRpcView): Json {
  const newest = chain.block(tip);
  const oldest = chain.block(base);
  const ofBlock = (word: string, block: FakeBlock | undefined): Json => ({
    [`${word}_block_hash`]: block === undefined ? '' : blockIdJson(block)['hash'],
    [`${word}_app_hash`]: '',
    [`${word}_block_height`]: String(block?.height ?? 0),
    [`${word}_block_time`]: block === undefined ? '0001-01-01T00:00:00Z' : timeJson(block.time),
  });
  const [first] = chain.membersAt(chain.tip) ?? [];
  return {
    node_info: {
      protocol_version: { p2p: '8', block: '11', app: '1' },
      id: nodeId,
      listen_addr: 'tcp://127.0.0.1:26656',
      network: chain.chainId,
      version: facts.reported,
      channels: '402021222330386061',
      moniker: 'fake',
      other: { tx_index: 'on', rpc_address: 'tcp://127.0.0.1:26657' },
    },
    sync_info: {
      ...ofBlock('latest', newest),
      ...ofBlock('earliest', oldest),
      catching_up: isCatchingUp,
    },
    // The key that the node had when it started.
    validator_info: first === undefined ? {} : withoutPriority(memberJson(first)),
  };
}

function withoutPriority({ proposer_priority: _, ...rest }: Json): Json {
  return rest;
}

function blockchain(view: FakeRpcView, from: bigint | undefined, to: bigint | undefined): Json {
  const last = to === undefined || to === 0n || to > view.tip ? view.tip : to;
  const wanted = from === undefined || from < view.base ? view.base : from;
  const first = wanted > last - 19n ? wanted : last - 19n;
  if (first > last) {
    throw new RpcRefusal(-32603, `min height ${first} can't be greater than max height ${last}`);
  }
  const metas: Json[] = [];
  for (let height = last; height >= first; height -= 1n) {
    const block = view.chain.block(height);
    if (block !== undefined) metas.push(metaJson(block));
  }
  return { last_height: String(view.tip), block_metas: metas };
}

function validators(
  view: FakeRpcView,
  height: bigint | undefined,
  params: FakeRpcCall['params'],
): Json {
  const wanted = height ?? view.tip + 1n;
  assertHeight(view, wanted, view.tip + 1n);
  const members = view.chain.membersAt(wanted) ?? [];
  const perPage = Math.min(Number(params['per_page'] ?? 30), 100);
  const page = Number(params['page'] ?? 1);
  const pages = Math.max(Math.ceil(members.length / perPage), 1);
  if (page < 1 || page > pages) {
    throw new RpcRefusal(-32603, `page should be within [1, ${pages}] range, given ${page}`);
  }
  const shown = members.slice((page - 1) * perPage, page * perPage);
  return {
    block_height: String(wanted),
    validators: shown.map(memberJson),
    count: String(shown.length),
    total: String(members.length),
  };
}

function genesis(chain: FakeChain): Json {
  const first = chain.block(chain.firstHeight);
  return {
    genesis_time: first === undefined ? '2023-11-14T22:13:20Z' : timeJson(first.time),
    chain_id: chain.chainId,
    initial_height: String(chain.firstHeight),
    consensus_params: CONSENSUS_PARAMS,
    validators: (first?.members ?? chain.membersAt(chain.firstHeight) ?? []).map((member) => {
      const { address, pub_key, voting_power: power } = memberJson(member);
      return { address, pub_key, power, name: '' };
    }),
    app_hash: '',
  };
}

function blockAt(view: FakeRpcView, height: bigint | undefined): FakeBlock {
  const wanted = height ?? view.tip;
  assertHeight(view, wanted, view.tip);
  const block = view.chain.block(wanted);
  if (block === undefined) throw new RpcRefusal(-32603, 'no block yet');
  return block;
}

function assertHeight({ base }: FakeRpcView, height: bigint, last: bigint): void {
  if (height < 1n) throw new RpcRefusal(-32603, `height must be greater than 0, but got ${height}`);
  if (height > last) {
    const text = `height ${height} must be less than or equal to the current blockchain height ${last}`;
    throw new RpcRefusal(-32603, text);
  }
  if (height < base) {
    throw new RpcRefusal(-32603, `height ${height} is not available, lowest height is ${base}`);
  }
}

function heightOf(value: unknown): bigint | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' || !/^\d+$/.test(value)) {
    // Numbers too: an int64 is a string in JSON.
    const text = `invalid 64-bit integer encoding ${JSON.stringify(String(value))}, expected string`;
    throw new RpcRefusal(-32602, `error converting json params to arguments: ${text}`);
  }
  return BigInt(value);
}

/** Base64 over POST, `0x` and hex over GET. */
function transactionOf(value: unknown): string {
  const text = String(value);
  return text.startsWith('0x')
    ? Buffer.from(text.slice(2), 'hex').toString('utf8')
    : Buffer.from(text, 'base64').toString('utf8');
}
