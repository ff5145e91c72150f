/** How many pages the rows of a journal change: an estimate, for when to copy the write-ahead log. */
import type { JournalRow } from './floor-journal.ts';

/** Bytes of a row beside its texts: number, times, position, two hashes, their headers. */
const FIXED_BYTES = 110;

/** What a new page at the end of the table changes beside itself: its parent, the head of the file, the list of free pages. */
const PAGES_PER_NEW_PAGE = 4;

/** Of one table that is only appended to. Rather too many pages than too few. */
export class JournalPages {
  readonly #pageBytes: number;
  /** What is left in the page at the end; unknown at first. */
  #leftBytes = 0;

  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
  }

  /** Pages that a transaction with these rows writes for them. */
  changedBy(rows: readonly JournalRow[]): number {
    if (rows.length === 0) return 0;
    let pages = 1;
    for (const { kind, validator, body } of rows) {
      // A text has at most three bytes a character; most have one.
      const bytes = FIXED_BYTES + kind.length + (validator?.length ?? 0) + body.length;
      if (bytes <= this.#leftBytes) this.#leftBytes -= bytes;
      else {
        pages += PAGES_PER_NEW_PAGE + Math.floor(bytes / this.#pageBytes);
        this.#leftBytes = Math.max(0, this.#pageBytes - bytes);
      }
    }
    return pages;
  }
}
