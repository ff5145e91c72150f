/** Who may do what: pure rules over roles, approvals and times. */
import type { Caller, Role } from './access.ts';
import type { AdminRoute } from './admin-routes.ts';

/**
 * Whether a role suffices. `approver` stands beside `operator`, not above it: who approves does not
 * act, and who acts does not approve.
 */
export function mayUse(has: Role, needed: Role): boolean {
  return needed === 'viewer' || has === needed;
}

/** A request may change something: what is refused of it is audited. */
export function isAct(route: Pick<AdminRoute, 'method'>): boolean {
  return route.method !== 'GET';
}

/** An approval as it is stored. */
export interface StoredApproval {
  readonly id: string;
  readonly act: string;
  readonly validator: string | null;
  /** Hex. */
  readonly hash: string;
  readonly body: string;
  readonly askedBy: string;
  readonly approvedBy: string | null;
  readonly expiresAtMs: number;
  readonly isUsed: boolean;
}

/** Why an approval does not count. */
export type ApprovalRefusal =
  | 'unknown'
  | 'used'
  | 'expired'
  | 'pending'
  | 'other-request'
  | 'other-asker'
  | 'self';

/**
 * Whether an operator may act on an approval now.
 *
 * @param nowMs the highest time ever seen: a clock that was set back revives nothing
 */
export function judgeUse(
  approval: StoredApproval | undefined,
  wanted: { readonly hash: string; readonly by: string },
  nowMs: number,
): { readonly approvedBy: string } | ApprovalRefusal {
  if (approval === undefined) return 'unknown';
  if (approval.hash !== wanted.hash) return 'other-request';
  if (approval.askedBy !== wanted.by) return 'other-asker';
  if (approval.isUsed) return 'used';
  if (nowMs >= approval.expiresAtMs) return 'expired';
  if (approval.approvedBy === null) return 'pending';
  // A credential whose role was changed in between approves nothing of its own.
  if (approval.approvedBy === wanted.by) return 'self';
  return { approvedBy: approval.approvedBy };
}

/** Whether a caller may approve now; `undefined`: yes. The role is judged before, by {@link mayUse}. */
export function judgeApprove(
  approval: StoredApproval | undefined,
  by: Pick<Caller, 'name'>,
  hash: string | undefined,
  nowMs: number,
): ApprovalRefusal | undefined {
  if (approval === undefined) return 'unknown';
  if (approval.askedBy === by.name) return 'self';
  if (approval.isUsed) return 'used';
  if (nowMs >= approval.expiresAtMs) return 'expired';
  if (hash !== undefined && hash.toLowerCase() !== approval.hash) return 'other-request';
  return undefined;
}
