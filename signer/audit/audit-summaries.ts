/** What is added up instead of being an entry each, so that no stranger and no looping node fills the disk. */
import type { Clock } from '@privval/proto/runtime/clock';
import type { AuditBodies } from './audit-entry.ts';
import type { Summarized } from './audit-log.ts';

/** Sources that are kept apart; further ones share a sum. */
const MAX_SOURCES = 256;
/** Kinds of event of one source that are kept apart; further ones share a sum. */
const MAX_KINDS = 32;
/** Rows that one transaction carries beside what it is for. */
const MAX_ROWS = 8;

/** How long events are added up before they become a row. */
const SPAN_MS = 1_000;
/** Least time between two rows of one source. */
const INTERVAL_MS = 1_000;

/** Longest text of an event that is kept. */
const MAX_TEXT = 200;

const OTHERS = 'others';

/** A row to be: what it is about, and its body. */
export interface SummaryRow {
  readonly kind: 'summary' | 'connection';
  readonly validator: string | undefined;
  readonly body: string;
}

interface Sum {
  event: Summarized;
  readonly kind: string;
  count: number;
  readonly firstMs: number;
  lastMs: number;
  readonly sinceMs: number;
}

interface Change {
  readonly validator: string;
  last: Omit<AuditBodies['connection'], 'count'>;
  count: number;
}

/** Of one source: a node, the kind of a caller. */
interface Source {
  readonly name: string;
  /** Monotonic; when its last row was taken. */
  rowAtMs: number;
  readonly sums: Map<string, Sum>;
  change: Change | undefined;
}

/**
 * Adds up by source, and gives at most one row a second for each: the sum that has waited longest,
 * or the state of a node's connection.
 */
export class AuditSummaries {
  readonly #clock: Clock;
  readonly #sources = new Map<string, Source>();
  /** How what was taken comes back. */
  #taken: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  addUp(event: Summarized): void {
    const source = this.#source(event.source);
    const kind = `${event.what}/${event.code}/${event.validator ?? ''}`;
    const key = source.sums.has(kind) || source.sums.size < MAX_KINDS ? kind : OTHERS;
    const nowMs = this.#clock.now();
    const sum = source.sums.get(key);
    if (sum === undefined) {
      const sinceMs = this.#clock.monotonicMs();
      const first = { event, kind: key, count: 1, firstMs: nowMs, lastMs: nowMs, sinceMs };
      source.sums.set(key, first);
      return;
    }
    sum.event = event;
    sum.count++;
    sum.lastMs = nowMs;
  }

  connection(validator: string, change: Omit<AuditBodies['connection'], 'count'>): void {
    const source = this.#source(`${validator} ${change.node}`);
    if (source.change === undefined) source.change = { validator, last: change, count: 1 };
    else {
      source.change.last = change;
      source.change.count++;
    }
  }

  /** Whether {@link take} would give a row. */
  isDue({ all = false }: { readonly all?: boolean } = {}): boolean {
    const nowMs = this.#clock.monotonicMs();
    for (const { sums, change, rowAtMs } of this.#sources.values()) {
      const [sum] = sums.values();
      if (change === undefined && sum === undefined) continue;
      if (all) return true;
      if (nowMs - rowAtMs < INTERVAL_MS) continue;
      if (change !== undefined || (sum !== undefined && nowMs - sum.sinceMs >= SPAN_MS))
        return true;
    }
    return false;
  }

  /**
   * Rows that are due. `all`: whatever is there, when nothing comes after.
   * To be followed by {@link committed} or {@link failed} in the same turn.
   */
  take(options: { readonly all?: boolean } = {}): readonly SummaryRow[] {
    if (this.#sources.size === 0) return [];
    const nowMs = this.#clock.monotonicMs();
    const rows: SummaryRow[] = [];
    for (const [name, source] of this.#sources) {
      if (options.all === true) rows.push(...this.#takeAll(source));
      else if (nowMs - source.rowAtMs >= INTERVAL_MS && rows.length < MAX_ROWS) {
        const row = this.#takeOne(source, nowMs);
        if (row !== undefined) rows.push(row);
        // Nothing of it waits, and its second is over.
        else if (source.sums.size === 0) this.#sources.delete(name);
      }
    }
    return rows;
  }

  committed(): void {
    this.#taken = [];
  }

  failed(): void {
    for (const restore of this.#taken.reverse()) restore();
    this.#taken = [];
  }

  #source(wanted: string): Source {
    const isKnown = this.#sources.has(wanted) || this.#sources.size < MAX_SOURCES;
    const name = isKnown ? wanted : OTHERS;
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const source: Source = {
      name,
      rowAtMs: Number.NEGATIVE_INFINITY,
      sums: new Map(),
      change: undefined,
    };
    this.#sources.set(name, source);
    return source;
  }

  #takeAll(source: Source): readonly SummaryRow[] {
    const rows: SummaryRow[] = [];
    for (;;) {
      const row = this.#takeOne(source, Number.POSITIVE_INFINITY);
      if (row === undefined) return rows;
      rows.push(row);
    }
  }

  #takeOne(source: Source, nowMs: number): SummaryRow | undefined {
    const { rowAtMs, change, sums } = source;
    if (change !== undefined) {
      source.change = undefined;
      this.#took(source, nowMs, () => {
        source.rowAtMs = rowAtMs;
        source.change = change;
      });
      const { validator, last, count } = change;
      return { kind: 'connection', validator, body: JSON.stringify({ ...last, count }) };
    }
    // In the order in which they began.
    const [sum] = sums.values();
    if (sum === undefined || nowMs - sum.sinceMs < SPAN_MS) return undefined;
    sums.delete(sum.kind);
    this.#took(source, nowMs, () => {
      source.rowAtMs = rowAtMs;
      sums.set(sum.kind, sum);
    });
    return { kind: 'summary', validator: sum.event.validator, body: bodyOf(source.name, sum) };
  }

  #took(source: Source, nowMs: number, restore: () => void): void {
    if (Number.isFinite(nowMs)) source.rowAtMs = nowMs;
    this.#taken.push(restore);
  }
}

function bodyOf(source: string, { event, kind, count, firstMs, lastMs }: Sum): string {
  const { what, last, text } = event;
  const body: AuditBodies['summary'] = {
    source,
    what,
    code: kind === OTHERS ? OTHERS : event.code,
    count,
    firstMs,
    lastMs,
    ...(last === undefined ? {} : { last }),
    ...(text === undefined ? {} : { text: text.slice(0, MAX_TEXT) }),
  };
  return JSON.stringify(body);
}
