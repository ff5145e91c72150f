/** Faults of the gate. Refusals are values; see `gate.ts`. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/**
 * A key returned a signature that does not verify against its own public key. It was destroyed;
 * the key is to be taken out of service (S20, S29).
 */
export class SignatureInvalidError extends CodedError {
  override readonly name = 'SignatureInvalidError';
  readonly code = 'ERR_SIGNATURE_INVALID';
  readonly validator: string;

  constructor(validator: string) {
    super(
      `the key of validator ${JSON.stringify(validator)} made a signature that does not verify; it was not released`,
    );
    this.validator = validator;
  }
}

/** Nobody waits for this signature any more: the reason a key is told to stop. */
export class NobodyWaitingError extends CodedError {
  override readonly name = 'NobodyWaitingError';
  readonly code = 'ERR_NOBODY_WAITING';

  constructor() {
    super('nobody waits for this signature any more');
  }
}
