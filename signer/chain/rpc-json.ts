/**
 * A node's JSON as our facts, whatever its version (test/vectors/rpc has seven). Pure. What is not
 * of the shape looked for throws {@link RpcShapeError}, whose text names the member.
 */

import { bytesFromBase64, bytesFromHex } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type {
  CommitSignature,
  EvidenceParams,
  HeaderFacts,
  NodeStatus,
  PowerUpdate,
  SetMember,
  SignedHeaderFacts,
} from './node-rpc.ts';
import { msOfTimestamp, timestampFromRfc3339 } from './rfc3339.ts';

/** A member is missing or is not what it should be. The caller makes a {NodeRpcError} of it. */
export class RpcShapeError extends CodedError {
  override readonly name = 'RpcShapeError';
  readonly code = 'ERR_NODE_RPC';

  constructor(what: { readonly member: string; readonly wanted: string }, options?: ErrorOptions) {
    super(`${what.member} in its answer is not ${what.wanted}`, options);
  }
}

type Json = Readonly<Record<string, unknown>>;

/** Names of an Ed25519 key: in JSON objects, as an enumeration of v1, and in Go's oneof. */
const ED25519_NAMES = [
  'tendermint/PubKeyEd25519',
  'ed25519',
  'tendermint.crypto.PublicKey_Ed25519',
];

const ED25519_KEY_BYTES = 32;
const ADDRESS_BYTES = 20;
const HASH_BYTES = 32;
const BLOCK_ID_FLAG_BLOCK = 2;
const BLOCK_ID_FLAG_NIL = 3;

/** The result of `status`. */
export function statusFromJson(value: unknown): NodeStatus {
  const result = object(value, 'result');
  const info = object(result['node_info'], 'node_info');
  const sync = object(result['sync_info'], 'sync_info');
  return {
    chainId: text(info['network'], 'network'),
    version: text(info['version'], 'version').slice(0, 32),
    latestHeight: int64(sync['latest_block_height'], 'latest_block_height'),
    earliestHeight: int64(sync['earliest_block_height'] ?? '0', 'earliest_block_height'),
    latestTimeMs: msOfTimestamp(time(sync['latest_block_time'], 'latest_block_time')),
    isCatchingUp: sync['catching_up'] === true,
  };
}

/** A header, from wherever it stands. */
export function headerFromJson(value: unknown): HeaderFacts {
  const header = object(value, 'header');
  return {
    chainId: text(header['chain_id'], 'chain_id'),
    height: int64(header['height'], 'height'),
    timeMs: msOfTimestamp(time(header['time'], 'time')),
    validatorsHash: hash(header['validators_hash'], 'validators_hash'),
    nextValidatorsHash: hash(header['next_validators_hash'], 'next_validators_hash'),
  };
}

/** The result of `blockchain`: headers, oldest first. */
export function headersFromJson(value: unknown): readonly HeaderFacts[] {
  const result = object(value, 'result');
  return list(result['block_metas'], 'block_metas')
    .map((meta) => headerFromJson(object(meta, 'block_meta')['header']))
    .sort((a, b) => (a.height < b.height ? -1 : 1));
}

/**
 * `validator_updates` of a block: Go's oneof (v0.34, v0.37 to v0.40), an object with type and value
 * (v0.35), or bytes and a type beside each other (v1). A removal's power may be left out.
 */
export function updatesFromJson(value: unknown): readonly PowerUpdate[] {
  return list(value ?? [], 'validator_updates').flatMap((item): readonly PowerUpdate[] => {
    const update = object(item, 'validator_update');
    const key = keyOfUpdate(update);
    if (key === undefined) return [];
    return [{ publicKey: key, power: int64(update['power'] ?? '0', 'power') }];
  });
}

/** The result of `commit`. */
export function commitFromJson(value: unknown): SignedHeaderFacts {
  const result = object(value, 'result');
  const signed = object(result['signed_header'], 'signed_header');
  const commit = object(signed['commit'], 'commit');
  const blockId = object(commit['block_id'], 'block_id');
  // v0.34 to v0.40 say `parts`, protobuf's own JSON `part_set_header`.
  const parts = object(blockId['parts'] ?? blockId['part_set_header'], 'parts');
  const header = headerFromJson(signed['header']);
  if (int64(commit['height'], 'height') !== header.height) {
    throw new RpcShapeError({ member: 'commit.height', wanted: 'that of its header' });
  }
  return {
    ...header,
    round: int32(commit['round'], 'round'),
    blockId: {
      hash: hash(blockId['hash'], 'block_id.hash'),
      partSetTotal: int32(parts['total'], 'parts.total'),
      partSetHash: hash(parts['hash'], 'parts.hash'),
    },
    signatures: list(commit['signatures'], 'signatures').flatMap(signatureFromJson),
    isCanonical: result['canonical'] === true,
  };
}

/** One page of `validators`, and how many there are in all. */
export function validatorsFromJson(value: unknown): {
  readonly members: readonly SetMember[];
  readonly total: number;
} {
  const result = object(value, 'result');
  const members = list(result['validators'], 'validators').map(memberFromJson);
  return { members, total: int32(result['total'], 'total') };
}

