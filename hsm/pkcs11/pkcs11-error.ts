/** What every failure around a PKCS#11 module has in common. */
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { Remedy } from '../key-provider.ts';

/**
 * Base of the errors of this folder. `details` is all a class is made of, as plain JSON: that is how
 * an error comes from the module's process (`revive-error.ts`). It never holds a secret (S18).
 */
export abstract class Pkcs11Error<Details extends object = object> extends CodedError {
  abstract override readonly code: `ERR_PKCS11_${string}`;
  /** What ends it. */
  abstract readonly remedy: Remedy;
  readonly details: Details;

  constructor(message: string, details: Details, options?: ErrorOptions) {
    super(message, options);
    this.details = details;
  }
}

/** Names from a token for a message: `"a", "b"`, or `none`. At most ten; control characters escaped. */
export function listed(texts: readonly string[]): string {
  if (texts.length === 0) return 'none';
  const shown = texts.slice(0, 10).map((text) => JSON.stringify(text));
  return `${shown.join(', ')}${texts.length > 10 ? ` and ${texts.length - 10} more` : ''}`;
}
