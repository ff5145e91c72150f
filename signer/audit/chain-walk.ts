/** Goes along the chain of entries and finds where it is not the one that was written. Pure. */
import { equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { JournalRow } from '../guard/floor-journal.ts';
import { hashOfEntry } from './audit-chain.ts';
import type { AuditKind } from './audit-entry.ts';
import type { AuditFinding } from './audit-segment.ts';

/** Places that are compared with each other to tell an exchange from an edit; more are all called edits. */
const MAX_COMPARED = 32;

/** Findings that are kept; the first ones tell enough. */
const MAX_FINDINGS = 100;

/** An entry whose hash is not the one of its content at its place. */
interface Suspect {
  readonly row: JournalRow;
  readonly previous: Uint8Array;
  readonly file: string | undefined;
}

/**
 * Is given the entries from the oldest to the newest, by number. After a gap it goes on with what
 * the next entry says of itself: one removal is one finding.
 */
export class ChainWalk {
  readonly #findings: AuditFinding[] = [];
  readonly #suspects: Suspect[] = [];
  /** What the next entry may hang on: the hash its predecessor has, or ought to have. */
  #previous: readonly Uint8Array[];
  #last: bigint;
  #entries = 0;

  /** `last`: number of the entry before the first. */
  constructor(last: bigint, previous: Uint8Array) {
    this.#last = last;
    this.#previous = [previous];
  }

  /** Number of the newest entry so far. */
  get last(): bigint {
    return this.#last;
  }

  /** The hash that one says it has. */
  get hash(): Uint8Array {
    return this.#previous[0] ?? new Uint8Array(0);
  }

  get entries(): number {
    return this.#entries;
  }

  find(finding: AuditFinding): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
  }

  add(row: JournalRow, file?: string): void {
    this.#entries++;
    const expected = this.#last + 1n;
    if (row.seq < expected) {
      const text = `an entry ${row.seq} that has no place in the log`;
      this.find({ what: 'foreign', seq: String(row.seq), ...inFile(file), text });
      return;
    }
    if (row.seq > expected) {
      this.find({
        what: 'removed',
        seq: String(expected),
        ...inFile(file),
        text: `entries ${expected} to ${row.seq - 1n} are not there`,
      });
      this.#go(row, [row.hash]);
      return;
    }
    const made = this.#previous.map((previous) => hashOfEntry(previous, row));
    if (made.some((hash) => equalBytes(hash, row.hash))) {
      this.#go(row, [row.hash]);
      return;
    }
    const [previous] = this.#previous;
    if (previous !== undefined) this.#suspects.push({ row, previous, file });
    this.#go(row, [row.hash, ...made.slice(0, 1)]);
  }

  /** Leaves out entries that are not kept any more, or that nobody can read. */
  skipTo(last: bigint, previous: Uint8Array): void {
    this.#last = last;
    this.#previous = [previous];
  }

  /** Everything that was found, by number. */
  finish(): readonly AuditFinding[] {
    for (const suspect of this.#suspects) {
      const found = judge(suspect, this.#suspects);
      if (found !== undefined) this.find(found);
    }
    return this.#findings.toSorted((a, b) => Number(BigInt(a.seq) - BigInt(b.seq)));
  }

  #go(row: JournalRow, previous: readonly Uint8Array[]): void {
    this.#last = row.seq;
    this.#previous = previous;
  }
}

/**
 * What happened at this place. An entry that is right but for the one before it is no finding; one
 * whose place another suspect fits into was exchanged with others; all else was edited.
 */
function judge(suspect: Suspect, all: readonly Suspect[]): AuditFinding | undefined {
  const { row, file } = suspect;
  const at = { seq: String(row.seq), kind: row.kind as AuditKind, ...inFile(file) };
  if (all.length <= MAX_COMPARED) {
    const previous = [suspect.previous, ...all.map((other) => other.row.hash)];
    const fits = (content: JournalRow): boolean =>
      previous.some((hash) =>
        equalBytes(hashOfEntry(hash, { ...content, seq: row.seq }), content.hash),
      );
    if (fits(row)) return undefined;
    const owner = all.find((other) => other !== suspect && fits(other.row));
    if (owner !== undefined) {
      const text = `at the place of entry ${row.seq} there is another one; its own is at ${owner.row.seq}`;
      return { what: 'reordered', ...at, text };
    }
  }
  const text = `entry ${row.seq} is not what was written: its hash is ${hexFromBytes(row.hash).slice(0, 16)}… and ought to be another`;
  return { what: 'edited', ...at, text };
}

function inFile(file: string | undefined): { readonly file?: string } {
  return file === undefined ? {} : { file };
}
