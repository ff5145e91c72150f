/** How a wrapped object can fail to be read. */
import { YubiHsmError } from '../yubihsm-error.ts';

/** A wrapped object, or its text, is not what such a thing is. */
export class MalformedWrapError extends YubiHsmError {
  override readonly name = 'MalformedWrapError';
  readonly code = 'ERR_YUBIHSM_MALFORMED_WRAP';

  constructor(reason: string, options?: ErrorOptions) {
    super(`no wrapped object of a YubiHSM 2: ${reason}`, options);
  }
}

/** A wrapped object does not open with this wrap key: it belongs to another one, or was altered. */
export class WrongWrapKeyError extends YubiHsmError {
  override readonly name = 'WrongWrapKeyError';
  readonly code = 'ERR_YUBIHSM_WRONG_WRAP_KEY';
  /** Of the key that was tried. */
  readonly wrapKeyBytes: number;

  constructor(wrapKeyBytes: number, options?: ErrorOptions) {
    super(
      `the wrapped object does not open with this AES-${wrapKeyBytes * 8} wrap key: take the key that it was exported under, or another copy of the object`,
      options,
    );
    this.wrapKeyBytes = wrapKeyBytes;
  }
}
