/**
 * Bodies of the admin API by route. Heights are decimal texts, times ISO 8601, keys CometBFT's JSON.
 * Each has one schema of the same name; unknown members are refused.
 */
import type { PublicKeyJson } from '@privval/proto/crypto/key-json';
import type { AuditEntry, AuditKind } from '../audit/audit-entry.ts';
import type { AuditStatus } from '../audit/audit-log.ts';
import type { AttendanceJson } from '../page/status-event.ts';
import type { NewKeyRequest, PlanItem, RotationJson } from '../rotation/rotation-desk.ts';
import type { ProviderHealthJson } from './provider-health-json.ts';

/** What may come with every act. */
export interface ActBody {
  /** The validator's name, where a confirmation is needed. */
  readonly confirm?: string;
  /** Id of an approval, in two-person mode. */
  readonly approval?: string;
}

/** `floor.raise`. One of the two at least; the higher counts. */
export interface FloorRaiseBody extends ActBody {
  readonly stateFile?: string;
  readonly floorHeight?: string;
}

/** `nodes.add`, `nodes.remove`. A witness is an `rpc` without `address`. */
export interface NodeBody extends ActBody {
  /** As in `signer.toml`. */
  readonly address?: string;
  readonly rpc?: string;
}

/** One node or witness. */
export interface NodeJson {
  readonly address: string | null;
  readonly rpc: string | null;
  readonly state: string;
  readonly version: string | null;
  readonly tip: string | null;
  /** Newest height proven to be committed there. */
  readonly committed: string | null;
  readonly error: { readonly code: string; readonly text: string; readonly at: string } | null;
}

/** `validator.freeze`. */
export interface FreezeBody extends ActBody {
  /** At most 500 characters. */
  readonly reason?: string;
}

/** What a freeze, an unfreeze or a ceiling leaves. */
export interface ControlJson {
  readonly validator: string;
  readonly isFrozen: boolean;
  readonly cause: string | null;
  readonly reason: string | null;
  readonly since: string | null;
  readonly raiseFloorTo: string | null;
  readonly heightCeiling: string | null;
}

/** `validator.ceiling`; null takes it away. */
export interface CeilingBody extends ActBody {
  readonly height: string | null;
}

/** `rotation.generate`. */
export interface GenerateBody extends ActBody {
  readonly key: NewKeyRequest;
}

/** `rotation.prove`. */
export interface ProveBody extends ActBody {
  readonly operator?: string;
}

/** `rotation.finish`. */
export interface FinishBody extends ActBody {
  /** Hex, 64 digits. */
  readonly oldKey?: string;
  readonly isWindowOver?: boolean;
}

/** `rotation.tx`. */
export interface TransactionBody extends ActBody {
  readonly format: 'sdk' | 'kvstore';
  readonly power?: string;
  readonly operator?: string;
}

/** Its answer. */
export interface TransactionJson {
  readonly lines: readonly string[];
}

/** `rotation.arm`. */
export interface ArmBody extends ActBody {
  readonly atHeight: string;
  readonly isPassed?: boolean;
}

/** Answer of `rotation.plan`. */
export interface PlanJson {
  readonly isGreen: boolean;
  readonly items: readonly PlanItem[];
}

/** Answers of the other rotation routes. */
export type RotationAnswer = RotationJson;

/** Query of `audit.show`. */
export interface AuditShowQuery {
  readonly after?: string;
  readonly kind?: AuditKind;
  readonly validator?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
}

/** The same as a query has it: everything is a text. */
export interface AuditShowQueryText extends Omit<AuditShowQuery, 'limit'> {
  readonly limit?: string;
}

/** `approvals.approve`. */
export interface ApproveBody {
  /** What the approver has read, hex; another one is refused. */
  readonly hash?: string;
}

/** A key that signs, will sign, or has signed and must be kept for now. */
export interface KeyJson {
  readonly validator: string;
  readonly chainId: string;
  readonly publicKey: PublicKeyJson;
  /** Upper-case hex. */
  readonly address: string;
  readonly state: 'current' | 'staged' | 'retiring';
  /** First height of a staged key, where it is known. */
  readonly activationHeight: string | null;
  /** The places it is in; of the current key. */
  readonly providers: readonly ProviderHealthJson[];
}

/** Entries, and where the next page begins. */
export interface AuditPageJson {
  readonly entries: readonly (Omit<AuditEntry, 'seq'> & { readonly seq: string })[];
  readonly nextAfter: string | null;
}

/** Answer of `audit.status`: numbers as decimal texts. */
export type AuditStatusJson = {
  readonly [Name in keyof AuditStatus]: AuditStatus[Name] extends number
    ? number
    : AuditStatus[Name] extends string
      ? string
      : string | null;
};

/** `reload`. Nothing is changed when `refused` is not null. */
export interface ReloadJson {
  readonly changed: readonly string[];
  /** What only a restart brings into effect. */
  readonly needsRestart: readonly string[];
  readonly refused: { readonly code: string; readonly text: string } | null;
}

/** Answer 202 in two-person mode. */
export interface ApprovalAskedJson {
  readonly approval: string;
  readonly hash: string;
  readonly expiresAt: string;
  /** The command that an approver runs. */
  readonly approveWith: string;
}

/** Answer of `validator.why`. */
export interface WhyJson {
  readonly validator: string;
  readonly height: string;
  /** What the chain's commit shows. */
  readonly attendance: AttendanceJson | null;
  /** In words, in order; what `signer why` prints. */
  readonly sentences: readonly string[];
  readonly entries: AuditPageJson['entries'];
}
