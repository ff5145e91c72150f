/** Makes the rows of the audit log: the part of it that stands in the floor's transaction. */
import { hash } from 'node:crypto';
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import {
  type Decided,
  type FloorChange,
  type FloorJournal,
  type JournalOpening,
  type JournalRow,
  type JournalTail,
  NO_JOURNAL,
} from '../guard/floor-journal.ts';
import type { JournalDraft } from '../guard/home-transaction.ts';
import { type Hrs, type Position, STEP_NUMBER } from '../guard/hrs.ts';
import { positionJson } from '../home/home-state.ts';
import { firstPrevious, hashOfEntry } from './audit-chain.ts';
import type { AuditBodies, AuditKind, OutcomeNote } from './audit-entry.ts';
import { AuditTailError } from './audit-errors.ts';
import type { Summarized } from './audit-log.ts';
import { AuditOutcomes } from './audit-outcomes.ts';
import { AuditSummaries } from './audit-summaries.ts';

/** Askers and keys whose text is kept made; there are as many as nodes and keys are configured. */
const MAX_TEXTS = 1_024;

/** Collaborators of an {@link AuditJournal}. */
export interface AuditJournalDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A decision that was composed, until its transaction has ended. */
interface Composed {
  readonly tail: JournalTail;
  readonly rows: readonly JournalRow[];
  readonly decisions: readonly { readonly decided: Decided; readonly row: JournalRow }[];
}

/**
 * The {@link FloorJournal} of a home. In memory only: where the chain is, what waits to be written.
 * Of a daemon as of a command that has the home for milliseconds.
 */
export class AuditJournal implements FloorJournal {
  readonly #deps: AuditJournalDeps;
  readonly #outcomes = new AuditOutcomes();
  readonly #summaries: AuditSummaries;
  /** What the next row hangs on. */
  #tail: JournalTail = NO_JOURNAL;
  /** Number of the newest row, or of the last one in the table where that is higher. */
  #lastSeq = 0n;
  #floorsAtBegin: ReadonlyMap<string, Position> | undefined;
  #composed: Composed | undefined;
  #listener: ((rows: readonly JournalRow[]) => void) | undefined;
  #isClosing = false;
  #newestTimeMs = 0;
  #writtenAtMs: number;
  readonly #texts = new Map<string, string>();

  constructor(deps: AuditJournalDeps) {
    this.#deps = deps;
    this.#summaries = new AuditSummaries(deps.clock);
    this.#writtenAtMs = deps.clock.monotonicMs();
  }

  opened(opening: JournalOpening): void {
    const { seq, hash: tailHash, last, homeId, floors, newestTimeMs } = opening;
    this.#newestTimeMs = Math.max(this.#newestTimeMs, newestTimeMs);
    if (last.seq !== seq || !equalBytes(last.hash, tailHash)) {
      const error = new AuditTailError(seq, last.seq);
      this.#deps.logger.error({ alarm: true, code: error.code }, error.message);
    }
    this.#tail = { seq, hash: seq === 0n ? firstPrevious(homeId) : tailHash };
    this.#lastSeq = last.seq > seq ? last.seq : seq;
    this.#floorsAtBegin = seq === 0n ? floors : undefined;
  }

  compose(decided: readonly Decided[]): readonly JournalRow[] {
    const rows = this.#begin();
    const decisions = decided.map((each) => {
      const row = this.#decision(each);
      rows.push(row);
      return { decided: each, row };
    });
    this.#addSummaries(rows);
    return this.#end(rows, decisions);
  }

