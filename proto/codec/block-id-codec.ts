/** `BlockID` and `CanonicalBlockID`: the same bytes under two names (spec/privval.md 2.3). */
import type { Writer } from 'protobufjs/minimal.js';
import type { BlockId } from '../types/block-id.ts';
import type { WireReader } from './wire-reader.ts';
import { writeBytesField, writeNumberField } from './wire-writer.ts';

const HASH = 0x0a;
const PART_SET_HEADER = 0x12;
const PART_SET_TOTAL = 0x08;
const PART_SET_HASH = 0x12;

const NO_BYTES = new Uint8Array(0);

/** A block id while it is read. Hash lengths and the range of `total` are not checked yet. */
export interface BlockIdDraft {
  hash: Uint8Array;
  total: number;
  partSetHash: Uint8Array;
}

/** What an absent block id is. */
export function newBlockIdDraft(): BlockIdDraft {
  return { hash: NO_BYTES, total: 0, partSetHash: NO_BYTES };
}

/** Reads a block id into `draft`: a second one in the same field is merged into the first, as in Go. */
export function readBlockId(reader: WireReader, draft: BlockIdDraft): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) draft.hash = reader.bytes();
    else if (field === 2) readPartSetHeader(reader.message(), draft);
    else reader.skip();
  }
}

function readPartSetHeader(reader: WireReader, draft: BlockIdDraft): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) draft.total = reader.number();
    else if (field === 2) draft.partSetHash = reader.bytes();
    else reader.skip();
  }
}

/** The block id a draft has become. */
export function blockIdFromDraft(draft: BlockIdDraft): BlockId {
  return {
    hash: draft.hash,
    partSetHeader: { total: draft.total, hash: draft.partSetHash },
  };
}

/** Writes a block id field: always there, and its part set header too. */
export function writeBlockId(writer: Writer, tag: number, blockId: BlockId): void {
  writer.uint32(tag).fork();
  writeBytesField(writer, HASH, blockId.hash);
  writer.uint32(PART_SET_HEADER).fork();
  writeNumberField(writer, PART_SET_TOTAL, blockId.partSetHeader.total);
  writeBytesField(writer, PART_SET_HASH, blockId.partSetHeader.hash);
  writer.ldelim().ldelim();
}
