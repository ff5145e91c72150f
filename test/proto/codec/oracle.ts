/**
 * A second opinion on every byte: the code protobufjs generated from proto/schema, fed with domain
 * values. It shares nothing with the hand-written codecs but the field tables.
 */
import type { CanonicalMessage } from '@privval/proto/codec/sign-bytes';
import { cometbft, tendermint } from '@privval/proto/generated/messages';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import type { SendableRequest } from '@privval/proto/privval/request-codec';
import type { BlockId } from '@privval/proto/types/block-id';
import { isNilBlockId } from '@privval/proto/types/block-id';
import type { Proposal } from '@privval/proto/types/proposal';
import { type Timestamp, ZERO_TIME } from '@privval/proto/types/timestamp';
import type { Vote } from '@privval/proto/types/vote';

type Long = Exclude<tendermint.types.Vote.$Properties['height'], number | null | undefined>;

const VOTE_TYPE = { prevote: 1, precommit: 2 } as const;

/** The two halves are all the generated code looks at. */
function long(value: bigint): Long {
  const low = Number(BigInt.asIntN(32, value));
  return { low, high: Number(BigInt.asIntN(32, value >> 32n)), unsigned: false } as Long;
}

function timestamp(time: Timestamp): { seconds: Long; nanos: number } {
  return { seconds: long(time.seconds), nanos: time.nanos };
}

function blockId(id: BlockId): tendermint.types.BlockID.$Properties {
  return { hash: id.hash, partSetHeader: { ...id.partSetHeader } };
}

function vote(fields: Vote): tendermint.types.Vote.$Properties {
  return {
    ...fields,
    type: VOTE_TYPE[fields.type],
    height: long(fields.height),
    blockId: blockId(fields.blockId),
    timestamp: timestamp(fields.timestamp),
  };
}

function proposal(fields: Proposal): tendermint.types.Proposal.$Properties {
  return {
    ...fields,
    type: 32,
    height: long(fields.height),
    blockId: blockId(fields.blockId),
    timestamp: timestamp(fields.timestamp),
  };
}

/** `message` behind its length: what Go's MarshalDelimited makes. */
function delimited(body: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = body.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Uint8Array.from([...length, rest, ...body]);
}

export function oracleSignBytes(message: CanonicalMessage): Uint8Array {
  const shared = {
    height: long(message.height),
    round: long(BigInt(message.round)),
    blockId: isNilBlockId(message.blockId) ? null : blockId(message.blockId),
    timestamp: timestamp(message.timestamp),
    chainId: message.chainId,
  };
  const body =
    message.kind === 'vote'
      ? tendermint.types.CanonicalVote.encode({ ...shared, type: VOTE_TYPE[message.type] })
      : tendermint.types.CanonicalProposal.encode({
          ...shared,
          type: 32,
          polRound: long(BigInt(message.polRound)),
        });
  return delimited(body.finish());
}

export function oracleUntypedVote(fields: {
  readonly height: number;
  readonly round: number;
  readonly chainId: string;
}): Uint8Array {
  const body = tendermint.types.CanonicalVote.encode({
    ...fields,
    timestamp: timestamp(ZERO_TIME),
  });
  return delimited(body.finish());
}

export function oracleExtensionSignBytes(chainId: string, fields: Vote): Uint8Array {
  const body = tendermint.types.CanonicalVoteExtension.encode({
    extension: fields.extension,
    height: long(fields.height),
    round: long(BigInt(fields.round)),
    chainId,
  });
  return delimited(body.finish());
}

/** As CometBFT v1 would write it; only its skip flag tells it from the older dialects. */
export function oracleRequest(request: SendableRequest): Uint8Array {
  const { Message } = cometbft.privval.v1;
  if (request.kind === 'ping') return Message.encode({ pingRequest: {} }).finish();
  const { chainId } = request;
  if (request.kind === 'public-key') return Message.encode({ pubKeyRequest: { chainId } }).finish();
  if (request.kind === 'sign-vote') {
    const { skipExtensionSigning } = request;
    const signVoteRequest = { vote: vote(request.vote), chainId, skipExtensionSigning };
    return Message.encode({ signVoteRequest }).finish();
  }
  const signProposalRequest = { proposal: proposal(request.proposal), chainId };
  return Message.encode({ signProposalRequest }).finish();
}

/** As a v0.34 to v0.40 signer would write it, which knows no fields 3 and 4 in PubKeyResponse. */
export function oracleResponse(response: PrivvalResponse): Uint8Array {
  const { Message } = tendermint.privval;
  const error = 'error' in response ? response.error : null;
  const zeroTime = timestamp(ZERO_TIME);
  const zeroBlockId = { partSetHeader: {} };
  switch (response.kind) {
    case 'empty':
      return new Uint8Array(0);
    case 'ping':
      return Message.encode({ pingResponse: {} }).finish();
    case 'public-key': {
      const pubKey = 'error' in response ? {} : { ed25519: response.publicKey.bytes };
      return Message.encode({ pubKeyResponse: { pubKey, error } }).finish();
    }
    case 'signed-vote': {
      const signed =
        'error' in response ? { blockId: zeroBlockId, timestamp: zeroTime } : vote(response.vote);
      return Message.encode({ signedVoteResponse: { vote: signed, error } }).finish();
    }
    case 'signed-proposal': {
      const signed =
        'error' in response
          ? { blockId: zeroBlockId, timestamp: zeroTime }
          : proposal(response.proposal);
      return Message.encode({ signedProposalResponse: { proposal: signed, error } }).finish();
    }
    case 'sign-bytes':
      return cometbft.privval.v1.Message.encode({ signBytesResponse: { error } }).finish();
  }
}
