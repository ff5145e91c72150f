import { type Remedy, YubiHsmError } from '../yubihsm-error.ts';

/**
 * The device did not prove that it knows these credentials: the password or key is not that of this
 * authentication key, or what answers is not the device. No session came of it.
 */
export class WrongCredentialsError extends YubiHsmError {
  override readonly name = 'WrongCredentialsError';
  readonly code = 'ERR_YUBIHSM_WRONG_CREDENTIALS';
  /** `repair` once these credentials have opened a session: then it was the device that changed. */
  override readonly remedy: Remedy;
  readonly authKeyId: number;

  constructor(authKeyId: number, options: ErrorOptions & { readonly remedy?: Remedy } = {}) {
    const { remedy = 'restart' } = options;
    const id = `0x${authKeyId.toString(16).padStart(4, '0')}`;
    super(
      remedy === 'restart'
        ? `the device does not know this password or key for authentication key ${id}: check both, ` +
            'and that this is the right device'
        : `authentication key ${id} does not open sessions any more, with the password or key that ` +
            'did before: the device was reset or changed, or it is another one',
      options,
    );
    this.authKeyId = authKeyId;
    this.remedy = remedy;
  }
}
