/**
 * What is written in the floor's own transaction beside the floor: the contract between the store,
 * which knows nothing of audits, and the audit log, which decides what an entry is.
 *
 * One sync for both. The order in the store is:
 *
 * 1. `reserve` has decided its batch;
 * 2. {@link FloorJournal.compose} gives the rows for it, together with what was waiting since
 *    the last commit (outcomes, summaries). It changes nothing that cannot be taken back;
 * 3. one transaction: the rows of `audit`, the floors with number and hash of the newest one;
 * 4. the sync, the mark;
 * 5. {@link FloorJournal.committed}; or, should anything have thrown, {@link FloorJournal.failed}.
 */
import type { JournalDraft } from './home-transaction.ts';
import type { Position } from './hrs.ts';
import type { Decision, Reservation } from './sign-state-store.ts';

/** Newest number and hash of the journal: what a floor row holds of it, so that a cut tail is found. */
export interface JournalTail {
  /** 0 when nothing was written yet. */
  readonly seq: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

/** The journal of a new home, and of one from before there were journals. */
export const NO_JOURNAL: JournalTail = { seq: 0n, hash: new Uint8Array(32) };

/** What the store has found at its opening: the newest entry that the floors know of, and more. */
export interface JournalOpening extends JournalTail {
  /**
   * The last row of the table, or where the rows went that were moved out of it. Another one than the
   * floors know of: rows were cut off, added or exchanged while nobody looked.
   */
  readonly last: JournalTail;
  /** 16 bytes. */
  readonly homeId: Uint8Array;
  /** Where the validators stand. */
  readonly floors: ReadonlyMap<string, Position>;
  /** The highest wall-clock time, in milliseconds since 1970, that a transaction was made at. */
  readonly newestTimeMs: number;
}

/** A floor that comes from outside: a validator added, an import, a raise. */
export interface FloorChange {
  readonly validator: string;
  /** Who brings it: the name of a credential, or of a command. */
  readonly by: string;
  /** `undefined` for a validator that is new. */
  readonly before: Position | undefined;
  readonly after: Position;
}

/** A row of the table `audit`, its hash made. Columns that are not about a decision are null. */
export interface JournalRow extends JournalTail {
  readonly timeMs: number;
  readonly kind: string;
  readonly validator: string | null;
  readonly height: bigint | null;
  readonly round: number | null;
  /** 1 to 3, as FilePV. */
  readonly step: number | null;
  /** SHA-256 of the decided sign bytes. */
  readonly signHash: Uint8Array | null;
  /** JSON, UTF-8. */
  readonly body: string;
}

/** A reservation that moves its floor, with what was decided. All else is heard of when it ends (`DecisionObserver`). */
export interface Decided {
  readonly reservation: Reservation;
  readonly decision: Extract<Decision, { readonly kind: 'sign' }>;
}

/** Where the store has its journal rows from. One per store. Nothing here may throw or wait. */
export interface FloorJournal {
  /**
   * Told once, after opening and after each reopening. The next row hangs on the hash the floors know
   * of, whatever the table ends with, and has a number above both: what was done to the table stays
   * visible for ever.
   */
  opened(opening: JournalOpening): void;
  /**
   * Rows for the floors that move, oldest first. Called once per transaction, after the early
   * signatures were made (S5): the verifying thread works meanwhile.
   */
  compose(decided: readonly Decided[]): readonly JournalRow[];
  /** Rows for a transaction of an operator or the chain, with what was waiting. */
  composeDrafts(drafts: readonly JournalDraft[]): readonly JournalRow[];
  /** The entry of a floor from outside. */
  draftOfFloor(change: FloorChange): JournalDraft;
  /** Whether anything waits that a flush or a maintenance should write. */
  readonly hasWaiting: boolean;
  /** The rows composed last are durable. */
  committed(): void;
  /** They are not, and what had been waiting waits again. */
  failed(): void;
}
