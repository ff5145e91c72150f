/** Makes the rows of the audit log: the part of it that stands in the floor's transaction. */
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
import { firstPrevious, hashOfEntry, sha256Of } from './audit-chain.ts';
import type { AuditBodies, AuditKind, OutcomeNote } from './audit-entry.ts';
import { AuditTailError } from './audit-errors.ts';
import type { Summarized } from './audit-log.ts';
import { AuditOutcomes } from './audit-outcomes.ts';
import { AuditSummaries } from './audit-summaries.ts';

/** Askers whose text is kept made; there are as many as nodes are configured. */
const MAX_TEXTS = 1_024;

/** Collaborators of an {@link AuditJournal}. */
export interface AuditJournalDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What was composed, until its transaction has ended. */
interface Composed {
  readonly rows: JournalRow[];
  readonly decided: readonly Decided[];
  /** Index of the first decision's row. */
  firstDecision: number;
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
  /** Durable, but nothing has followed from it yet. */
  #unsettled: Composed | undefined;
  #listener: ((rows: readonly JournalRow[]) => void) | undefined;
  #isClosing = false;
  #newestTimeMs = 0;
  #writtenAtMs: number;
  /** JSON of askers. */
  readonly #texts = new Map<string, string>();
  /** Of the key each validator signed with last. */
  readonly #addresses = new Map<
    string,
    { readonly publicKey: Uint8Array; readonly text: string }
  >();

  constructor(deps: AuditJournalDeps) {
    this.#deps = deps;
    this.#summaries = new AuditSummaries(deps.clock);
    this.#writtenAtMs = deps.clock.monotonicMs();
  }

  opened(opening: JournalOpening): void {
    this.settle();
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
    const composed = this.#begin(decided);
    composed.firstDecision = composed.rows.length;
    for (const each of decided) this.#addDecision(composed.rows, each);
    this.#addSummaries(composed.rows);
    return composed.rows;
  }

  composeDrafts(drafts: readonly JournalDraft[]): readonly JournalRow[] {
    const { rows } = this.#begin([]);
    for (const { kind, validator, body } of drafts) this.#add(rows, kind, validator, body);
    for (;;) {
      const o = this.#outcomes.take();
      if (o === undefined) break;
      this.#add(rows, 'outcomes', undefined, `{"o":${o}}`);
    }
    const lost = this.#outcomes.takeLost();
    if (lost > 0) this.#add(rows, 'summary', undefined, lostText(lost, this.#deps.clock.now()));
    this.#addSummaries(rows);
    return rows;
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
    this.settle();
    return this.#outcomes.count > 0 || this.#summaries.isDue({ all: this.#isClosing });
  }

  /** Takes note and no more: the answer is not on its way yet. */
  committed(): void {
    const composed = this.#composed;
    if (composed === undefined) throw new InvariantError('a journal was committed uncomposed');
    this.#composed = undefined;
    this.settle();
    this.#unsettled = composed;
    const newest = composed.rows.at(-1);
    if (newest === undefined) return;
    this.#tail = newest;
    if (newest.seq > this.#lastSeq) this.#lastSeq = newest.seq;
  }

  failed(): void {
    this.settle();
    this.#composed = undefined;
    this.#outcomes.failed();
    this.#summaries.failed();
  }

  /** @returns whether a decision at `at` was waiting for its end. */
  outcome(validator: string, at: Hrs, note: Omit<OutcomeNote, 'seq'>): boolean {
    this.settle();
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
    this.settle();
    return this.#writtenAtMs;
  }

  /** The highest wall-clock time ever seen: a clock that is set back does not lower it. */
  get newestTimeMs(): number {
    return Math.max(this.#newestTimeMs, this.#timeMs());
  }

  #begin(decided: readonly Decided[]): Composed {
    if (this.#composed !== undefined) throw new InvariantError('a journal was composed twice');
    this.settle();
    const composed: Composed = { rows: [], decided, firstDecision: 0 };
    this.#composed = composed;
    if (this.#floorsAtBegin !== undefined) {
      const floors = Object.fromEntries(
        [...this.#floorsAtBegin].map(([name, floor]) => [name, positionJson(floor)]),
      );
      this.#add(composed.rows, 'begun', undefined, JSON.stringify({ floors }));
    }
    return composed;
  }

  /** What follows from the newest commit, once somebody asks or the next one begins. */
  settle(): void {
    const settled = this.#unsettled;
    if (settled === undefined) return;
    this.#unsettled = undefined;
    const { rows, decided, firstDecision } = settled;
    this.#outcomes.committed();
    this.#summaries.committed();
    this.#writtenAtMs = this.#deps.clock.monotonicMs();
    if (rows.length === 0) return;
    this.#floorsAtBegin = undefined;
    for (const [index, { reservation }] of decided.entries()) {
      const row = rows[firstDecision + index];
      if (row !== undefined) {
        this.#outcomes.decided(reservation.validator, reservation.at, row.seq);
      }
    }
    this.#listener?.(rows);
  }

  #addSummaries(rows: JournalRow[]): void {
    for (const { kind, validator, body } of this.#summaries.take({ all: this.#isClosing })) {
      this.#add(rows, kind, validator, body);
    }
  }

  #addDecision(rows: JournalRow[], { reservation, decision }: Decided): void {
    const { validator, at, asker = '' } = reservation;
    const { signBytes, publicKey } = decision;
    const o = this.#outcomes.take(validator);
    const by = this.#texts.get(asker) ?? this.#keep(asker, JSON.stringify(asker));
    const key = this.#addressOf(validator, publicKey);
    this.#chain(rows, {
      seq: this.#nextSeq(rows),
      timeMs: this.#timeMs(),
      kind: 'decision',
      validator,
      height: at.height,
      round: at.round,
      step: STEP_NUMBER[at.step],
      signHash: sha256Of(signBytes),
      body: `{"by":${by},"key":"${key}"${o === undefined ? '' : `,"o":${o}`}}`,
      hash: NO_JOURNAL.hash,
    });
  }

  #add(rows: JournalRow[], kind: string, validator: string | undefined, body: string): void {
    this.#chain(rows, {
      seq: this.#nextSeq(rows),
      timeMs: this.#timeMs(),
      kind,
      validator: validator ?? null,
      height: null,
      round: null,
      step: null,
      signHash: null,
      body,
      hash: NO_JOURNAL.hash,
    });
  }

  #nextSeq(rows: readonly JournalRow[]): bigint {
    return 1n + (rows.at(-1)?.seq ?? this.#lastSeq);
  }

  /** Hangs a row on the one composed before it, or on the newest durable one. */
  #chain(
    rows: JournalRow[],
    row: { -readonly [Name in keyof JournalRow]: JournalRow[Name] },
  ): void {
    row.hash = hashOfEntry((rows.at(-1) ?? this.#tail).hash, row);
    rows.push(row);
  }

  #timeMs(): number {
    return Math.trunc(this.#deps.clock.now());
  }

  /** First digits of the address of the key, which is the same for many heights. */
  #addressOf(validator: string, publicKey: Uint8Array): string {
    const known = this.#addresses.get(validator);
    if (known !== undefined && equalBytes(known.publicKey, publicKey)) return known.text;
    const address = addressFromPublicKey(ed25519PublicKey(publicKey));
    const text = hexFromBytes(address.subarray(0, 4));
    this.#addresses.set(validator, { publicKey, text });
    return text;
  }

  #keep(asker: string, text: string): string {
    if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
    this.#texts.set(asker, text);
    return text;
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
