/** Wishes that wait for a second person. In `floor.db`: they outlive a restart, and so does their use. */
import { randomBytes } from 'node:crypto';
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { HomeTables, JournalDraft, SqlRow, TableWrite } from '../guard/home-transaction.ts';
import type { Approval, Caller } from './access.ts';
import {
  ApprovalExpiredError,
  ApprovalLimitError,
  ApprovalMismatchError,
  ApprovalPendingError,
  ApprovalSelfError,
  ApprovalUsedError,
  UnknownApprovalError,
} from './approval-errors.ts';
import { type ApprovedRequest, approvalHash, canonicalJson } from './approval-hash.ts';
import {
  type ApprovalRefusal,
  judgeApprove,
  judgeUse,
  type StoredApproval,
} from './judge-access.ts';

/** As many may be open at once: each holds its body. */
const MAX_OPEN = 64;

/** As many are shown: the open ones and some that were used. */
const MAX_LISTED = 128;

/** An approval that was used and forgotten is unknown: it counts no more than before. */
const FORGET_USED = `
  DELETE FROM approvals WHERE used_at_ms IS NOT NULL AND id NOT IN (
    SELECT id FROM approvals WHERE used_at_ms IS NOT NULL ORDER BY used_at_ms DESC LIMIT 128
  )`;

const COLUMNS =
  'id, act_hash, act, validator, body, asked_by, approved_by, expires_at_ms, used_at_ms';

/** Collaborators of {@link Approvals}. */
export interface ApprovalsDeps {
  readonly tables: HomeTables;
  /** The highest time ever seen, in milliseconds since 1970. */
  readonly newestTimeMs: () => number;
}

/** What they are bound to, and for how long. */
export interface ApprovalsOptions {
  /** 16 bytes. */
  readonly homeId: Uint8Array;
  /** @default 900 */
  readonly lifetimeSeconds?: number | undefined;
}

/**
 * The approvals of a home. Each counts once: its use is durable before the act begins, so a crash in
 * between loses the approval and never doubles the act.
 */
export class Approvals {
  readonly #tables: HomeTables;
  readonly #newestTimeMs: () => number;
  readonly #homeId: Uint8Array;
  readonly #lifetimeMs: number;

  constructor(deps: ApprovalsDeps, options: ApprovalsOptions) {
    this.#tables = deps.tables;
    this.#newestTimeMs = deps.newestTimeMs;
    this.#homeId = options.homeId;
    this.#lifetimeMs = (options.lifetimeSeconds ?? 900) * 1_000;
  }

