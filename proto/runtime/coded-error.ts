/** The two ends of every failure: an error with a code, and the bug that ends the process. */

/** Base of every error this repository throws on purpose. Match on `code`, never on `message`. */
export abstract class CodedError extends Error {
  /** Stable identifier, listed in docs/errors.md. */
  abstract readonly code: `ERR_${string}`;
}

/** A state that cannot be: a bug of ours. It ends the process; nobody catches it to go on. */
export class InvariantError extends CodedError {
  override readonly name = 'InvariantError';
  readonly code = 'ERR_INVARIANT';
}

/** The code of an error of any origin: ours, or Node's (`ECONNRESET`), or `ERR_UNKNOWN`. For logs. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return error instanceof Error && error.name === 'AbortError' ? 'ABORT_ERR' : 'ERR_UNKNOWN';
}
