/** What happened to a validator's votes at one height, in words and numbers. Pure. */
import type { AuditBodies, AuditEntry, OutcomeNote } from '../audit/audit-entry.ts';
import { STEP_NAMES } from '../home/home-state.ts';
import type { AttendanceJson } from '../page/status-event.ts';

/** What is known of the height. */
export interface HeightFacts {
  readonly height: bigint;
  /** Of this validator, from its last decision below the height to its first above it, oldest first. */
  readonly entries: readonly AuditEntry[];
  /** What the chain shows; `undefined` where no RPC is configured, or it does not remember. */
  readonly attendance: AttendanceJson | undefined;
  readonly tip: bigint | undefined;
  readonly floorHeight: bigint;
  /** The first entry the log still has. */
  readonly logBegan: { readonly timeMs: number; readonly floorHeight: bigint } | undefined;
}

/** Sentences for a person, in the order in which things happened. */
export function explainHeight(facts: HeightFacts): readonly string[] {
  const { height, entries } = facts;
  const decisions = entries.filter((entry) => isDecisionAt(entry, height));
  const sentences = entries.flatMap((entry) => sentenceOf(entry, facts));
  if (decisions.length === 0) sentences.unshift(whyNoDecision(facts));
  sentences.push(...chainSentences(facts));
  return sentences;
}

function isDecisionAt(
  entry: AuditEntry,
  height: bigint,
): entry is AuditEntry<'decision'> & { readonly position: NonNullable<AuditEntry['position']> } {
  return entry.kind === 'decision' && entry.position?.height === String(height);
}

function whyNoDecision({ height, floorHeight, tip, logBegan }: HeightFacts): string {
  if (logBegan !== undefined && height <= logBegan.floorHeight) {
    return `Height ${height} is before this log began (${timeText(logBegan.timeMs)}, floor at ${logBegan.floorHeight}): what happened there is not known here.`;
  }
  if (height > floorHeight) {
    const chain = tip === undefined ? '' : `; the chain is at ${tip}`;
    return `Nothing was signed at height ${height}: the floor stands at ${floorHeight}${chain}.`;
  }
  return `No vote and no proposal at height ${height} moved the floor: no node asked, or what was asked was refused.`;
}

function sentenceOf(entry: AuditEntry, { height, entries }: HeightFacts): readonly string[] {
  const at = timeText(entry.timeMs);
  switch (entry.kind) {
    case 'decision':
      if (!isDecisionAt(entry, height)) return [];
      return [
        `${at}: ${stepText(entry.position)} was asked by ${(entry.body as AuditBodies['decision']).by} and decided (entry ${entry.seq}); ${outcomeText(outcomeOf(entry.seq, entries))}.`,
      ];
    case 'summary': {
      const { source, what, code, count, last, text } = entry.body as AuditBodies['summary'];
      if (last !== undefined && last.height !== String(height)) return [];
      const times = count === 1 ? 'once' : `${count} times`;
      const reason = text === undefined ? '' : `: ${text}`;
      const position = last === undefined ? '' : ` ${stepText(last)},`;
      return [`${at}:${position} ${SUMMARY_TEXTS[what]} ${times}, ${source} (${code})${reason}.`];
    }
    case 'connection': {
      const { node, isUp, code, count } = entry.body as AuditBodies['connection'];
      const change = isUp
        ? 'connected'
        : `lost the connection${code === undefined ? '' : ` (${code})`}`;
      return [`${at}: ${node} ${change}${count > 1 ? `, ${count} changes` : ''}.`];
    }
    case 'freeze': {
      const { isFrozen, cause, by, reason } = entry.body as AuditBodies['freeze'];
      return [
        isFrozen ? `${at}: frozen by ${by} (${cause}): ${reason}.` : `${at}: unfrozen by ${by}.`,
      ];
    }
    case 'floor': {
      const { by, after } = entry.body as AuditBodies['floor'];
      return [`${at}: the floor was raised to height ${after.height} by ${by}.`];
    }
    case 'rotation': {
      const { from, to, event } = entry.body as AuditBodies['rotation'];
      return [`${at}: its key rotation went from ${from} to ${to} (${event}).`];
    }
    default:
      return [];
  }
}

const SUMMARY_TEXTS: Readonly<Record<AuditBodies['summary']['what'], string>> = {
  repeat: 'asked again and answered with the stored signature',
  refused: 'refused',
  abandoned: 'given up by the node before the signature was there',
  unauthenticated: 'refused an admin request without a right',
  forbidden: 'refused an admin request with another role',
  limited: 'refused an admin request over its limit',
};

function stepText(position: { readonly round: number; readonly step: number }): string {
  const step = STEP_NAMES[position.step as 0 | 1 | 2 | 3];
  return `${step === 'propose' ? 'the proposal' : `the ${step}`} of round ${position.round}`;
}

/** Outcomes ride in a later entry, or in one of their own. */
function outcomeOf(seq: bigint, entries: readonly AuditEntry[]): OutcomeNote | undefined {
  for (const { kind, body } of entries) {
    if (kind !== 'decision' && kind !== 'outcomes') continue;
    const { o = [] } = body as { readonly o?: readonly OutcomeNote[] };
    const found = o.find((note) => note.seq === String(seq));
    if (found !== undefined) return found;
  }
  return undefined;
}

function outcomeText(note: OutcomeNote | undefined): string {
  if (note === undefined) return 'how it ended is not in the log';
  const { outcome, code, us } = note;
  const stages = Object.entries(us)
    .filter(([stage]) => stage !== 'total')
    .map(([stage, micros]) => `${stage} ${millis(Number(micros))}`);
  const reason = code === undefined ? '' : ` (${code})`;
  return `${outcome}${reason} after ${millis(us.total)}${stages.length === 0 ? '' : `: ${stages.join(', ')}`}`;
}

function chainSentences({ height, attendance, tip }: HeightFacts): readonly string[] {
  if (attendance === undefined) {
    return [`What the chain shows of height ${height} is not known: no RPC tells of it.`];
  }
  const commit = ATTENDANCE_TEXTS[attendance.state];
  const chain = tip === undefined ? '' : ` The chain is at ${tip}.`;
  return [`In the commit of height ${height} ${commit}.${chain}`];
}

const ATTENDANCE_TEXTS: Readonly<Record<AttendanceJson['state'], string>> = {
  signed: 'its signature is there',
  refused: 'its signature is not there: what was asked was refused here',
  missed: 'its signature is MISSING',
  asked: 'nothing is known yet: it was signed here',
  'not-in-set': 'it had nothing to sign: its key was not in the validator set',
  unknown: 'nothing is known of it',
};

function millis(micros: number): string {
  return `${(micros / 1_000).toFixed(micros < 100_000 ? 2 : 0)} ms`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