  composeDrafts(drafts: readonly JournalDraft[]): readonly JournalRow[] {
    const rows = this.#begin();
    for (const { kind, validator, body } of drafts) rows.push(this.#row(kind, validator, body));
    for (;;) {
      const o = this.#outcomes.take();
      if (o === undefined) break;
      rows.push(this.#row('outcomes', undefined, `{"o":${o}}`));
    }
    const lost = this.#outcomes.takeLost();
    if (lost > 0)
      rows.push(this.#row('summary', undefined, lostText(lost, this.#deps.clock.now())));
    this.#addSummaries(rows);
    return this.#end(rows, []);
  }

  draftOfFloor({ validator, by, before, after }: FloorChange): JournalDraft {
    const none: Position = { height: 0n, round: 0, step: 'none' };
    return draft('floor', validator, {
      by,
      before: positionJson(before ?? none),
      after: positionJson(after),
    });
  }

  get hasWaiting(): boolean {
    return this.#outcomes.count > 0 || this.#summaries.isDue({ all: this.#isClosing });
  }

  committed(): void {
    const { tail, rows, decisions } = this.#take();
    this.#tail = { seq: tail.seq, hash: tail.hash };
    if (tail.seq > this.#lastSeq) this.#lastSeq = tail.seq;
    this.#floorsAtBegin = undefined;
    this.#writtenAtMs = this.#deps.clock.monotonicMs();
    this.#outcomes.committed();
    this.#summaries.committed();
    for (const { decided, row } of decisions) {
      this.#outcomes.decided(decided.reservation.validator, decided.reservation.at, row.seq);
    }
    if (rows.length > 0) this.#listener?.(rows);
  }

  failed(): void {
    this.#composed = undefined;
    this.#outcomes.failed();
    this.#summaries.failed();
  }

  /** @returns whether a decision at `at` was waiting for its end. */
  outcome(validator: string, at: Hrs, note: Omit<OutcomeNote, 'seq'>): boolean {
    return this.#outcomes.ended(validator, at, note);
  }

  addUp(event: Summarized): void {
    this.#summaries.addUp(event);
  }

  connection(validator: string, change: Omit<AuditBodies['connection'], 'count'>): void {
    this.#summaries.connection(validator, change);
  }

  /** Has `listener` told of all rows that are durable, right after they are. One at the most. */
  listen(listener: (rows: readonly JournalRow[]) => void): void {
    this.#listener = listener;
  }

  /** From here on sums do not wait for their second: nothing comes after. */
  close(): void {
    this.#isClosing = true;
  }

  /** The newest entry that is durable. */
  get tail(): JournalTail {
    return this.#tail;
  }

  /** When a transaction was last written, by the monotonic clock. */
  get writtenAtMs(): number {
    return this.#writtenAtMs;
  }

  /** The highest wall-clock time ever seen: a clock that is set back does not lower it. */
  get newestTimeMs(): number {
    return Math.max(this.#newestTimeMs, this.#timeMs());
  }

  #begin(): JournalRow[] {
    if (this.#composed !== undefined) throw new InvariantError('a journal was composed twice');
    this.#composed = { tail: this.#tail, rows: [], decisions: [] };
    if (this.#floorsAtBegin === undefined) return [];
    const floors = Object.fromEntries(
      [...this.#floorsAtBegin].map(([name, floor]) => [name, positionJson(floor)]),
    );
    return [this.#row('begun', undefined, JSON.stringify({ floors }))];
  }

  #end(rows: readonly JournalRow[], decisions: Composed['decisions']): readonly JournalRow[] {
    const last = rows.at(-1);
    this.#composed = { tail: last ?? this.#tail, rows, decisions };
    return rows;
  }

  #take(): Composed {
    const composed = this.#composed;
    if (composed === undefined) throw new InvariantError('a journal was committed uncomposed');
    this.#composed = undefined;
    return composed;
  }

  #addSummaries(rows: JournalRow[]): void {
    for (const { kind, validator, body } of this.#summaries.take({ all: this.#isClosing })) {
      rows.push(this.#row(kind, validator, body));
    }
  }

  #decision({ reservation, decision }: Decided): JournalRow {
    const { validator, at, asker = '' } = reservation;
    const o = this.#outcomes.take(validator);
    const by = this.#text(asker, () => JSON.stringify(asker));
    const keyHex = hexFromBytes(decision.publicKey);
    const key = this.#text(keyHex, () => addressPrefix(decision.publicKey));
    return this.#chained({
      timeMs: this.#timeMs(),
      kind: 'decision',
      validator,
      height: at.height,
      round: at.round,
      step: STEP_NUMBER[at.step],
      signHash: hash('sha256', decision.signBytes, 'buffer'),
      body: `{"by":${by},"key":"${key}"${o === undefined ? '' : `,"o":${o}`}}`,
    });
  }

  #row(kind: string, validator: string | undefined, body: string): JournalRow {
    return this.#chained({
      timeMs: this.#timeMs(),
      kind,
      validator: validator ?? null,
      height: null,
      round: null,
      step: null,
      signHash: null,
      body,
    });
  }

  /** Hangs a row on the one composed before it, or on the newest durable one. */
  #chained(columns: Omit<JournalRow, 'seq' | 'hash'>): JournalRow {
    const composed = this.#composed;
    if (composed === undefined) throw new InvariantError('a row outside of a transaction');
    const previous = composed.tail;
    const seq = 1n + (previous.seq > this.#lastSeq ? previous.seq : this.#lastSeq);
    const unhashed = { ...columns, seq };
    const row = { ...unhashed, hash: hashOfEntry(previous.hash, unhashed) };
    this.#composed = { ...composed, tail: row };
    return row;
  }

  #timeMs(): number {
    return Math.trunc(this.#deps.clock.now());
  }

  #text(of: string, make: () => string): string {
    const known = this.#texts.get(of);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
    const made = make();
    this.#texts.set(of, made);
    return made;
  }
}

/** A draft of one kind with the body that belongs to it. */
export function draft<Kind extends AuditKind>(
  kind: Kind,
  validator: string | undefined,
  body: AuditBodies[Kind],
): JournalDraft {
  return { kind, validator, body: JSON.stringify(body) };
}

function addressPrefix(publicKey: Uint8Array): string {
  return hexFromBytes(addressFromPublicKey(ed25519PublicKey(publicKey)).subarray(0, 4));
}

function lostText(count: number, nowMs: number): string {
  const body: AuditBodies['summary'] = {
    source: 'audit',
    what: 'limited',
    code: 'outcomes-dropped',
    count,
    firstMs: nowMs,
    lastMs: nowMs,
  };
  return JSON.stringify(body);
}
