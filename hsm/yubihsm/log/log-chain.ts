/**
 * Whether a reading of the log is whole and follows the one before. Pure.
 *
 * Each entry's digest covers its content and the digest before, so that an entry that was changed,
 * left out or put in shows. What the very first digest covers is not documented: with nothing stored the
 * first entry is trusted, and the chain is verified from the second on.
 */
import { createHash } from 'node:crypto';
import type { LogEntry } from './log-entry.ts';

/** What to keep of the last entry of a reading. */
export type LogAnchor = Pick<LogEntry, 'number' | 'digest'>;

/** A place where the log does not hold together. */
export type LogBreak =
  /** Entries between the reading before and this one were lost, or are withheld. */
  | { readonly kind: 'missing'; readonly expected: number; readonly found: number }
  /** Entries within this reading were left out, or are out of order. */
  | { readonly kind: 'gap'; readonly expected: number; readonly found: number }
  /** An entry, or the one before it, is not what the device wrote. */
  | { readonly kind: 'mismatch'; readonly number: number }
  /** The device was reset to its factory state; what it had not given out by then is gone. */
  | { readonly kind: 'reset'; readonly number: number };

/** What {@link verifyLogChain} found. */
export interface LogVerdict {
  /** None: the log is whole. In the order of the entries; each is worth an alarm. */
  readonly breaks: readonly LogBreak[];
  /** The entries that the reading before did not have. */
  readonly fresh: readonly LogEntry[];
  /** Whether the first entry was taken as it is, with nothing to verify it by. */
  readonly isFirstTrusted: boolean;
  /** For the next reading, once {@link fresh} is stored; also the number to free the log up to. */
  readonly anchor: LogAnchor | undefined;
}

/**
 * Verifies a reading against the last entry of the reading before, `undefined` for none.
 *
 * A reading may begin with entries that the reading before had already (they were not freed): they are
 * verified and left out of `fresh`. After a break the chain goes on from the entry as found.
 */
export function verifyLogChain(
  previous: LogAnchor | undefined,
  entries: readonly LogEntry[],
): LogVerdict {
  const repeat = previous === undefined ? undefined : repeatOf(previous, entries);
  const known = repeat?.isSame === true ? entries.slice(0, repeat.index + 1) : [];
  const fresh = entries.slice(known.length);
  const [first, ...others] = fresh;
  const breaks = [...breaksAmong(undefined, known)];
  if (repeat?.isSame === false) breaks.push({ kind: 'mismatch', number: repeat.number });
  else if (previous && first) breaks.push(...breaksAt(previous, first, 'missing'));
  breaks.push(...breaksAmong(first, others));
  return {
    breaks,
    fresh,
    isFirstTrusted: first !== undefined && previous === undefined,
    anchor: anchorOf(fresh.at(-1)) ?? previous,
  };
}

/** The digest that `entry` must have after one with digest `before`: 16 bytes. */
export function chainedDigest(entry: Pick<LogEntry, 'bytes'>, before: Uint8Array): Uint8Array {
  const hash = createHash('sha256').update(entry.bytes.subarray(0, 16)).update(before).digest();
  return Uint8Array.from(hash.subarray(0, 16));
}

/** Where a reading repeats the entry that the reading before ended with. A reset begins another log. */
function repeatOf(
  previous: LogAnchor,
  entries: readonly LogEntry[],
): { readonly index: number; readonly number: number; readonly isSame: boolean } | undefined {
  const index = entries.findIndex(({ number }) => number === previous.number);
  const entry = entries[index];
  if (entry === undefined) return undefined;
  const isSame = Buffer.compare(entry.digest, previous.digest) === 0;
  const isOtherLog = entries.slice(0, index + 1).some(({ kind }) => kind === 'reset');
  return isOtherLog && !isSame ? undefined : { index, number: entry.number, isSame };
}

function breaksAmong(
  before: LogAnchor | undefined,
  entries: readonly LogEntry[],
): readonly LogBreak[] {
  return entries.flatMap((entry, i) => {
    const last = entries[i - 1] ?? before;
    return last === undefined ? [] : breaksAt(last, entry, 'gap');
  });
}

function breaksAt(
  before: LogAnchor,
  entry: LogEntry,
  kindOfGap: 'gap' | 'missing',
): readonly LogBreak[] {
  const { number } = entry;
  if (entry.kind === 'reset') return [{ kind: 'reset', number }];
  const expected = next(before.number);
  if (number !== expected) return [{ kind: kindOfGap, expected, found: number }];
  const digest = chainedDigest(entry, before.digest);
  return Buffer.compare(digest, entry.digest) === 0 ? [] : [{ kind: 'mismatch', number }];
}

function anchorOf(entry: LogEntry | undefined): LogAnchor | undefined {
  return entry === undefined ? undefined : { number: entry.number, digest: entry.digest };
}

function next(number: number): number {
  return (number + 1) % 65_536;
}
