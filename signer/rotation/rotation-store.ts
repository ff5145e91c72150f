/** Where rotations and the keys by height live: in `floor.db`, in the floor's own transactions. */
import type { JournalDraft } from '../guard/home-transaction.ts';
import type { KeySchedules } from '../keyring/key-schedule.ts';
import type { Rotation } from './rotation.ts';
import type { ValidatorKey } from './validator-keys.ts';

/** What begins a rotation. */
export interface NewRotation {
  readonly validator: string;
  /** 32 bytes; its place is in `signer.toml` already, its file or object made and synced. */
  readonly newKey: Uint8Array;
}

/**
 * Rotations of every validator. Synchronous; durable when a method returns.
 *
 * Memory follows the disk: a method that throws has changed nothing (S9).
 */
export interface RotationStore extends KeySchedules {
  /** Every key of a validator with its era and state, in the order of their making. */
  keysOf(validator: string): readonly ValidatorKey[];
  /** All rotations of a validator, oldest first. */
  rotations(validator: string): readonly Rotation[];
  /** The greatest height at which another key than this rotation's new one begins. */
  lastActivation(rotation: Rotation): bigint;
  /** The height that operators state to be committed on every node: A − 1 of `arm --passed` (S44). */
  passedAt(validator: string): bigint | undefined;
  /** The newest of a validator, open or not. */
  newest(validator: string): Rotation | undefined;
  /** All that something may still happen to: open, verified and retiring; and aborted ones, whose key may yet appear (S45). */
  living(validator: string): readonly Rotation[];
  /**
   * @throws {RotationOpenError} ERR_ROTATION_OPEN
   * @throws {DuplicateValidatorError} ERR_DUPLICATE_VALIDATOR when any validator of the home has, or had, this key (S1).
   */
  begin(rotation: NewRotation, entry: JournalDraft): Rotation;
  /** Replaces the row, the eras that follow from it and the keys' states, with the entry. */
  save(rotation: Rotation, entry: JournalDraft): void;
  /** Heights proven by node, as they were at the last write. Written with the next transaction, whoever's. */
  committedHeights(validator: string): ReadonlyMap<string, bigint>;
  /** Kept in memory at once, durable with the next transaction; never goes down. */
  noteCommitted(validator: string, node: string, height: bigint): void;
}
