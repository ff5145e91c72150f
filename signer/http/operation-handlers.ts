/** Handlers of rotations, the audit log and approvals; with those of `state-handlers.ts` all there are. */
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import type { AuditEntry } from '../audit/audit-entry.ts';
import type { AuditStatus } from '../audit/audit-log.ts';
import { parseHeight } from '../home/height.ts';
import type {
  ApproveBody,
  ArmBody,
  AuditPageJson,
  AuditShowQueryText,
  AuditStatusJson,
  FinishBody,
  GenerateBody,
  ProveBody,
  TransactionBody,
} from './admin-bodies.ts';
import type { AdminCall, AdminHandler, AdminParts } from './admin-call.ts';
import type { AdminRouteName } from './admin-routes.ts';
import { UnknownApprovalError } from './approval-errors.ts';
import { STATE_HANDLERS } from './state-handlers.ts';

/** Entries in one answer, where nothing else is asked for, and the most there can be. */
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** What does each act. Complete: a route without a handler is no program. */
export const ADMIN_HANDLERS: Readonly<Record<AdminRouteName, AdminHandler>> = {
  ...STATE_HANDLERS,
  'rotation.status': ({ operations: { rotations } }, { validator }) => rotations.status(validator),
  'rotation.plan': async ({ operations: { rotations } }, { validator, signal }) => {
    const items = await rotations.plan(validator, { signal });
    return { isGreen: items.every(({ state }) => state !== 'red'), items };
  },
  'rotation.generate': ({ operations: { rotations } }, { validator, act, body, signal }) => {
    const { key } = body as unknown as GenerateBody;
    return rotations.generate(validator, key, act, { signal });
  },
  'rotation.prove': ({ operations: { rotations } }, { validator, act, body, signal }) => {
    const { operator } = body as ProveBody;
    return rotations.prove(validator, operator, act, { signal });
  },
  'rotation.tx': async ({ operations: { rotations } }, { validator, act, body, signal }) => {
    const { format, power, operator } = body as unknown as TransactionBody;
    const wanted = { format, operator, power: power === undefined ? undefined : BigInt(power) };
    return { lines: await rotations.transactions(validator, wanted, act, { signal }) };
  },
  'rotation.arm': ({ operations: { rotations } }, { validator, act, body }) => {
    const { atHeight, isPassed = false, confirm } = body as unknown as ArmBody;
    const isConfirmed = confirm === validator;
    return rotations.arm(
      validator,
      { atHeight: parseHeight(atHeight), isPassed, isConfirmed },
      act,
    );
  },
  'rotation.verify': verified,
  'rotation.finish': ({ operations: { rotations } }, { validator, act, body, signal }) => {
    const { oldKey, isWindowOver = false } = body as FinishBody;
    const wanted = {
      isWindowOver,
      oldKey: oldKey === undefined ? undefined : bytesFromHex(oldKey),
    };
    return rotations.finish(validator, wanted, act, { signal });
  },
  'rotation.abort': ({ operations: { rotations } }, { validator, act }) =>
    rotations.abort(validator, act),
  'audit.show': auditPage,
  'audit.status': ({ operations: { audit } }) => auditStatusJson(audit.status()),
  'audit.live': ({ operations: { audit } }, { query, signal }) => {
    const { after } = query as AuditShowQueryText;
    return audit.live(after === undefined ? undefined : parseHeight(after), { signal });
  },
  'audit.checkpoint': ({ operations: { audit } }, { signal }) => audit.checkpoint({ signal }),
  approvals: ({ approvals }) => approvals?.list() ?? [],
  'approvals.approve': ({ approvals }, { params, body, caller }) => {
    if (approvals === undefined) throw new UnknownApprovalError();
    const { hash } = body as ApproveBody;
    return approvals.approve(params['id'] ?? '', hash, caller);
  },
};

/** Waits for the verification, and no longer than a client should: then it tells what is. */
async function verified(parts: AdminParts, { validator, signal }: AdminCall): Promise<unknown> {
  const { rotations } = parts.operations;
  using limit = parts.deadline(parts.verifyWaitMs);
  try {
    return await rotations.verified(validator, { signal: AbortSignal.any([signal, limit.signal]) });
  } catch (error) {
    if (!limit.signal.aborted) throw error;
    return rotations.status(validator);
  }
}

async function auditPage({ operations }: AdminParts, call: AdminCall): Promise<AuditPageJson> {
  const { after, kind, validator, from, to, limit } = call.query as AuditShowQueryText;
  const most = limitOf(limit);
  const entries = await operations.audit.query(
    {
      afterSeq: after === undefined ? undefined : parseHeight(after),
      kinds: kind === undefined ? undefined : [kind],
      validator,
      fromHeight: from === undefined ? undefined : parseHeight(from),
      toHeight: to === undefined ? undefined : parseHeight(to),
      limit: most,
    },
    { signal: call.signal },
  );
  const last = entries.at(-1);
  const hasMore = last !== undefined && entries.length >= most;
  return { entries: entries.map(entryJson), nextAfter: hasMore ? String(last.seq) : null };
}

function entryJson(entry: AuditEntry): AuditPageJson['entries'][number] {
  return { ...entry, seq: String(entry.seq) };
}

function limitOf(text: string | undefined): number {
  return text === undefined ? DEFAULT_LIMIT : Math.min(MAX_LIMIT, Math.max(1, Number(text)));
}

function auditStatusJson(status: AuditStatus): AuditStatusJson {
  const { newestSeq, oldestSeq, newestCheckpointSeq, ...rest } = status;
  return {
    ...rest,
    newestSeq: String(newestSeq),
    oldestSeq: String(oldestSeq),
    newestCheckpointSeq: newestCheckpointSeq === undefined ? null : String(newestCheckpointSeq),
  };
}
