/** Gathers what is known of one height: the log around it, the chain's commit, the floor. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { AuditBodies, AuditEntry } from '../audit/audit-entry.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Attendance, ChainView } from '../chain/chain-view.ts';
import type { SignStateStore } from '../guard/sign-state-store.ts';
import type { WhyJson } from '../http/admin-bodies.ts';
import type { AttendanceJson } from '../page/status-event.ts';
import { explainHeight } from './explain-height.ts';

/** How far from the height a decision is looked for that bounds the time of it. */
const NEARBY_HEIGHTS = 5n;

/** Entries that are looked through, at the most. */
const MAX_ENTRIES = 1_000;

/** Collaborators of {@link whyHeight}. */
export interface WhyDeps {
  readonly audit: Pick<AuditLog, 'query'>;
  readonly store: Pick<SignStateStore, 'floor'>;
  readonly chain: ChainView | undefined;
}

/** What happened at `height`. @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR */
export async function whyHeight(
  { audit, store, chain }: WhyDeps,
  { validator, height }: { readonly validator: string; readonly height: bigint },
  options: AbortOptions = {},
): Promise<WhyJson> {
  const floorHeight = store.floor(validator).height;
  const decisions = await audit.query(
    {
      validator,
      kinds: ['decision'],
      fromHeight: height - NEARBY_HEIGHTS,
      toHeight: height + NEARBY_HEIGHTS,
      limit: MAX_ENTRIES,
    },
    options,
  );
  const entries = await around(audit, { validator, height, decisions }, options);
  const attendance = attendanceJson(chain?.attendance(height).find((one) => one.height === height));
  const sentences = explainHeight({
    height,
    entries,
    attendance,
    tip: chain?.tip(),
    floorHeight,
    logBegan: await logBegan(audit, validator, options),
  });
  return {
    validator,
    height: String(height),
    attendance: attendance ?? null,
    sentences,
    entries: entries.map((entry) => ({ ...entry, seq: String(entry.seq) })),
  };
}

/** From the last decision below the height to the first above it, whatever came between. */
async function around(
  audit: Pick<AuditLog, 'query'>,
  found: {
    readonly validator: string;
    readonly height: bigint;
    readonly decisions: readonly AuditEntry[];
  },
  options: AbortOptions,
): Promise<readonly AuditEntry[]> {
  const { validator, height, decisions } = found;
  const heightOf = ({ position }: AuditEntry): bigint => BigInt(position?.height ?? -1);
  const below = decisions.findLast((entry) => heightOf(entry) < height);
  const above = decisions.find((entry) => heightOf(entry) > height);
  if (below === undefined && above === undefined && decisions.length === 0) return [];
  const first = decisions[0]?.seq ?? 1n;
  const afterSeq = below?.seq ?? first - 1n;
  const entries = await audit.query({ afterSeq, limit: MAX_ENTRIES }, options);
  return entries.filter(
    (entry) =>
      (entry.validator === undefined || entry.validator === validator) &&
      (above === undefined || entry.seq <= above.seq),
  );
}

async function logBegan(
  audit: Pick<AuditLog, 'query'>,
  validator: string,
  options: AbortOptions,
): Promise<{ readonly timeMs: number; readonly floorHeight: bigint } | undefined> {
  const [begun] = await audit.query({ kinds: ['begun'], limit: 1 }, options);
  if (begun === undefined) return undefined;
  const { floors } = begun.body as AuditBodies['begun'];
  return { timeMs: begun.timeMs, floorHeight: BigInt(floors[validator]?.height ?? 0) };
}

/** What a commit shows, as the page has it. */
export function attendanceJson(attendance: Attendance | undefined): AttendanceJson | undefined {
  if (attendance === undefined) return undefined;
  const { state, isFinal } = attendance;
  const height = String(attendance.height);
  if (state === 'not-in-set' || state === 'unknown') return { height, state };
  if (state === 'absent') return { height, state: isFinal ? 'missed' : 'asked' };
  return { height, state: 'signed' };
}
