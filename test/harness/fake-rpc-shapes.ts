/** How each version writes what it tells: the shapes in `test/vectors/rpc/`. Pure. */

import { publicKeyToJson } from '@privval/proto/crypto/key-json';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { base64FromBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Timestamp } from '@privval/proto/types/timestamp';
import {
  type FakeBlock,
  type FakePower,
  type FakeSignature,
  fakeAddress,
  setHash,
} from './fake-rpc-chain.ts';

/** The versions that the vectors were recorded from. */
export type FakeRpcVersion =
  | 'tendermint-0.34.24'
  | 'tendermint-0.35.9'
  | 'cometbft-0.37.18'
  | 'cometbft-0.38.25'
  | 'cometbft-0.39.4'
  | 'cometbft-0.40.0'
  | 'cometbft-1.0.1';

/** JSON, ready to be written. */
export type Json = Readonly<Record<string, unknown>>;

/** What differs between the versions. */
export interface VersionFacts {
  /** `node_info.version`: not always what it was released as. */
  readonly reported: string;
  /** Where the results of a block are: before v0.38 in two halves. */
  readonly results: 'begin-and-end' | 'finalize';
  readonly updates: 'sum' | 'amino' | 'bytes';
  readonly hasHeaderMethod: boolean;
  readonly hasBlockIdInEvent: boolean;
  /** Absent where results cannot be left out. */
  readonly noResultsText?: string;
}

const OLD = {
  results: 'begin-and-end',
  updates: 'sum',
  hasHeaderMethod: true,
  hasBlockIdInEvent: false,
} as const;
const NEW = {
  results: 'finalize',
  updates: 'sum',
  hasHeaderMethod: true,
  hasBlockIdInEvent: true,
  noResultsText: 'node is not persisting finalize block responses',
} as const;

/** Per version, as recorded. */
export const VERSION_FACTS: Readonly<Record<FakeRpcVersion, VersionFacts>> = {
  'tendermint-0.34.24': { ...OLD, reported: '0.34.24', hasHeaderMethod: false },
  'tendermint-0.35.9': { ...OLD, reported: '0.35.8', updates: 'amino', hasBlockIdInEvent: true },
  'cometbft-0.37.18': {
    ...OLD,
    reported: '0.37.16',
    noResultsText: 'node is not persisting abci responses',
  },
  'cometbft-0.38.25': { ...NEW, reported: '0.38.25' },
  'cometbft-0.39.4': { ...NEW, reported: '0.39.4' },
  'cometbft-0.40.0': { ...NEW, reported: '0.39.0' },
  'cometbft-1.0.1': { ...NEW, reported: '1.0.1', updates: 'bytes' },
};

/** RFC 3339 as Go writes it: no trailing zeros in the fraction. */
export function timeJson({ seconds, nanos }: Timestamp): string {
  const whole = new Date(Number(seconds) * 1_000).toISOString().slice(0, 19);
  const fraction = nanos.toString().padStart(9, '0').replace(/0+$/, '');
  return `${whole}${fraction === '' ? '' : '.'}${fraction}Z`;
}

const upperHex = (bytes: Uint8Array): string => hexFromBytes(bytes).toUpperCase();
/** SHA-256 of nothing. */
const EMPTY_HASH = 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855';

export function blockIdJson(block: FakeBlock | undefined): Json {
  if (block === undefined) return { hash: '', parts: { total: 0, hash: '' } };
  return { hash: upperHex(block.hash), parts: { total: 1, hash: upperHex(block.partsHash) } };
}

export function headerJson(block: FakeBlock): Json {
  return {
    version: { block: '11', app: '1' },
    chain_id: block.chainId,
    height: String(block.height),
    time: timeJson(block.time),
    last_block_id: blockIdJson(block.previous),
    last_commit_hash: EMPTY_HASH,
    data_hash: EMPTY_HASH,
    validators_hash: upperHex(setHash(block.members)),
    next_validators_hash: upperHex(setHash(block.nextMembers)),
    consensus_hash: EMPTY_HASH,
    app_hash: '0000000000000000',
    last_results_hash: EMPTY_HASH,
    evidence_hash: EMPTY_HASH,
    proposer_address: block.members[0] === undefined ? '' : fakeAddress(block.members[0].publicKey),
  };
}

const FLAG_NUMBERS = { absent: 1, commit: 2, nil: 3 } as const satisfies Record<
  FakeSignature['flag'],
  number
>;

