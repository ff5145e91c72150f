/** A floor as a row of `floor.db`, with the checksum that makes a changed or moved row noticed. */
import { hash } from 'node:crypto';
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
  const parts = [
    CHECKSUM_DOMAINS[format],
    homeId,
    record.name,
    record.chainId,
    record.publicKey,
    floor.height.toString(),
    floor.round.toString(),
    STEP_NUMBER[floor.step].toString(),
    floor.signBytes,
    floor.signature,
    floor.publicKey,
    generation.toString(),
    ...(format === 1 ? [] : [journal.seq.toString(), journal.hash]),
  ];
  const chunks = parts.flatMap((part) => {
    // An absent field and an empty one have different texts.
    if (part === undefined) return [Buffer.from('-;')];
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    return [Buffer.from(`${bytes.length}:`), bytes];
  });
  return new Uint8Array(hash('sha256', Buffer.concat(chunks), 'buffer'));
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
