/** How a step of a rotation ends for a script that waited for it. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** Something that a rotation needs is not there. */
export class PlanRedError extends CodedError {
  override readonly name = 'PlanRedError';
  readonly code = 'ERR_ROTATION_PLAN_RED';

  constructor() {
    super('a rotation cannot begin: each red item says what to do');
  }
}

/** It was waited for, and did not come to its end. */
export class NotVerifiedError extends CodedError {
  override readonly name = 'NotVerifiedError';
  readonly code = 'ERR_ROTATION_NOT_VERIFIED';

  constructor(state: string) {
    super(`the rotation is not verified: it is ${state}`);
  }
}
