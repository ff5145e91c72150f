/** `Proposal` on the wire (spec/privval.md 2.3). */
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
import type { Proposal } from '../types/proposal.ts';
import { isValidTimestamp, type Timestamp, ZERO_TIME } from '../types/timestamp.ts';
import { type Defect, proposalDefect } from './validate.ts';

const TYPE = 0x08;
const HEIGHT = 0x10;
const ROUND = 0x18;
const POL_ROUND = 0x20;
const BLOCK_ID = 0x2a;
const TIMESTAMP = 0x32;
const SIGNATURE = 0x3a;

/** SignedMsgType of a proposal. */
const PROPOSAL = 32;

const NO_BYTES = new Uint8Array(0);

/** A proposal while it is read: anything may be in it. */
export interface ProposalDraft {
  height: bigint;
  round: number;
  polRound: number;
  readonly blockId: BlockIdDraft;
  timestamp: Timestamp;
  signature: Uint8Array;
}

/** What an absent proposal is in Go: all zero, its time in the year 1. */
export function newProposalDraft(): ProposalDraft {
  return {
    height: 0n,
    round: 0,
    polRound: 0,
    blockId: newBlockIdDraft(),
    timestamp: ZERO_TIME,
    signature: NO_BYTES,
  };
}

/**
 * Reads a proposal into `draft`, merging a second one into the first as Go does. Its type is read
 * and dropped: whatever it says, the proposal is signed as type 32 (spec/privval.md 8.1, row 10).
 */
export function readProposal(reader: WireReader, draft: ProposalDraft): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        reader.number();
        break;
      case 2:
        draft.height = reader.int64();
        break;
      case 3:
        draft.round = reader.number();
        break;
      case 4:
        draft.polRound = reader.number();
        break;
      case 5:
        readBlockId(reader.message(), draft.blockId);
        break;
      case 6: {
        const timestamp = readTimestamp(reader.message());
        // To Go an impossible time is an error even where a later one replaces it: it stays.
        if (isValidTimestamp(draft.timestamp)) draft.timestamp = timestamp;
        break;
      }
      case 7:
        draft.signature = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
}

/** The proposal a draft has become, or the first thing wrong with it. */
export function proposalFromDraft(
  draft: ProposalDraft,
): { proposal: Proposal } | { defect: Defect } {
  const { height, round, polRound, timestamp, signature } = draft;
  const blockId = blockIdFromDraft(draft.blockId);
  const proposal: Proposal = { height, round, polRound, blockId, timestamp, signature };
  const defect = proposalDefect(proposal);
  return defect === undefined ? { proposal } : { defect };
}

/** Writes the fields of a proposal. */
export function writeProposal(writer: Writer, proposal: Proposal): void {
  writer.uint32(TYPE).uint32(PROPOSAL);
  if (proposal.height !== 0n) {
    writer.uint32(HEIGHT);
    writeInt64(writer, proposal.height);
  }
  writeNumberField(writer, ROUND, proposal.round);
  writeNumberField(writer, POL_ROUND, proposal.polRound);
  writeBlockId(writer, BLOCK_ID, proposal.blockId);
  writeTimestamp(writer, TIMESTAMP, proposal.timestamp);
  writeBytesField(writer, SIGNATURE, proposal.signature);
}