  /**
   * Asks. The same wish of the same caller, while it is open, is the same approval.
   *
   * @throws {ApprovalLimitError} ERR_APPROVAL_LIMIT
   */
  ask(request: ApprovedRequest, by: string): Approval {
    const nowMs = this.#newestTimeMs();
    const hash = approvalHash(this.#homeId, request);
    const open = this.#rows(MAX_OPEN).filter((row) => !row.isUsed && nowMs < row.expiresAtMs);
    const same = open.find((row) => row.hash === hash && row.askedBy === by);
    if (same !== undefined) return approvalOf(same, nowMs);
    if (open.length >= MAX_OPEN) throw new ApprovalLimitError(open.length);
    const id = hexFromBytes(randomBytes(16));
    const { act, validator, body } = request;
    const expiresAtMs = nowMs + this.#lifetimeMs;
    this.#commit({ step: 'asked', id, act, validator, by }, [
      {
        sql: 'DELETE FROM approvals WHERE expires_at_ms <= ?',
        values: [BigInt(nowMs)],
      },
      { sql: FORGET_USED, values: [] },
      {
        sql: `INSERT INTO approvals (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, NULL, ?, NULL)`,
        values: [
          id,
          bytesFromHex(hash),
          act,
          validator,
          canonicalJson(body),
          by,
          BigInt(expiresAtMs),
        ],
      },
    ]);
    return this.#known(id, nowMs);
  }

  /** Those that wait, then those that were used; the oldest first. */
  list(): readonly Approval[] {
    const nowMs = this.#newestTimeMs();
    return this.#rows(MAX_LISTED).map((row) => approvalOf(row, nowMs));
  }

  /**
   * Approves. Repeated by the same caller it changes nothing.
   *
   * @throws {UnknownApprovalError} ERR_APPROVAL_UNKNOWN
   * @throws {ApprovalSelfError} ERR_APPROVAL_SELF
   * @throws {ApprovalUsedError} ERR_APPROVAL_USED
   * @throws {ApprovalExpiredError} ERR_APPROVAL_EXPIRED
   * @throws {ApprovalMismatchError} ERR_APPROVAL_MISMATCH
   */
  approve(id: string, hash: string | undefined, by: Caller): Approval {
    const nowMs = this.#newestTimeMs();
    const row = this.#row(id);
    const refusal = judgeApprove(row, by, hash, nowMs);
    if (row === undefined || refusal !== undefined) throw refusalError(refusal ?? 'unknown', id);
    if (row.approvedBy === null) {
      const { act, validator } = row;
      this.#commit({ step: 'approved', id, act, validator, by: by.name }, [
        {
          sql: 'UPDATE approvals SET approved_by = ? WHERE id = ? AND approved_by IS NULL',
          values: [by.name, id],
        },
      ]);
    }
    return this.#known(id, nowMs);
  }

  /**
   * Uses an approval up; durable when it returns, before anything was done.
   *
   * @returns who approved
   * @throws what {@link Approvals.approve} throws, and {@link ApprovalPendingError} ERR_APPROVAL_PENDING
   */
  use(id: string, request: ApprovedRequest, by: string): string {
    const nowMs = this.#newestTimeMs();
    const hash = approvalHash(this.#homeId, request);
    const judged = judgeUse(this.#row(id), { hash, by }, nowMs);
    if (typeof judged === 'string') throw refusalError(judged, id);
    const { act, validator } = request;
    this.#commit({ step: 'used', id, act, validator, by, approvedBy: judged.approvedBy }, [
      { sql: 'UPDATE approvals SET used_at_ms = ? WHERE id = ?', values: [BigInt(nowMs), id] },
    ]);
    return judged.approvedBy;
  }

  #commit(step: ApprovalStep, writes: readonly TableWrite[]): void {
    this.#tables.commit({ writes, entries: [draftOf(step)] });
  }

  #known(id: string, nowMs: number): Approval {
    const row = this.#row(id);
    if (row === undefined) throw new UnknownApprovalError();
    return approvalOf(row, nowMs);
  }

  #row(id: string): StoredApproval | undefined {
    const [row] = this.#tables.read(`SELECT ${COLUMNS} FROM approvals WHERE id = ?`, [id], 1);
    return row === undefined ? undefined : storedApproval(row);
  }

  /** Those that are not used first, then by the end of their time. */
  #rows(limit: number): readonly StoredApproval[] {
    const sql = `SELECT ${COLUMNS} FROM approvals ORDER BY used_at_ms IS NOT NULL, expires_at_ms, id`;
    return this.#tables.read(sql, [], limit).map(storedApproval);
  }
}

interface ApprovalStep {
  readonly step: 'asked' | 'approved' | 'used';
  readonly id: string;
  readonly act: string;
  readonly validator: string | null;
  readonly by: string;
  readonly approvedBy?: string;
}

function draftOf({ step, id, act, validator, by, approvedBy }: ApprovalStep): JournalDraft {
  const body = {
    act: `approval.${step}`,
    by,
    ...(approvedBy === undefined ? {} : { approvedBy }),
    outcome: 'done',
    details: { approval: id, act },
  };
  return {
    kind: 'act',
    ...(validator === null ? {} : { validator }),
    body: JSON.stringify(body),
  };
}

function storedApproval(row: SqlRow): StoredApproval {
  const { act_hash: hash, validator, approved_by: approvedBy } = row;
  return {
    id: String(row['id']),
    act: String(row['act']),
    validator: validator === null ? null : String(validator),
    hash: hash instanceof Uint8Array ? hexFromBytes(hash) : '',
    body: String(row['body']),
    askedBy: String(row['asked_by']),
    approvedBy: approvedBy === null ? null : String(approvedBy),
    expiresAtMs: Number(row['expires_at_ms']),
    isUsed: row['used_at_ms'] !== null,
  };
}

function approvalOf(row: StoredApproval, nowMs: number): Approval {
  const { id, act, validator, hash, askedBy, approvedBy } = row;
  return {
    id,
    act,
    validator,
    hash,
    body: JSON.parse(row.body),
    askedBy,
    approvedBy,
    expiresAt: new Date(row.expiresAtMs).toISOString(),
    state: row.isUsed
      ? 'used'
      : nowMs >= row.expiresAtMs
        ? 'expired'
        : approvedBy === null
          ? 'asked'
          : 'approved',
  };
}

function refusalError(refusal: ApprovalRefusal, id: string): Error {
  switch (refusal) {
    case 'unknown':
      return new UnknownApprovalError();
    case 'used':
      return new ApprovalUsedError();
    case 'expired':
      return new ApprovalExpiredError();
    case 'pending':
      return new ApprovalPendingError(id);
    case 'self':
      return new ApprovalSelfError();
    case 'other-request':
      return new ApprovalMismatchError(
        'the request is another one than what was read and approved',
      );
    case 'other-asker':
      return new ApprovalMismatchError('somebody else asked for it');
  }
}
