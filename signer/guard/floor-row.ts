/** A floor as a row of `floor.db`, with the checksum that makes a changed or moved row noticed. */
import { sodium } from '@privval/proto/crypto/sodium';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import type { JournalTail } from './floor-journal.ts';
import { STEP_NUMBER, type Step } from './hrs.ts';
import { FloorChecksumError, FloorDamagedError } from './sign-state-errors.ts';
import type { Floor, ValidatorRecord } from './sign-state-store.ts';

/** What the checksum is a checksum of, by the fields it is over: with version 2 came the journal. */
const CHECKSUM_DOMAINS = { 1: 'privval floor row 1', 2: 'privval floor row 2' } as const;

/** Which fields a checksum is over. */
export type FloorRowFormat = keyof typeof CHECKSUM_DOMAINS;

const STEPS: readonly (Step | 'none')[] = ['none', 'propose', 'prevote', 'precommit'];

/** A validator, its floor and where they stand in the database. */
export interface FloorRow {
  readonly id: bigint;
  readonly record: ValidatorRecord;
  readonly floor: Floor;
  /** Number of the commit that wrote the row. */
  readonly generation: bigint;
  /** The newest entry of the journal at that commit. */
  readonly journal: JournalTail;
}

/** A row as SQLite gives it, integers as bigint. */
export interface StoredFloorRow {
  readonly id: bigint;
  readonly name: string;
  readonly chain_id: string;
  readonly validator_key: Uint8Array;
  readonly height: bigint | null;
  readonly round: bigint;
  readonly step: bigint;
  readonly sign_bytes: Uint8Array | null;
  readonly signature: Uint8Array | null;
  readonly public_key: Uint8Array | null;
  readonly generation: bigint;
  readonly checksum: Uint8Array;
  readonly audit_seq: bigint;
  readonly audit_hash: Uint8Array;
}

/** Every validator with its floor; a floor without validator or the other way round shows as NULLs. */
export const SELECT_FLOOR_ROWS = `
  SELECT v.id, v.name, v.chain_id, v.public_key AS validator_key,
         f.height, f.round, f.step, f.sign_bytes, f.signature, f.public_key, f.generation, f.checksum,
         f.audit_seq, f.audit_hash
  FROM validators v LEFT JOIN floors f ON f.validator_id = v.id ORDER BY v.name`;

/**
 * Checks a stored row and reads it.
 *
 * @throws {FloorDamagedError} ERR_FLOOR_DAMAGED when a validator has no floor.
 * @throws {FloorChecksumError} ERR_FLOOR_CHECKSUM when any field differs from what was written.
 */
export function floorRowFromStored(
  stored: StoredFloorRow,
  homeId: Uint8Array,
  format: FloorRowFormat = 2,
): FloorRow {
  if (stored.height === null) {
    throw new FloorDamagedError(`validator ${JSON.stringify(stored.name)} has no floor`);
  }
  const row: FloorRow = {
    id: stored.id,
    record: {
      name: stored.name,
      chainId: chainIdOf(stored),
      publicKey: new Uint8Array(stored.validator_key),
    },
    floor: {
      height: stored.height,
      round: Number(stored.round),
      step: STEPS[Number(stored.step)] ?? 'none',
      signBytes: copyOrNone(stored.sign_bytes),
      signature: copyOrNone(stored.signature),
      publicKey: copyOrNone(stored.public_key),
    },
    generation: stored.generation,
    journal: { seq: stored.audit_seq, hash: new Uint8Array(stored.audit_hash) },
  };
  if (!equalBytes(floorChecksum(row, homeId, format), stored.checksum)) {
    throw new FloorChecksumError(stored.name);
  }
  return row;
}

/**
 * SHA-256 over every field of a row, its validator's and the home's, each behind its length, so
 * that no two rows have the same text and a row put under another validator is noticed.
 */
export function floorChecksum(
  row: Omit<FloorRow, 'id'>,
  homeId: Uint8Array,
  format: FloorRowFormat = 2,
): Uint8Array {
  const { record, floor, generation, journal } = row;
  // One buffer, written once: this stands in the way of a signature.
  const text = new LengthPrefixed(MAX_FIXED_BYTES + variableBytes(row));
  text.addText(CHECKSUM_DOMAINS[format]);
  text.addBytes(homeId);
  text.addText(record.name);
  text.addText(record.chainId);
  text.addBytes(record.publicKey);
  text.addText(floor.height.toString());
  text.addText(floor.round.toString());
  text.addText(STEP_NUMBER[floor.step].toString());
  text.addBytes(floor.signBytes);
  text.addBytes(floor.signature);
  text.addBytes(floor.publicKey);
  text.addText(generation.toString());
  if (format === 2) {
    text.addText(journal.seq.toString());
    text.addBytes(journal.hash);
  }
  return text.sha256();
}

const SHA256_BYTES = 32;

/** Lengths, numbers, hashes and keys of a row are shorter than this together. */
const MAX_FIXED_BYTES = 768;

/** What of a row may be of any length. A character has three bytes at the most. */
function variableBytes({ record, floor }: Omit<FloorRow, 'id'>): number {
  return (
    3 * (record.name.length + record.chainId.length) +
    record.publicKey.length +
    (floor.signBytes?.length ?? 0)
  );
}

/** Fields behind their lengths, in one buffer. */
class LengthPrefixed {
  readonly #bytes: Buffer;
  #length = 0;

  constructor(maxBytes: number) {
    this.#bytes = Buffer.allocUnsafe(maxBytes);
  }

  addText(text: string): void {
    this.#write(`${Buffer.byteLength(text)}:${text}`);
  }

  /** An absent field and an empty one have different texts. */
  addBytes(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) {
      this.#write('-;');
      return;
    }
    this.#write(`${bytes.length}:`);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  sha256(): Uint8Array {
    const digest = new Uint8Array(SHA256_BYTES);
    sodium.crypto_hash_sha256(digest, this.#bytes.subarray(0, this.#length));
    return digest;
  }

  #write(text: string): void {
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }
}

function chainIdOf(stored: StoredFloorRow): ChainId {
  try {
    return parseChainId(stored.chain_id);
  } catch (cause) {
    throw new FloorDamagedError(`the chain id of ${JSON.stringify(stored.name)} is none`, {
      cause,
    });
  }
}

/** SQLite's buffers are views of memory that it may reuse: what is kept is a copy. */
function copyOrNone(bytes: Uint8Array | null): Uint8Array | undefined {
  return bytes === null ? undefined : new Uint8Array(bytes);
}
