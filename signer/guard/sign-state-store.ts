/**
 * Where the floor lives: the contract of every store, SQLite's or a distributed one.
 *
 * `test/conformance/sign-state-store.ts` is its suite.
 */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { Hrs, Position } from './hrs.ts';

/**
 * What was last reserved for a validator: nothing below it is ever signed again.
 *
 * Without `signBytes` everything at exactly this position is refused (an import that did not bring
 * them, or `--floor-height N`, which is N / 2147483647 / precommit). With `signBytes` and without
 * `signature` the position is reserved and those bytes, no others, may still be signed (S6).
 */
export interface Floor extends Position {
  /** The exact bytes put before the key, with their length prefix. */
  readonly signBytes?: Uint8Array | undefined;
  /** 64 bytes, verified before they were stored (S20). */
  readonly signature?: Uint8Array | undefined;
  /** The key those bytes belong to: 32 bytes, decided with the floor (S38). */
  readonly publicKey?: Uint8Array | undefined;
}

/** A validator as the database binds it (S35): name, chain, key. */
export interface ValidatorRecord {
  /** Unique in the home; `[A-Za-z0-9._-]{1,64}`. */
  readonly name: string;
  readonly chainId: ChainId;
  /** 32 bytes. One (chain id, public key) has one floor (S1). */
  readonly publicKey: Uint8Array;
}

/** A wish to sign `signBytes` at a position. */
export interface Reservation {
  readonly validator: string;
  readonly at: Hrs;
  readonly signBytes: Uint8Array;
  /**
   * The known key of this validator whose address the message carries; absent for a proposal, and
   * for an address that is none of ours. The store chooses the key by height (S38); this one has to
   * be the same (S43).
   */
  readonly claimedKey?: Uint8Array | undefined;
  /** Who asked: a node's address as the configuration has it, or `grpc`. For the audit. @default unknown */
  readonly asker?: string | undefined;
}

/**
 * What came of a reservation.
 *
 * `sign`: the floor now stands at the position with exactly `signBytes` (the row's own: on a
 * request that differs only in its timestamp they are the stored ones). `signature` is there when
 * they were signed before. `publicKey` is the key the row is bound to: the one of that height, or on
 * a repeat the stored one (S38).
 */
export type Decision =
  | {
      readonly kind: 'sign';
      readonly signBytes: Uint8Array;
      readonly publicKey: Uint8Array;
      readonly signature: Uint8Array | undefined;
      /** Whether the floor stood there already. */
      readonly isRepeat: boolean;
    }
  | Refusal;

/** Where the floor lives. */
export interface SignStateStore extends AsyncDisposable {
  /**
   * Decides every reservation, in order, each seeing the ones before it, and makes the outcome
   * durable: when it returns, what it allowed survives a power cut (S8). One transaction for all.
   *
   * @throws {SignStateUnavailableError} ERR_SIGN_STATE_UNAVAILABLE when the outcome could not be
   *   made durable: nothing of it may be signed, and nothing is decided again until the store has
   *   been reopened and proven (S9).
   *
   * `onDecided` hears of the decisions before they are durable, if anything has to be made durable
   * at all: a key in this process's memory may sign meanwhile what is destroyed should this throw (S5).
   * It must not throw.
   */
  reserve(
    reservations: readonly Reservation[],
    onDecided?: (decisions: readonly Decision[]) => void,
  ): readonly Decision[];
  /**
   * Keeps a verified signature for the next asker, if the floor still holds exactly these bytes
   * (S7). It may reach the disk later than it returns: after a crash the stored bytes are signed anew.
   * @returns whether it was kept.
   */
  recordSignature(validator: string, signBytes: Uint8Array, signature: Uint8Array): boolean;
  /** The validators of this home, by name. */
  validators(): readonly ValidatorRecord[];
  /** @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR */
  validator(name: string): ValidatorRecord;
  /** @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR */
  floor(validator: string): Floor;
  /**
   * Adds a validator with its first floor.
   * @throws {DuplicateValidatorError} ERR_DUPLICATE_VALIDATOR when the name, or the key on this chain, is there already (S1).
   */
  addValidator(record: ValidatorRecord, floor: Floor, by?: string): void;
  /**
   * Raises the floor to the higher of the two; never lowers (S3, S4). `by`: who brings it, for the audit.
   * @returns the floor that stands.
   */
  raiseFloor(validator: string, floor: Floor, by?: string): Floor;
  /**
   * Why a signature for `at`, reserved before, may not leave any more; `undefined` when it may. The
   * validator was frozen since (S34), ERR_FROZEN; or a floor from outside, at or above `at`, came in
   * by {@link raiseFloor}, ERR_FLOOR_RAISED: what it tells of may be another message at `at`, signed
   * elsewhere.
   */
  releaseRefusal(validator: string, at: Hrs): Refusal | undefined;
  /**
   * Housekeeping, to be called when nobody waits for an answer. Never throws: a failure makes the
   * store refuse, like that of a commit.
   */
  maintain(): void;
  /** Why nothing is decided now; absent or `undefined` while the store is proven. For status and health. */
  readonly fault?: Error | undefined;
}
