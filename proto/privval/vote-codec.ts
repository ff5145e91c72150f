/** `Vote` on the wire (spec/privval.md 2.3). */
import type { Writer } from 'protobufjs/minimal.js';
import {
  type BlockIdDraft,
  blockIdFromDraft,
  newBlockIdDraft,
  readBlockId,
  writeBlockId,
} from '../codec/block-id-codec.ts';
import { readTimestamp, writeTimestamp } from '../codec/timestamp-codec.ts';
import type { WireReader } from '../codec/wire-reader.ts';
import { writeBytesField, writeInt64, writeNumberField } from '../codec/wire-writer.ts';
import { isValidTimestamp, type Timestamp, ZERO_TIME } from '../types/timestamp.ts';
import type { Vote, VoteType } from '../types/vote.ts';
import { type Defect, voteDefect, voteTypeDefect } from './validate.ts';

const TYPE = 0x08;
const HEIGHT = 0x10;
const ROUND = 0x18;
const BLOCK_ID = 0x22;
const TIMESTAMP = 0x2a;
const VALIDATOR_ADDRESS = 0x32;
const VALIDATOR_INDEX = 0x38;
const SIGNATURE = 0x42;
const EXTENSION = 0x4a;
const EXTENSION_SIGNATURE = 0x52;

const PREVOTE = 1;
const PRECOMMIT = 2;

const NO_BYTES = new Uint8Array(0);

/** A vote while it is read: anything may be in it. */
export interface VoteDraft {
  type: number;
  height: bigint;
  round: number;
  readonly blockId: BlockIdDraft;
  timestamp: Timestamp;
  validatorAddress: Uint8Array;
  validatorIndex: number;
  signature: Uint8Array;
  extension: Uint8Array;
  extensionSignature: Uint8Array;
}

/** What an absent vote is in Go: all zero, its time in the year 1. */
export function newVoteDraft(): VoteDraft {
  return {
    type: 0,
    height: 0n,
    round: 0,
    blockId: newBlockIdDraft(),
    timestamp: ZERO_TIME,
    validatorAddress: NO_BYTES,
    validatorIndex: 0,
    signature: NO_BYTES,
    extension: NO_BYTES,
    extensionSignature: NO_BYTES,
  };
}

/**
 * Reads a vote into `draft`: a second one in the same field is merged into the first, as in Go,
 * so that what is signed is what a Go node would have read.
 */
export function readVote(reader: WireReader, draft: VoteDraft): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        draft.type = reader.number();
        break;
      case 2:
        draft.height = reader.int64();
        break;
      case 3:
        draft.round = reader.number();
        break;
      case 4:
        readBlockId(reader.message(), draft.blockId);
        break;
      case 5: {
        const timestamp = readTimestamp(reader.message());
        // To Go an impossible time is an error even where a later one replaces it: it stays.
        if (isValidTimestamp(draft.timestamp)) draft.timestamp = timestamp;
        break;
      }
      case 6:
        draft.validatorAddress = reader.bytes();
        break;
      case 7:
        draft.validatorIndex = reader.number();
        break;
      case 8:
        draft.signature = reader.bytes();
        break;
      case 9:
        draft.extension = reader.bytes();
        break;
      case 10:
        draft.extensionSignature = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
}

/** The vote a draft has become, or the first thing wrong with it. */
export function voteFromDraft(draft: VoteDraft): { vote: Vote } | { defect: Defect } {
  const type = voteTypeFromNumber(draft.type);
  if (type === undefined) return { defect: voteTypeDefect(draft.type) };
  const { height, round, timestamp, validatorAddress, validatorIndex } = draft;
  const { signature, extension, extensionSignature } = draft;
  const vote: Vote = {
    type,
    height,
    round,
    blockId: blockIdFromDraft(draft.blockId),
    timestamp,
    validatorAddress,
    validatorIndex,
    signature,
    extension,
    extensionSignature,
  };
  const defect = voteDefect(vote);
  return defect === undefined ? { vote } : { defect };
}

function voteTypeFromNumber(type: number): VoteType | undefined {
  if (type === PREVOTE) return 'prevote';
  if (type === PRECOMMIT) return 'precommit';
  return undefined;
}

/** Writes the fields of a vote. */
export function writeVote(writer: Writer, vote: Vote): void {
  writer.uint32(TYPE).uint32(vote.type === 'prevote' ? PREVOTE : PRECOMMIT);
  if (vote.height !== 0n) {
    writer.uint32(HEIGHT);
    writeInt64(writer, vote.height);
  }
  writeNumberField(writer, ROUND, vote.round);
  writeBlockId(writer, BLOCK_ID, vote.blockId);
  writeTimestamp(writer, TIMESTAMP, vote.timestamp);
  writeBytesField(writer, VALIDATOR_ADDRESS, vote.validatorAddress);
  writeNumberField(writer, VALIDATOR_INDEX, vote.validatorIndex);
  writeBytesField(writer, SIGNATURE, vote.signature);
  writeBytesField(writer, EXTENSION, vote.extension);
  writeBytesField(writer, EXTENSION_SIGNATURE, vote.extensionSignature);
}
