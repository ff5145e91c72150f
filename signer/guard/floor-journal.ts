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
import type { Decision, Reservation } from './sign-state-store.ts';

/** Newest number and hash of the journal: what a floor row holds of it, so that a cut tail is found. */
export interface JournalTail {
  /** 0 when nothing was written yet. */
  readonly seq: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
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
  /** Told once, after opening and after each reopening, what the table ends with. */
  opened(tail: JournalTail): void;
  /**
   * Rows for the floors that move, oldest first. Called once per transaction, after the early
   * signatures were made (S5): the verifying thread works meanwhile.
   */
  compose(decided: readonly Decided[]): readonly JournalRow[];
  /** Rows for a transaction of an operator or the chain, with what was waiting. */
  composeDrafts(drafts: readonly JournalDraft[]): readonly JournalRow[];
  /** Whether anything waits that a flush or a maintenance should write. */
  readonly hasWaiting: boolean;
  /** The rows composed last are durable. */
  committed(): void;
  /** They are not, and what had been waiting waits again. */
  failed(): void;
}
