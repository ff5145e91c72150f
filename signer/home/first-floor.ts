/** Where a validator's floor starts: what its key may have signed before it came here (S2, S3, S12). */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import {
  checkFilePvState,
  type FilePvState,
  parseFilePvState,
} from '@privval/hsm/file/file-pv-state';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import type { ChainId } from '@privval/proto/types/chain-id';
import { MAX_ROUND } from '../guard/hrs.ts';
import { mergeFloors } from '../guard/merge-floors.ts';
import type { Floor } from '../guard/sign-state-store.ts';

/** Sign bytes have a few hundred bytes; a file beyond this is something else. */
const MAX_STATE_FILE_BYTES = 1_048_576;

/** A key that exists already was brought without word of what it has signed. */
export class FloorRequiredError extends CodedError {
  override readonly name = 'FloorRequiredError';
  readonly code = 'ERR_FLOOR_REQUIRED';

  constructor() {
    super(
      'only you know what a key that exists already has signed: give --state-file FILE (its priv_validator_state.json) or --floor-height N (everything at height N and below is refused; 0 for a key that never signed)',
    );
  }
}

/** A state file came without the key it speaks of. */
export class StateWithoutKeyError extends CodedError {
  override readonly name = 'StateWithoutKeyError';
  readonly code = 'ERR_STATE_WITHOUT_KEY';

  constructor() {
    super(
      '--state-file says what an existing key has signed, and a fresh key is to be made: give the key too (--key-file FILE), or leave the state file out',
    );
  }
}

/** A state file cannot be read. */
export class StateFileUnreadableError extends CodedError {
  override readonly name = 'StateFileUnreadableError';
  readonly code = 'ERR_STATE_FILE_UNREADABLE';

  constructor(what: { readonly path: string; readonly reason: string }, options?: ErrorOptions) {
    super(`cannot read ${what.path}: ${what.reason}`, options);
  }
}

/** What is known about the past of a key. */
export interface KeyHistory {
  /** Whether the key was brought, not made here. */
  readonly isExistingKey: boolean;
  readonly stateFile: string | undefined;
  readonly floorHeight: bigint | undefined;
}

/** Whose past it is. */
export interface FloorOwner {
  readonly chainId: ChainId;
  readonly publicKey: PublicKey;
}

/** The floor that refuses everything at `height` and below. */
export function floorAtHeight(height: bigint): Floor {
  return { height, round: MAX_ROUND, step: 'precommit' };
}

/**
 * The first floor of a validator: the higher of what state file and height say; nothing signed for
 * a fresh key without either.
 *
 * @throws {FloorRequiredError} ERR_FLOOR_REQUIRED (S2)
 * @throws {StateWithoutKeyError} ERR_STATE_WITHOUT_KEY
 * @throws what {@link floorFromStateFile} throws.
 */
export function firstFloor(history: KeyHistory, owner: FloorOwner): Floor {
  checkHistory(history);
  const { stateFile, floorHeight } = history;
  const fromHeight: Floor =
    floorHeight === undefined ? { height: 0n, round: 0, step: 'none' } : floorAtHeight(floorHeight);
  if (stateFile === undefined) return fromHeight;
  const fromFile = floorFromStateFile(readStateFile(stateFile), owner, floorHeight);
  return mergeFloors(fromHeight, fromFile);
}

/** Whether what must be known is given, before any file is touched. Throws as {@link firstFloor}. */
export function checkHistory({ isExistingKey, stateFile, floorHeight }: KeyHistory): void {
  if (isExistingKey && stateFile === undefined && floorHeight === undefined) {
    throw new FloorRequiredError();
  }
  if (!isExistingKey && stateFile !== undefined) throw new StateWithoutKeyError();
}

/**
 * The floor that a state file of this owner speaks of.
 *
 * @throws {StateFileMalformedError} ERR_STATE_FILE_MALFORMED
 * @throws {ForeignStateFileError} ERR_STATE_FILE_FOREIGN (S3)
 * @throws {StaleStateFileError} ERR_STATE_FILE_STALE unless a height comes with it (S12)
 */
export function floorFromStateFile(
  content: Uint8Array,
  owner: FloorOwner,
  floorHeight?: bigint,
): Floor {
  const state: FilePvState = parseFilePvState(content);
  checkFilePvState(state, { ...owner, floorHeight });
  const { height, round, step, signBytes, signature } = state;
  if (signBytes === undefined) return { height, round, step };
  return { height, round, step, signBytes, signature, publicKey: owner.publicKey.bytes };
}

/** @throws {StateFileUnreadableError} ERR_STATE_FILE_UNREADABLE */
export function readStateFile(path: string): Uint8Array {
  try {
    const descriptor = openSync(path, 'r');
    try {
      if (fstatSync(descriptor).size > MAX_STATE_FILE_BYTES) {
        throw new StateFileUnreadableError({ path, reason: 'it is too large for a state file' });
      }
      return new Uint8Array(readFileSync(descriptor));
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const code = errorCode(cause);
    const reason = code === 'ENOENT' ? 'there is no such file' : code;
    throw new StateFileUnreadableError({ path, reason }, { cause });
  }
}
