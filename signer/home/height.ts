/** Heights as people type them. */
import { CodedError } from '@privval/proto/runtime/coded-error';
import { MAX_HEIGHT } from '../guard/hrs.ts';

/** A text is no height. */
export class InvalidHeightError extends CodedError {
  override readonly name = 'InvalidHeightError';
  readonly code = 'ERR_INVALID_HEIGHT';

  constructor(text: string) {
    super(
      `${JSON.stringify(text)} is no height: a whole number from 0 to ${MAX_HEIGHT}, in digits only`,
    );
  }
}

/** @throws {InvalidHeightError} ERR_INVALID_HEIGHT unless decimal digits of an int64 from 0 on. */
export function parseHeight(text: string): bigint {
  if (!/^[0-9]{1,19}$/.test(text)) throw new InvalidHeightError(text);
  const height = BigInt(text);
  if (height > MAX_HEIGHT) throw new InvalidHeightError(text);
  return height;
}
