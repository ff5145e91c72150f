import { YubiHsmError } from '../yubihsm-error.ts';

/**
 * The device's reply to a command is not what such a reply is: another length, a value that cannot
 * be. Nothing of it was used.
 */
export class MalformedReplyError extends YubiHsmError {
  override readonly name = 'MalformedReplyError';
  readonly code = 'ERR_YUBIHSM_MALFORMED_REPLY';
  override readonly mayHaveRun = true;
  /** The vendor's name of the command, or of the part: `GetObjectInfo`. */
  readonly what: string;

  constructor(what: string, reason: string, options?: ErrorOptions) {
    super(
      `the reply to ${what} is malformed: ${reason}; see what answers in the device's place`,
      options,
    );
    this.what = what;
  }
}
