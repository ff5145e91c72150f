/**
 * Sign bytes: what a validator's signature covers (spec/privval.md 2.6).
 *
 * The canonical message behind its own length as a varint. The length is part of what is signed.
 * Written by hand, because these bytes are a rule of consensus: one byte off and a whole chain
 * says the signature is wrong, or two messages look like one.
 */
import type { Writer } from 'protobufjs/minimal.js';
import { equalBytes } from '../runtime/bytes.ts';
import { CodedError } from '../runtime/coded-error.ts';
import { type BlockId, isNilBlockId, isValidBlockId } from '../types/block-id.ts';
import { isValidTimestamp, type Timestamp, ZERO_TIME } from '../types/timestamp.ts';
import type { Vote, VoteType } from '../types/vote.ts';
import { blockIdFromDraft, newBlockIdDraft, readBlockId, writeBlockId } from './block-id-codec.ts';
import { readTimestamp, writeTimestamp } from './timestamp-codec.ts';
import { MalformedMessageError, WireReader } from './wire-reader.ts';
import {
  newWriter,
  writeBytesField,
  writeSfixed64,
  writeTextField,
  writtenBytes,
} from './wire-writer.ts';

/** What sign bytes of a vote say. */
export interface CanonicalVote {
  readonly kind: 'vote';
  readonly type: VoteType;
  readonly height: bigint;
  readonly round: number;
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
  readonly chainId: string;
}

/** What sign bytes of a proposal say. */
export interface CanonicalProposal {
  readonly kind: 'proposal';
  readonly height: bigint;
  readonly round: number;
  readonly polRound: number;
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
  readonly chainId: string;
}

/** What sign bytes say. */
export type CanonicalMessage = CanonicalVote | CanonicalProposal;

/** A vote or proposal has no sign bytes: a hash of a wrong length, or a time no Go node can write. */
export class UnsignableMessageError extends CodedError {
  override readonly name = 'UnsignableMessageError';
  readonly code = 'ERR_UNSIGNABLE_MESSAGE';
}

/** Bytes are not the canonical sign bytes of a vote or proposal. */
export class InvalidSignBytesError extends CodedError {
  override readonly name = 'InvalidSignBytesError';
  readonly code = 'ERR_INVALID_SIGN_BYTES';

  constructor(reason: string, options?: ErrorOptions) {
    super(`not the sign bytes of a vote or proposal: ${reason}`, options);
  }
}

const PREVOTE = 1;
const PRECOMMIT = 2;
const PROPOSAL = 32;

// Tags: field number and wire type in one byte. Votes and proposals share the first three.
const TYPE = 0x08;
const HEIGHT = 0x11;
const ROUND = 0x19;
const VOTE_BLOCK_ID = 0x22;
const VOTE_TIMESTAMP = 0x2a;
const VOTE_CHAIN_ID = 0x32;
const PROPOSAL_POL_ROUND = 0x20;
const PROPOSAL_BLOCK_ID = 0x2a;
const PROPOSAL_TIMESTAMP = 0x32;
const PROPOSAL_CHAIN_ID = 0x3a;
const EXTENSION_EXTENSION = 0x0a;
const EXTENSION_CHAIN_ID = 0x22;

/**
 * The bytes a validator signs for a vote. Address, index, signature and extension are not in them.
 *
 * @throws {UnsignableMessageError} ERR_UNSIGNABLE_MESSAGE
 */
export function voteSignBytes(
  chainId: string,
  vote: Omit<CanonicalVote, 'kind' | 'chainId'>,
): Uint8Array {
  checkSignable(vote);
  const writer = newWriter().fork();
  writer.uint32(TYPE).uint32(vote.type === 'prevote' ? PREVOTE : PRECOMMIT);
  writePosition(writer, vote.height, vote.round);
  if (!isNilBlockId(vote.blockId)) writeBlockId(writer, VOTE_BLOCK_ID, vote.blockId);
  writeTimestamp(writer, VOTE_TIMESTAMP, vote.timestamp);
  writeTextField(writer, VOTE_CHAIN_ID, chainId);
  return writtenBytes(writer.ldelim());
}

/**
 * The bytes a validator signs for a proposal.
 *
 * @throws {UnsignableMessageError} ERR_UNSIGNABLE_MESSAGE
 */
export function proposalSignBytes(
  chainId: string,
  proposal: Omit<CanonicalProposal, 'kind' | 'chainId'>,
): Uint8Array {
  checkSignable(proposal);
  const writer = newWriter().fork();
  writer.uint32(TYPE).uint32(PROPOSAL);
  writePosition(writer, proposal.height, proposal.round);
  // A varint, unlike height and round: -1 takes ten bytes.
  if (proposal.polRound !== 0) writer.uint32(PROPOSAL_POL_ROUND).int64(proposal.polRound);
  if (!isNilBlockId(proposal.blockId)) writeBlockId(writer, PROPOSAL_BLOCK_ID, proposal.blockId);
  writeTimestamp(writer, PROPOSAL_TIMESTAMP, proposal.timestamp);
  writeTextField(writer, PROPOSAL_CHAIN_ID, chainId);
  return writtenBytes(writer.ldelim());
}

/** The bytes a validator signs for a vote's extension, an empty one included. No block, no time. */
export function voteExtensionSignBytes(
  chainId: string,
  vote: Pick<Vote, 'extension' | 'height' | 'round'>,
): Uint8Array {
  const writer = newWriter().fork();
  writeBytesField(writer, EXTENSION_EXTENSION, vote.extension);
  writePosition(writer, vote.height, vote.round);
  writeTextField(writer, EXTENSION_CHAIN_ID, chainId);
  return writtenBytes(writer.ldelim());
}

