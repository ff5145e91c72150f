/** Messages as a validator is asked to sign them, in few words. */
import { createHash } from 'node:crypto';
import { proposalSignBytes, voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { type BlockId, NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import type { Hrs, Step } from '@privval/signer/guard/hrs';

/** The chain of tests that need only one. */
export const CHAIN: ChainId = parseChainId('guard-chain');

/** A message in a test's words. */
export interface Message {
  readonly at: Hrs;
  /** Which block it is for; `nil` for a nil vote. @default 'A' */
  readonly block?: string | undefined;
  /** Seconds since 1970. @default 1700000000 */
  readonly seconds?: number | undefined;
  /** Of a proposal. @default -1 */
  readonly polRound?: number | undefined;
  readonly chainId?: ChainId | undefined;
}

/** A position. */
export function hrs(height: number | bigint, round: number, step: Step): Hrs {
  return { height: BigInt(height), round, step };
}

/** Its sign bytes. */
export function signBytesOf(message: Message): Uint8Array {
  const { at, chainId = CHAIN } = message;
  const common = {
    height: at.height,
    round: at.round,
    blockId: blockIdOf(message.block ?? 'A'),
    timestamp: { seconds: BigInt(message.seconds ?? 1_700_000_000), nanos: 0 },
  };
  if (at.step === 'propose') {
    return proposalSignBytes(chainId, { ...common, polRound: message.polRound ?? -1 });
  }
  return voteSignBytes(chainId, { ...common, type: at.step });
}

/** A block of a name. */
export function blockIdOf(name: string): BlockId {
  if (name === 'nil') return NIL_BLOCK_ID;
  const hash = (text: string): Uint8Array =>
    new Uint8Array(createHash('sha256').update(text).digest());
  return { hash: hash(name), partSetHeader: { total: 1, hash: hash(`parts of ${name}`) } };
}
