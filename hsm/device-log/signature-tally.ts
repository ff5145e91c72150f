/**
 * Our own record of the signatures that a key in a device was asked for, to be held against what the
 * device says that it made.
 *
 * @module
 */
import { decodeLogEntry, type LogEntry } from 'yubihsm/log/log-entry';
import { formatObjectId } from 'yubihsm/objects/object-id';
import type { DeviceFinding } from './device-finding.ts';

/** SignEddsa. */
const SIGN_COMMAND = 0x6a;

/** What was asked so far, since the start of this process. */
export interface SignatureTally {
  /** Sent to the device. */
  readonly asked: number;
  /** Of these, answered with a signature. The reply to any other may be lost: it may have been made or not. */
  readonly answered: number;
}

/** Nothing was asked yet. */
export const NO_SIGNATURES: SignatureTally = { asked: 0, answered: 0 };

/** The entries, 32 bytes each, that record a signature which this key has made. */
function signaturesBy(entries: readonly Uint8Array[], keyId: number): readonly LogEntry[] {
  return entries
    .map(decodeLogEntry)
    .filter(
      ({ command, targetKeyId, outcome }) =>
        command === SIGN_COMMAND && targetKeyId === keyId && outcome.kind === 'done',
    );
}

/** What is known of the signatures that were made before this process. */
export type Before =
  /** A signer stopped in good order: every signature since is one too many. */
  | 'closed'
  /** A signer died, or there was none: signatures from then are nobody's fault. */
  | 'unknown'
  /** Compared already: this is not the first reading. */
  | 'compared';

/** The facts that {@link compareSignatures} decides on. */
export interface SignatureFacts {
  readonly keyId: number;
  readonly tally: SignatureTally;
  /** Signatures in the log that were attributed to the tally so far. */
  readonly seen: number;
  /** Entries since, 32 bytes each. */
  readonly entries: readonly Uint8Array[];
  readonly before: Before;
  /** Whether this device is known to log signatures at all. */
  readonly isLogged: boolean;
  /** Whether entries were lost. */
  readonly isGapped: boolean;
}

/** Outcome of {@link compareSignatures}. */
export interface SignatureComparison {
  /** How many signatures by the key are among the entries. */
  readonly made: number;
  /** For the next comparison. */
  readonly seen: number;
  /** Worth an alarm. */
  readonly finding: DeviceFinding | undefined;
}

/**
 * Holds the signatures in the log against those asked for. In order: `answered ≤ seen ≤ asked`,
 * where everything between the two lost its reply. After a difference the count starts from what
 * was asked, so that each is said once.
 */
export function compareSignatures(facts: SignatureFacts): SignatureComparison {
  const { keyId, tally, before, isGapped } = facts;
  const entries = signaturesBy(facts.entries, keyId);
  const made = entries.length;
  const seen = facts.seen + made;
  const isLogged = facts.isLogged || made > 0;
  if (seen > tally.asked && before !== 'unknown') {
    const count = seen - tally.asked;
    return {
      made,
      seen: tally.asked,
      finding: { code: 'ERR_DEVICE_SIGNATURE_EXTRA', text: extraText(facts, entries, count) },
    };
  }
  if (seen < tally.answered && isLogged && !isGapped) {
    const count = tally.answered - seen;
    return {
      made,
      seen: tally.answered,
      finding: {
        code: 'ERR_DEVICE_SIGNATURE_MISSING',
        text: `${count} of the signatures by key ${formatObjectId(keyId)} that this signer was given are not in the device's log: it was altered, or something else answers in the device's place`,
      },
    };
  }
  const settled = Math.max(tally.answered, Math.min(seen, tally.asked));
  return { made, seen: settled, finding: undefined };
}

function extraText(
  { keyId, before }: SignatureFacts,
  made: readonly LogEntry[],
  count: number,
): string {
  const sessions = [...new Set(made.map(({ sessionKeyId }) => sessionKeyId))]
    .map((id) => (id === undefined ? 'no session' : `authentication key ${formatObjectId(id)}`))
    .join(', ');
  const when = before === 'closed' ? ' while this signer was not running' : '';
  const name = formatObjectId(keyId);
  return `key ${name} made ${count} signature${count === 1 ? '' : 's'} that this signer did not ask for${when} (${sessions}): unless signer hsm test made them, somebody else signs with this key`;
}
