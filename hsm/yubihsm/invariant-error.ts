import { YubiHsmError } from './yubihsm-error.ts';

/** A state that cannot be: a bug of this package, or of the code that uses it. Not to be handled. */
export class InvariantError extends YubiHsmError {
  override readonly name = 'InvariantError';
  readonly code = 'ERR_YUBIHSM_INVARIANT';
}
