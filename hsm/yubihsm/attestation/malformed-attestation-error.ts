import { YubiHsmError } from '../yubihsm-error.ts';

/** A certificate is none of X.509, or not one in which a YubiHSM 2 attests a key. */
export class MalformedAttestationError extends YubiHsmError {
  override readonly name = 'MalformedAttestationError';
  readonly code = 'ERR_YUBIHSM_MALFORMED_ATTESTATION';

  constructor(reason: string, options?: ErrorOptions) {
    super(`no attestation by a YubiHSM 2: ${reason}`, options);
  }
}
