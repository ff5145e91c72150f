/**
 * Sign bytes once more, written from the field tables of spec/privval.md 2.3 and from nothing of
 * the product: what a signature is checked against must not come from the code that made it.
 */
import type { BlockId } from '@privval/proto/types/block-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Timestamp } from '@privval/proto/types/timestamp';
import type { Vote } from '@privval/proto/types/vote';

type Bytes = readonly number[];

export function plainVoteSignBytes(chainId: string, vote: Vote): Uint8Array {
  return delimited([
    ...[0x08, vote.type === 'prevote' ? 1 : 2],
    ...position(vote),
    ...(isNil(vote.blockId) ? [] : field(0x22, blockId(vote.blockId))),
    ...field(0x2a, time(vote.timestamp)),
    ...text(0x32, chainId),
  ]);
}

export function plainProposalSignBytes(chainId: string, proposal: Proposal): Uint8Array {
  return delimited([
    ...[0x08, 32],
    ...position(proposal),
    ...number(0x20, BigInt(proposal.polRound)),
    ...(isNil(proposal.blockId) ? [] : field(0x2a, blockId(proposal.blockId))),
    ...field(0x32, time(proposal.timestamp)),
    ...text(0x3a, chainId),
  ]);
}

export function plainExtensionSignBytes(chainId: string, vote: Vote): Uint8Array {
  return delimited([
    ...(vote.extension.length === 0 ? [] : field(0x0a, [...vote.extension])),
    ...position(vote),
    ...text(0x22, chainId),
  ]);
}

function delimited(body: Bytes): Uint8Array {
  return Uint8Array.from([...varint(BigInt(body.length)), ...body]);
}

function position({ height, round }: { height: bigint; round: number }): Bytes {
  return [...fixed(0x11, height), ...fixed(0x19, BigInt(round))];
}

function isNil({ hash, partSetHeader }: BlockId): boolean {
  return hash.length === 0 && partSetHeader.total === 0 && partSetHeader.hash.length === 0;
}

function blockId({ hash, partSetHeader }: BlockId): Bytes {
  const parts = [
    ...number(0x08, BigInt(partSetHeader.total)),
    ...(partSetHeader.hash.length === 0 ? [] : field(0x12, [...partSetHeader.hash])),
  ];
  return [...(hash.length === 0 ? [] : field(0x0a, [...hash])), ...field(0x12, parts)];
}

function time({ seconds, nanos }: Timestamp): Bytes {
  return [...number(0x08, seconds), ...number(0x10, BigInt(nanos))];
}

function text(tag: number, value: string): Bytes {
  return value === '' ? [] : field(tag, [...new TextEncoder().encode(value)]);
}

function field(tag: number, body: Bytes): Bytes {
  return [tag, ...varint(BigInt(body.length)), ...body];
}

function number(tag: number, value: bigint): Bytes {
  return value === 0n ? [] : [tag, ...varint(BigInt.asUintN(64, value))];
}

function fixed(tag: number, value: bigint): Bytes {
  if (value === 0n) return [];
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, value, true);
  return [tag, ...new Uint8Array(view.buffer)];
}

function varint(value: bigint): Bytes {
  const low = Number(value & 0x7fn);
  return value < 0x80n ? [low] : [low | 0x80, ...varint(value >> 7n)];
}
