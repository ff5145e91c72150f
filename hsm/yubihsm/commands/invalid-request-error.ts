import { YubiHsmError } from '../yubihsm-error.ts';

/** What was to be sent to a device cannot be: an id, a label, a length out of range. Nothing was sent. */
export class InvalidRequestError extends YubiHsmError {
  override readonly name = 'InvalidRequestError';
  readonly code = 'ERR_YUBIHSM_INVALID_REQUEST';
  /** The value that is wrong: `label`, `domains`. */
  readonly field: string;

  constructor(field: string, reason: string, options?: ErrorOptions) {
    super(`${field}: ${reason}`, options);
    this.field = field;
  }
}