/**
 * What sign bytes say.
 *
 * Accepts exactly what {@link voteSignBytes} and {@link proposalSignBytes} write and no other
 * spelling of it, so that comparing the fields of two sign bytes is comparing what was signed.
 *
 * @throws {InvalidSignBytesError} ERR_INVALID_SIGN_BYTES, for a vote extension too.
 */
export function parseSignBytes(bytes: Uint8Array): CanonicalMessage {
  const message = readSignBytes(bytes);
  if (!isSignable(message)) throw new InvalidSignBytesError('a hash or a time nobody signs');
  if (!equalBytes(encodeSignBytes(message), bytes)) {
    throw new InvalidSignBytesError('not the canonical encoding');
  }
  return message;
}

/** The sign bytes of what {@link parseSignBytes} returned. */
export function encodeSignBytes(message: CanonicalMessage): Uint8Array {
  return message.kind === 'vote'
    ? voteSignBytes(message.chainId, message)
    : proposalSignBytes(message.chainId, message);
}

/**
 * Whether two sign bytes are one message apart from its time; equal bytes are.
 *
 * Such a pair is one vote asked for twice, and the one signed first answers both (spec/privval.md 5.4).
 *
 * @throws {InvalidSignBytesError} ERR_INVALID_SIGN_BYTES when either is none.
 */
export function differOnlyInTimestamp(a: Uint8Array, b: Uint8Array): boolean {
  const timeless = { ...parseSignBytes(a), timestamp: ZERO_TIME };
  return equalBytes(
    encodeSignBytes(timeless),
    encodeSignBytes({ ...parseSignBytes(b), timestamp: ZERO_TIME }),
  );
}

/** The time in sign bytes. @throws {InvalidSignBytesError} ERR_INVALID_SIGN_BYTES */
export function timestampOfSignBytes(bytes: Uint8Array): Timestamp {
  return parseSignBytes(bytes).timestamp;
}

function writePosition(writer: Writer, height: bigint, round: number): void {
  if (height !== 0n) {
    writer.uint32(HEIGHT);
    writeSfixed64(writer, height);
  }
  if (round !== 0) writer.uint32(ROUND).sfixed64(round);
}

/** Go panics on these two rather than sign (spec/privval.md 2.5); decoders refuse them long before. */
function isSignable(message: {
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
}): boolean {
  return isValidBlockId(message.blockId) && isValidTimestamp(message.timestamp);
}

function checkSignable(message: {
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
}): void {
  if (!isSignable(message)) {
    throw new UnsignableMessageError('a hash of neither 32 bytes nor none, or a time out of range');
  }
}

/** Reads the fields with no regard to their spelling; the type comes first, and says what follows. */
function readSignBytes(bytes: Uint8Array): CanonicalMessage {
  try {
    const reader = WireReader.ofDelimited(bytes);
    if (reader.next() !== 1) throw new InvalidSignBytesError('no type at their head');
    const type = reader.number();
    if (type === PREVOTE) return readVote(reader, 'prevote');
    if (type === PRECOMMIT) return readVote(reader, 'precommit');
    if (type === PROPOSAL) return readProposal(reader);
    throw new InvalidSignBytesError(`type ${type}`);
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
    throw new InvalidSignBytesError(error.message, { cause: error });
  }
}

function readVote(reader: WireReader, type: VoteType): CanonicalVote {
  const blockId = newBlockIdDraft();
  let height = 0n;
  let round = 0;
  let timestamp = ZERO_TIME;
  let chainId = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) height = reader.sfixed64();
    else if (field === 3) round = int32(reader.sfixed64());
    else if (field === 4) readBlockId(reader.message(), blockId);
    else if (field === 5) timestamp = readTimestamp(reader.message());
    else if (field === 6) chainId = wellFormed(reader.text());
    else throw new InvalidSignBytesError(`field ${field}`);
  }
  return {
    kind: 'vote',
    type,
    height,
    round,
    blockId: blockIdFromDraft(blockId),
    timestamp,
    chainId,
  };
}

function readProposal(reader: WireReader): CanonicalProposal {
  const draft = newBlockIdDraft();
  let height = 0n;
  let round = 0;
  let polRound = 0;
  let timestamp = ZERO_TIME;
  let chainId = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) height = reader.sfixed64();
    else if (field === 3) round = int32(reader.sfixed64());
    else if (field === 4) polRound = int32(reader.int64());
    else if (field === 5) readBlockId(reader.message(), draft);
    else if (field === 6) timestamp = readTimestamp(reader.message());
    else if (field === 7) chainId = wellFormed(reader.text());
    else throw new InvalidSignBytesError(`field ${field}`);
  }
  const blockId = blockIdFromDraft(draft);
  return { kind: 'proposal', height, round, polRound, blockId, timestamp, chainId };
}

/** Rounds are int32 wherever they come from; the canonical message only has more room. */
function int32(value: bigint): number {
  if (BigInt.asIntN(32, value) !== value) throw new InvalidSignBytesError('a round beyond 32 bits');
  return Number(value);
}

function wellFormed(text: string | undefined): string {
  if (text === undefined) throw new InvalidSignBytesError('a chain id that is not UTF-8');
  return text;
}
