/** What becomes of the end of each request in the audit log. */
import { positionJson } from '../home/home-state.ts';
import type { StageTimes } from '../priv-validator/decision-log.ts';
import type { DecisionObserver, DecisionOutcome } from '../priv-validator/decision-outcome.ts';
import type { OutcomeNote, StageMicros } from './audit-entry.ts';
import type { Summarized } from './audit-log.ts';

/** What an observer writes to. */
export interface AuditedEnds {
  /** @returns whether a decision was waiting for it. */
  outcome(validator: string, at: DecisionOutcome['at'], note: Omit<OutcomeNote, 'seq'>): boolean;
  addUp(event: Summarized): void;
}

/**
 * An end that belongs to a decision's entry goes there. All others are added up: a refusal and a
 * repeat never have an entry, nor has what failed before it was decided.
 */
export function auditObserver(log: AuditedEnds): DecisionObserver {
  return (ended) => {
    const { validator, at, outcome, code, stages, totalMs } = ended;
    if (outcome === 'repeated') return log.addUp(summarized(ended, 'repeat'));
    if (outcome === 'refused') return log.addUp(summarized(ended, 'refused'));
    const note = { outcome, code, us: micros(stages, totalMs) };
    if (log.outcome(validator, at, note) || outcome === 'signed') return;
    log.addUp(summarized(ended, outcome === 'abandoned' ? 'abandoned' : 'refused'));
  };
}

function summarized(ended: DecisionOutcome, what: Summarized['what']): Summarized {
  const { validator, asker, at, code = '', text } = ended;
  return {
    source: asker,
    what,
    code,
    validator,
    last: positionJson(at),
    ...(text === undefined ? {} : { text }),
  };
}

function micros(stages: StageTimes, totalMs: number): StageMicros {
  const { queueMs, reserveMs, signMs, verifyMs, extensionMs } = stages;
  return {
    ...(queueMs === undefined ? {} : { queue: us(queueMs) }),
    ...(reserveMs === undefined ? {} : { reserve: us(reserveMs) }),
    ...(signMs === undefined ? {} : { sign: us(signMs) }),
    ...(verifyMs === undefined ? {} : { verify: us(verifyMs) }),
    ...(extensionMs === undefined ? {} : { extension: us(extensionMs) }),
    total: us(totalMs),
  };
}

function us(ms: number): number {
  return Math.round(ms * 1_000);
}
