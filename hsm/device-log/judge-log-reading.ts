/**
 * What a reading of a device's log means: which entries are new, and what is wrong with it. Pure:
 * no device, no table, no clock.
 *
 * @module
 */
import { type LogBreak, verifyLogChain } from 'yubihsm/log/log-chain';
import { decodeLogEntry, type LogEntry } from 'yubihsm/log/log-entry';
import type { DeviceFinding } from './device-finding.ts';

/** Outcome of {@link judgeReading}. */
export interface LogJudgement {
  /** Entries that were not stored yet, 32 bytes each, in the device's order. */
  readonly fresh: readonly Uint8Array[];
  /** None: the reading is whole and follows what is stored. Each is worth an alarm. */
  readonly findings: readonly DeviceFinding[];
  /** Whether entries were lost: what was counted before says nothing any more. */
  readonly isGapped: boolean;
}

/**
 * Compares a reading with the newest entry that is stored, `undefined` for none. A reading that
 * begins with entries that are stored already (the device was not told so before a crash) gives
 * only the rest.
 */
export function judgeReading(
  newest: Uint8Array | undefined,
  entries: readonly LogEntry[],
): LogJudgement {
  const previous = newest === undefined ? undefined : decodeLogEntry(newest);
  const { breaks, fresh } = verifyLogChain(previous, entries);
  return {
    fresh: fresh.map(({ bytes }) => bytes),
    findings: breaks.map(findingOf),
    isGapped: breaks.some(({ kind }) => kind !== 'mismatch'),
  };
}

/** What is wrong with one stored entry after the one before it; both 32 bytes. */
export function judgeEntry(
  before: Uint8Array | undefined,
  entry: Uint8Array,
): readonly DeviceFinding[] {
  return judgeReading(before, [decodeLogEntry(entry)]).findings;
}

/** A place where a log does not hold together, in words. */
function findingOf(found: LogBreak): DeviceFinding {
  switch (found.kind) {
    case 'missing':
    case 'gap':
      return {
        code: 'ERR_DEVICE_LOG_GAP',
        text: `the log jumps from entry ${(found.expected + 65_535) % 65_536} to ${found.found}: what lies between was overwritten, drained elsewhere, or is withheld`,
      };
    case 'mismatch':
      return {
        code: 'ERR_DEVICE_LOG_BROKEN',
        text: `the digest of entry ${found.number} does not follow from the one before: one of the two is not what the device wrote`,
      };
    case 'reset':
      return {
        code: 'ERR_DEVICE_RESET',
        text: 'the device was reset to its factory state: its keys are gone, and its log begins anew',
      };
  }
}
