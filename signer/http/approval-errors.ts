/** Why an approval does not count, or could not be asked for. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** There is no such approval: never was, or it ended and was cleared away. */
export class UnknownApprovalError extends CodedError {
  override readonly name = 'UnknownApprovalError';
  readonly code = 'ERR_APPROVAL_UNKNOWN';

  constructor() {
    super('no approval has this id: ask anew, without one');
  }
}

/** Nobody has approved it yet. */
export class ApprovalPendingError extends CodedError {
  override readonly name = 'ApprovalPendingError';
  readonly code = 'ERR_APPROVAL_PENDING';

  constructor(id: string) {
    super(
      `nobody has approved this yet: a credential with the role approver runs signer approve ${id}`,
    );
  }
}

/** Its time is over, by the highest time ever seen. */
export class ApprovalExpiredError extends CodedError {
  override readonly name = 'ApprovalExpiredError';
  readonly code = 'ERR_APPROVAL_EXPIRED';

  constructor() {
    super('this approval has expired: ask anew, without one');
  }
}

/** It was used already. It counts once, whatever came of it. */
export class ApprovalUsedError extends CodedError {
  override readonly name = 'ApprovalUsedError';
  readonly code = 'ERR_APPROVAL_USED';

  constructor() {
    super(
      'this approval was used already: it counts once, whatever came of it. Ask anew, without one',
    );
  }
}

/** What is asked, or who asks, is not what was approved. */
export class ApprovalMismatchError extends CodedError {
  override readonly name = 'ApprovalMismatchError';
  readonly code = 'ERR_APPROVAL_MISMATCH';

  constructor(what: string) {
    super(`this approval is not for that: ${what}`);
  }
}

/** Whoever asked cannot approve. */
export class ApprovalSelfError extends CodedError {
  override readonly name = 'ApprovalSelfError';
  readonly code = 'ERR_APPROVAL_SELF';

  constructor() {
    super('an approval comes from another credential than the one that asked');
  }
}

/** Too many are open. */
export class ApprovalLimitError extends CodedError {
  override readonly name = 'ApprovalLimitError';
  readonly code = 'ERR_APPROVAL_LIMIT';

  constructor(open: number) {
    super(`${open} approvals are open already: wait until they are used or expire`);
  }
}
