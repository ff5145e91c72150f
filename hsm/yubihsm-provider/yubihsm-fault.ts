/** Errors of the package `yubihsm`, as the rest of the signer knows errors. */
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import { YubiHsmError } from 'yubihsm/yubihsm-error';
import type { Remedy } from '../key-provider.ts';

/** What a device or the way to it answered, and which one it was. Its code is that of its cause. */
export class YubiHsmFaultError extends CodedError {
  override readonly name = 'YubiHsmFaultError';
  readonly code: `ERR_${string}`;
  readonly remedy: Remedy;
  /** See `blamesKey` of `key-provider.ts`. */
  readonly blamesKey: boolean;
  /** Whether the device may have done what it was asked, although nothing came back. */
  readonly mayHaveRun: boolean;

  constructor(
    what: { readonly device: string; readonly blamesKey?: boolean },
    options: { readonly cause: YubiHsmError },
  ) {
    const { cause } = options;
    super(`${what.device}: ${cause.message}`, options);
    this.code = cause.code;
    this.remedy = cause.remedy;
    this.mayHaveRun = cause.mayHaveRun;
    this.blamesKey = what.blamesKey ?? true;
  }
}

/** Codes of errors that say nothing against device or key: what was asked, or how much of it. */
const HARMLESS: ReadonlySet<string> = new Set([
  'ERR_YUBIHSM_INVALID_REQUEST',
  'ERR_YUBIHSM_MESSAGE_TOO_LONG',
  'ERR_YUBIHSM_QUEUE_FULL',
  'ERR_YUBIHSM_QUEUE_TIMEOUT',
]);

/**
 * The error to throw in the place of one that `device` threw. A bug in the package is one here;
 * what is not the package's passes as it is.
 */
export function yubiHsmFault(device: string, error: unknown): unknown {
  if (!(error instanceof YubiHsmError)) return error;
  if (error.code === 'ERR_YUBIHSM_INVARIANT') {
    return new InvariantError(error.message, { cause: error });
  }
  return new YubiHsmFaultError({ device, blamesKey: !HARMLESS.has(error.code) }, { cause: error });
}
