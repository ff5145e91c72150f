/** What can be wrong with the audit log: each case says what happened and what to do. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/**
 * The audit log does not end where the floors say it does: entries were cut off, added or exchanged
 * while no signer ran. An alarm, not a refusal: the log is evidence, the floor is the safety.
 */
export class AuditTailError extends CodedError {
  override readonly name = 'AuditTailError';
  readonly code = 'ERR_AUDIT_TAIL';
  /** Number of the newest entry, as the floors know it. */
  readonly expectedSeq: bigint;
  /** Number of the last entry that is there. */
  readonly foundSeq: bigint;

  constructor(expectedSeq: bigint, foundSeq: bigint) {
    super(
      expectedSeq === foundSeq
        ? `entry ${foundSeq} of the audit log is not the one the floors know of: it was exchanged. Keep a copy of the home and run signer audit verify`
        : `the audit log ends with entry ${foundSeq}, the floors know of entry ${expectedSeq}: entries were ${foundSeq < expectedSeq ? 'cut off' : 'added'}. Keep a copy of the home and run signer audit verify`,
    );
    this.expectedSeq = expectedSeq;
    this.foundSeq = foundSeq;
  }
}
