/**
 * One transaction of a home beside the ones of `reserve`: what an operator or the chain changes.
 *
 * Everything a running signer must not lose is in `floor.db`, because SQLite commits atomically
 * within one file only: rotations, keys by height, freezes, approvals and the audit log move with
 * the floor or not at all.
 */
import type { Floor } from './sign-state-store.ts';

/** What SQLite stores. Booleans are 0 and 1. */
export type SqlValue = bigint | number | string | Uint8Array | null;

/** One statement on a table of `operations-schema.ts`, never on `floors`, `home`, `validators` or `audit`. */
export interface TableWrite {
  /** Constant text; values only by `?`. It is prepared once and kept. */
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** What is to change together. */
export interface HomeTransaction {
  /** Merged with what stands (`mergeFloors`): a floor never goes down (S4). @default none */
  readonly floors?: ReadonlyMap<string, Floor> | undefined;
  /** In order. @default none */
  readonly writes?: readonly TableWrite[] | undefined;
  /** One at least: nothing changes without an entry that says who and why. */
  readonly entries: readonly [JournalDraft, ...JournalDraft[]];
}

/** An entry of the audit log before it has its number: what it is, about whom, and the rest as JSON. */
export interface JournalDraft {
  /** One of `AuditKind`; the store does not look at it. */
  readonly kind: string;
  /** Name of the validator it is about, if it is about one. */
  readonly validator?: string | undefined;
  /** A JSON text. What is hashed and stored are its bytes: nobody writes it anew. */
  readonly body: string;
}

/**
 * The tables beside the floors. Implemented by the SQLite store, and by a fake of maps in tests.
 *
 * Synchronous, like the store: {@link commit} is durable when it returns. What a room keeps in
 * memory of its rows changes after that, never before (S9), and is read anew when the store was
 * reopened: {@link HomeTables.epoch} has grown then.
 */
export interface HomeTables {
  /**
   * All of it or nothing.
   *
   * @throws {SignStateUnavailableError} ERR_SIGN_STATE_UNAVAILABLE: the store is broken from then
   *   on, as after any failed commit, and nothing of it counts.
   */
  commit(transaction: HomeTransaction): void;
  /** At most `limit` rows, integers as bigint. Callers page, so that one call stays under 2 ms. */
  read(sql: string, values: readonly SqlValue[], limit: number): readonly SqlRow[];
  /** Grows each time the store was reopened after a failure. */
  readonly epoch: number;
}

/** A row by the names of its columns; blobs are copies. */
export type SqlRow = Readonly<Record<string, SqlValue>>;
