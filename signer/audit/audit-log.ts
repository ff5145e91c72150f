/**
 * The audit log of a home: what was decided and done, in an order nobody can change unseen.
 *
 * An entry's hash is SHA-256 over the name of the format, the hash before it, and each of its
 * columns behind its length; the body as the very bytes stored. The first entry hangs on the
 * home's id. Floor rows hold number and hash of the newest entry of their commit.
 */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { FloorJournal } from '../guard/floor-journal.ts';
import type { Hrs } from '../guard/hrs.ts';
import type { AuditBodies, AuditEntry, AuditKind, OutcomeNote } from './audit-entry.ts';
import type { LivePage } from './audit-live.ts';
import type { Checkpoint } from './audit-segment.ts';

/** What is added up instead of being an entry each. */
export type Summarized = Omit<AuditBodies['summary'], 'count' | 'firstMs' | 'lastMs'> & {
  readonly validator?: string | undefined;
};

/** Which entries to read. All that is left out is not looked at. */
export interface AuditQuery {
  readonly afterSeq?: bigint | undefined;
  readonly kinds?: readonly AuditKind[] | undefined;
  readonly validator?: string | undefined;
  readonly fromHeight?: bigint | undefined;
  readonly toHeight?: bigint | undefined;
  /** Entries in one answer. @default 100, 1000 at the most */
  readonly limit?: number | undefined;
}

/**
 * The log in the daemon. As {@link FloorJournal} it takes part in the store's transactions; the rest
 * is for those who write no floor.
 *
 * Memory is bounded: at most 4,096 outcomes and 256 sources wait for a transaction; beyond that the
 * oldest outcomes are counted instead of kept, and further sources share one summary.
 */
export interface AuditLog extends FloorJournal, AsyncDisposable {
  /**
   * The end of a decision: written with the next transaction, or after 5 s without one. `at` finds the
   * decision's entry among those that wait for their outcome; one that is not found is dropped.
   */
  outcome(validator: string, at: Hrs, note: Omit<OutcomeNote, 'seq'>): void;
  /** Adds one to its summary: at most one row a second a source. */
  addUp(event: Summarized): void;
  /** A connection came or went. */
  connection(validator: string, change: Omit<AuditBodies['connection'], 'count'>): void;
  /**
   * Whether the log holds a decision for exactly these bytes of a precommit (S36). `unknown` where
   * the height is no longer kept, or not above the adopted floor.
   */
  holdsPrecommit(
    validator: string,
    at: { readonly height: bigint; readonly round: number },
    signHash: Uint8Array,
  ): 'yes' | 'no' | 'unknown';
  /** The highest floor that came from outside, by validator (S36). */
  adoptedFloor(validator: string): bigint;
  /** One page, oldest first; 2 ms of this thread at the most, then the rest in the next turn. */
  query(query: AuditQuery, options?: AbortOptions): Promise<readonly AuditEntry[]>;
  /** Entries as JSON lines, oldest first, closed segments included. */
  export(query: AuditQuery, options?: AbortOptions): AsyncIterable<string>;
  /**
   * The entries that no segment has, with what they hang on: what `audit verify` asks a running signer
   * for, page by page. 2 ms of this thread at once.
   */
  live(after: bigint | undefined, options?: AbortOptions): Promise<LivePage>;
  /** Signs where the log is now with the audit key, and writes the file. */
  checkpoint(options?: AbortOptions): Promise<Checkpoint>;
  /** For status, metrics, health. */
  status(): AuditStatus;
}

/** How the log is. */
export interface AuditStatus {
  readonly newestSeq: bigint;
  /** Hex. */
  readonly newestHash: string;
  readonly oldestSeq: bigint;
  /** Bytes of the live segment and of all closed ones. */
  readonly bytes: number;
  readonly segments: number;
  readonly newestCheckpointSeq: bigint | undefined;
  /** Free bytes of the disk below which closed segments are removed early, for the floor's sake. */
  readonly reserveBytes: number;
}
