/** The audit log outside the database: closed segments, checkpoints, and what verifying finds. */
import type { AuditKind } from './audit-entry.ts';

/**
 * First line of a segment file, `audit/SEQ.jsonl` with the number of its first entry in 20
 * digits, mode 0600. Each further line is one entry with every column, so that the chain can be
 * recomputed; the last one is a {@link SegmentEnd}. The file is synced and named before the database
 * forgets a row of it: `audit_segments` says how far that has come.
 */
export interface SegmentHead {
  readonly format: 'privval audit segment 1';
  /** Hex. */
  readonly homeId: string;
  readonly first: string;
  /** Hash that the first entry hangs on. Hex. */
  readonly previous: string;
}

/** Last line of a segment file. */
export interface SegmentEnd {
  readonly last: string;
  readonly hash: string;
  readonly entries: number;
  /** Lowest and highest height decided, by validator, decimal: what a search goes by. Not part of any proof. */
  readonly heights: Readonly<Record<string, readonly [string, string]>>;
}

/**
 * A statement of where the log was, signed by the audit key: `audit.key` in the home, made by `init`
 * or the first `serve`, never a consensus key. Kept elsewhere by the operator, it shows a joint
 * rollback of database and segments.
 */
export interface Checkpoint {
  readonly format: 'privval audit checkpoint 1';
  readonly homeId: string;
  readonly seq: string;
  readonly hash: string;
  /** Floors by validator, `height/round/step`. */
  readonly floors: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly time: string;
  /** Hex, 32 bytes. */
  readonly auditKey: string;
  /** Over the format's name and all fields above, each behind its length. Hex. */
  readonly signature: string;
}

/** One thing `audit verify` found. */
export interface AuditFinding {
  readonly what:
    | 'edited'
    | 'removed'
    | 'reordered'
    | 'truncated'
    | 'rolled-back'
    | 'segment-missing'
    | 'segment-changed'
    | 'foreign'
    | 'checkpoint-invalid'
    | 'floor-disagrees';
  /** Number of the entry at which it shows. */
  readonly seq: string;
  readonly kind?: AuditKind | undefined;
  readonly file?: string | undefined;
  readonly text: string;
}

/** What `audit verify --json` prints. */
export interface AuditVerdict {
  readonly isWhole: boolean;
  readonly entries: number;
  readonly first: string;
  readonly last: string;
  readonly findings: readonly AuditFinding[];
  /** What was held against the log, if anything. */
  readonly checkpoint: { readonly seq: string; readonly holds: boolean } | null;
}