export function commitJson(block: FakeBlock | undefined): Json {
  if (block === undefined) {
    return { height: '0', round: 0, block_id: blockIdJson(undefined), signatures: [] };
  }
  return {
    height: String(block.height),
    round: block.round,
    block_id: blockIdJson(block),
    signatures: block.signatures.map(({ flag, publicKey, timestamp, signature }) => ({
      block_id_flag: FLAG_NUMBERS[flag],
      validator_address: flag === 'absent' ? '' : fakeAddress(publicKey),
      timestamp: timeJson(timestamp),
      signature: signature === undefined ? null : base64FromBytes(signature),
    })),
  };
}

export function blockJson(block: FakeBlock): Json {
  return {
    header: headerJson(block),
    data: { txs: block.transactions.map(base64OfText) },
    evidence: { evidence: [] },
    last_commit: commitJson(block.previous),
  };
}

export function metaJson(block: FakeBlock): Json {
  return {
    block_id: blockIdJson(block),
    block_size: '600',
    header: headerJson(block),
    num_txs: String(block.transactions.length),
  };
}

/** A change of power. Except in v0.35, a removal has no `power`. */
export function updateJson({ updates }: VersionFacts, update: FakePower): Json {
  const key = base64FromBytes(update.publicKey);
  const power = update.power === 0n ? {} : { power: String(update.power) };
  switch (updates) {
    case 'sum': {
      const Sum = { type: 'tendermint.crypto.PublicKey_Ed25519', value: { ed25519: key } };
      return { pub_key: { Sum }, ...power };
    }
    case 'amino':
      return {
        pub_key: publicKeyToJson(ed25519PublicKey(update.publicKey)),
        power: String(update.power),
      };
    case 'bytes':
      return { ...power, pub_key_bytes: key, pub_key_type: 'ed25519' };
  }
}

/** A member as `/validators` and the event of a changed set have it. */
export function memberJson({ publicKey, power }: FakePower): Json {
  return {
    address: fakeAddress(publicKey),
    pub_key: publicKeyToJson(ed25519PublicKey(publicKey)),
    voting_power: String(power),
    proposer_priority: '0',
  };
}

function txResults(block: FakeBlock): readonly Json[] {
  return block.transactions.map(() => ({
    code: 0,
    data: null,
    log: '',
    info: '',
    gas_wanted: '0',
    gas_used: '0',
    events: [],
    codespace: '',
  }));
}

/** Go's JSON of an empty list that was never made. */
function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}

export function blockResultsJson(facts: VersionFacts, block: FakeBlock): Json {
  const updates = orNull(block.updates.map((update) => updateJson(facts, update)));
  const head = { height: String(block.height), txs_results: orNull(txResults(block)) };
  if (facts.results === 'finalize') {
    return {
      ...head,
      finalize_block_events: null,
      validator_updates: updates,
      consensus_param_updates: null,
      app_hash: 'AAAAAAAAAAA=',
    };
  }
  return {
    ...head,
    ...(facts.updates === 'amino' ? { total_gas_used: '0' } : {}),
    begin_block_events: null,
    end_block_events: null,
    validator_updates: updates,
    consensus_param_updates: null,
  };
}

/** What the results are in an event: there an empty list of updates is a list. */
function eventResults(facts: VersionFacts, block: FakeBlock): Json {
  const validator_updates = block.updates.map((update) => updateJson(facts, update));
  if (facts.results === 'begin-and-end') {
    return { result_begin_block: {}, result_end_block: { validator_updates } };
  }
  const results = txResults(block);
  const tx_results = results.length === 0 ? {} : { tx_results: results };
  return { result_finalize_block: { ...tx_results, validator_updates, app_hash: 'AAAAAAAAAAA=' } };
}

/** What a node can be asked to tell as it happens. */
export type FakeEvent = 'NewBlock' | 'NewBlockHeader' | 'ValidatorSetUpdates';

/** The value of an event's `data`; `undefined` when the block causes no such event. */
export function eventJson(
  facts: VersionFacts,
  event: FakeEvent,
  block: FakeBlock,
): Json | undefined {
  switch (event) {
    case 'NewBlock':
      return {
        block: blockJson(block),
        ...(facts.hasBlockIdInEvent ? { block_id: blockIdJson(block) } : {}),
        ...eventResults(facts, block),
      };
    case 'NewBlockHeader':
      return {
        header: headerJson(block),
        ...(facts.results === 'finalize'
          ? {}
          : { num_txs: String(block.transactions.length), ...eventResults(facts, block) }),
      };
    case 'ValidatorSetUpdates':
      return block.updates.length === 0
        ? undefined
        : { validator_updates: block.updates.map(memberJson) };
  }
}

function base64OfText(text: string): string {
  return Buffer.from(text).toString('base64');
}
