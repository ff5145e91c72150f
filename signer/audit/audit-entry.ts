/** What one entry of the audit log says. Bodies are JSON: heights are decimal texts, keys and hashes hex. */
import type { PositionJson } from '../home/home-state.ts';

/** Every kind, once. `AuditBody` has a member for each. */
export const AUDIT_KINDS = [
  'begun',
  'decision',
  'outcomes',
  'summary',
  'connection',
  'act',
  'floor',
  'freeze',
  'rotation',
  'witness',
  'segment',
  'checkpoint',
] as const;

/** What an entry is about. */
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** How a request to sign ended. */
export type AuditOutcome = 'signed' | 'refused' | 'failed' | 'abandoned';

/** Microseconds by stage; a stage that did not happen is left out. */
export interface StageMicros {
  readonly queue?: number;
  readonly reserve?: number;
  readonly sign?: number;
  readonly verify?: number;
  readonly extension?: number;
  readonly total: number;
}

/** The end of a decision that has an entry of its own. */
export interface OutcomeNote {
  /** Number of the decision's entry. */
  readonly seq: string;
  readonly outcome: AuditOutcome;
  readonly code?: string | undefined;
  readonly us: StageMicros;
}

/** The bodies by kind. */
export interface AuditBodies {
  /** The first entry of a log: the floor of each validator when it began. */
  readonly begun: { readonly floors: Readonly<Record<string, PositionJson>> };
  /**
   * A floor that moved. Position and SHA-256 of the sign bytes are the row's columns. `o` are
   * the outcomes that were waiting: with a steady validator no entry is spent on them.
   */
  readonly decision: {
    /** Address of the node that asked, as the configuration has it; `grpc` for a listener. */
    readonly by: string;
    /** First 8 hex digits of the key's address. */
    readonly key: string;
    readonly o?: readonly OutcomeNote[] | undefined;
  };
  /** Outcomes for which no decision came: after some idle seconds, and at the end. */
  readonly outcomes: { readonly o: readonly OutcomeNote[] };
  /** Refusals, repeats and unauthenticated requests of one source within a second or more, added up. */
  readonly summary: {
    /** A node, or the kind of a caller: `admin socket`, `admin tcp`. Never a text that a stranger chose. */
    readonly source: string;
    readonly what: 'repeat' | 'refused' | 'abandoned' | 'unauthenticated' | 'forbidden' | 'limited';
    readonly code: string;
    readonly count: number;
    readonly firstMs: number;
    readonly lastMs: number;
    /** Position and text of the last one. */
    readonly last?: PositionJson | undefined;
    readonly text?: string | undefined;
  };
  /** A node's connection came or went; at most one a second a node. */
  readonly connection: {
    readonly node: string;
    readonly isUp: boolean;
    readonly code?: string | undefined;
    /** Changes since the last such entry. */
    readonly count: number;
  };
  /** An operator's act that changed something, or was refused by its rules. */
  readonly act: {
    readonly act: string;
    readonly by: string;
    readonly approvedBy?: string | undefined;
    readonly outcome: 'done' | 'refused';
    readonly code?: string | undefined;
    readonly details: Readonly<Record<string, string>>;
  };
  /** A floor from outside: import, raise, validator added. The adopted floor of S36 is the highest of them. */
  readonly floor: {
    readonly by: string;
    readonly before: PositionJson;
    readonly after: PositionJson;
  };
  readonly freeze: {
    readonly isFrozen: boolean;
    readonly cause: string;
    readonly by: string;
    readonly reason: string;
  };
  readonly rotation: {
    readonly rotation: string;
    readonly from: string;
    readonly to: string;
    readonly event: string;
    readonly by: string;
    readonly activationHeight: string | null;
    readonly newKey: string;
  };
  /** A signature on the chain that this log does not know (S36). */
  readonly witness: {
    readonly height: string;
    readonly round: number;
    readonly source: string;
    readonly finding: 'above-floor' | 'unknown-bytes';
  };
  readonly segment: {
    readonly did: 'closed' | 'removed';
    readonly file: string;
    readonly first: string;
    readonly last: string;
    readonly sha256: string;
  };
  readonly checkpoint: { readonly file: string; readonly at: string };
}

/** A whole entry, as `audit show` and `export` give it. */
export interface AuditEntry<Kind extends AuditKind = AuditKind> {
  readonly seq: bigint;
  readonly timeMs: number;
  readonly kind: Kind;
  readonly validator: string | undefined;
  readonly position: PositionJson | undefined;
  /** SHA-256 of the decided sign bytes, hex. */
  readonly signHash: string | undefined;
  readonly body: AuditBodies[Kind];
  /** Hex. */
  readonly hash: string;
}