/** The result of `consensus_params`. */
export function evidenceParamsFromJson(value: unknown): EvidenceParams {
  const params = object(object(value, 'result')['consensus_params'], 'consensus_params');
  const evidence = object(params['evidence'], 'evidence');
  const validator = object(params['validator'], 'validator');
  return {
    maxAgeBlocks: int64(evidence['max_age_num_blocks'], 'max_age_num_blocks'),
    // In nanoseconds.
    maxAgeMs: Number(int64(evidence['max_age_duration'], 'max_age_duration') / 1_000_000n),
    keyTypes: list(validator['pub_key_types'], 'pub_key_types').map((type) =>
      text(type, 'pub_key_types'),
    ),
  };
}

function keyOfUpdate(update: Json): Uint8Array | undefined {
  if (update['pub_key_bytes'] !== undefined) {
    if (!ED25519_NAMES.includes(text(update['pub_key_type'], 'pub_key_type'))) return undefined;
    return key(update['pub_key_bytes']);
  }
  const pubKey = object(update['pub_key'], 'pub_key');
  const sum = pubKey['Sum'] ?? pubKey['sum'];
  if (sum === undefined) {
    if (!ED25519_NAMES.includes(text(pubKey['type'], 'pub_key.type'))) return undefined;
    return key(pubKey['value']);
  }
  const oneof = object(object(sum, 'Sum')['value'], 'Sum.value');
  return oneof['ed25519'] === undefined ? undefined : key(oneof['ed25519']);
}

function memberFromJson(value: unknown): SetMember {
  const member = object(value, 'validator');
  const pubKey = object(member['pub_key'], 'pub_key');
  const type = text(pubKey['type'], 'pub_key.type');
  const isEd25519 = ED25519_NAMES.includes(type);
  const keyBytes = isEd25519 ? key(pubKey['value']) : base64(pubKey['value'], 'pub_key.value');
  return {
    address: bytesOfLength(hex(member['address'], 'address'), ADDRESS_BYTES, 'address'),
    publicKey: isEd25519 ? keyBytes : undefined,
    key: { type: isEd25519 ? 'tendermint/PubKeyEd25519' : type, bytes: keyBytes },
    power: int64(member['voting_power'], 'voting_power'),
  };
}

function signatureFromJson(value: unknown): readonly CommitSignature[] {
  const signature = object(value, 'signature');
  const flag = flagOf(signature['block_id_flag']);
  if (flag === undefined) return [];
  return [
    {
      address: bytesOfLength(
        hex(signature['validator_address'], 'validator_address'),
        ADDRESS_BYTES,
        'validator_address',
      ),
      flag,
      timestamp: time(signature['timestamp'], 'timestamp'),
      signature: base64(signature['signature'], 'signature'),
    },
  ];
}

/** `undefined` for an absent one, and for what is no flag at all: neither proves anything. */
function flagOf(value: unknown): CommitSignature['flag'] | undefined {
  if (value === BLOCK_ID_FLAG_BLOCK || value === 'BLOCK_ID_FLAG_COMMIT') return 'block';
  return value === BLOCK_ID_FLAG_NIL || value === 'BLOCK_ID_FLAG_NIL' ? 'nil' : undefined;
}

function key(value: unknown): Uint8Array {
  return bytesOfLength(base64(value, 'a public key'), ED25519_KEY_BYTES, 'a public key');
}

function object(value: unknown, member: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RpcShapeError({ member, wanted: 'an object' });
  }
  return value as Json;
}

function list(value: unknown, member: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new RpcShapeError({ member, wanted: 'a list' });
  return value;
}

function text(value: unknown, member: string): string {
  if (typeof value !== 'string') throw new RpcShapeError({ member, wanted: 'a text' });
  return value;
}

/** Never negative here; in quotes, as all 64-bit numbers of this JSON. */
function int64(value: unknown, member: string): bigint {
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) {
    const number = BigInt(value);
    if (number < 2n ** 63n) return number;
  }
  throw new RpcShapeError({ member, wanted: 'a number of 64 bits in quotes' });
}

/** Never negative here; in quotes where Go's type is `int`. */
function int32(value: unknown, member: string): number {
  const number =
    typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : Number(value ?? NaN);
  if (Number.isInteger(number) && number >= 0 && number < 2 ** 32) return number;
  throw new RpcShapeError({ member, wanted: 'a number of 32 bits' });
}

function time(value: unknown, member: string): CommitSignature['timestamp'] {
  const timestamp = timestampFromRfc3339(text(value, member));
  if (timestamp === undefined) throw new RpcShapeError({ member, wanted: 'a time' });
  return timestamp;
}

function hash(value: unknown, member: string): Uint8Array {
  return bytesOfLength(hex(value, member), HASH_BYTES, member);
}

function hex(value: unknown, member: string): Uint8Array {
  return decoded(() => bytesFromHex(text(value, member)), member, 'hexadecimal');
}

function base64(value: unknown, member: string): Uint8Array {
  return decoded(() => bytesFromBase64(text(value, member)), member, 'base64');
}

function decoded(decode: () => Uint8Array, member: string, encoding: string): Uint8Array {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof RpcShapeError) throw cause;
    throw new RpcShapeError({ member, wanted: encoding }, { cause });
  }
}

function bytesOfLength(bytes: Uint8Array, length: number, member: string): Uint8Array {
  if (bytes.length !== length) throw new RpcShapeError({ member, wanted: `${length} bytes` });
  return bytes;
}
