/** What can be wrong with a token, and with logging in to it. */
import { ckrAdvice, ckrText } from './ckr.ts';
import type { FailedCall } from './module-errors.ts';
import { listed, Pkcs11Error } from './pkcs11-error.ts';

/** No token with this label is there now. It may have been taken out. */
export class TokenNotFoundError extends Pkcs11Error<{
  readonly token: string;
  readonly labels: readonly string[];
}> {
  override readonly name = 'TokenNotFoundError';
  readonly code = 'ERR_PKCS11_TOKEN_NOT_FOUND';
  readonly remedy = 'wait';

  constructor(details: { readonly token: string; readonly labels: readonly string[] }) {
    super(
      `there is no token ${JSON.stringify(details.token)}; the module shows: ${listed(details.labels)}. Plug it in, start the service it is reached by, or correct the label`,
      details,
    );
  }
}

/** Several tokens have this label. */
export class TokenAmbiguousError extends Pkcs11Error<{
  readonly token: string;
  readonly labels: readonly string[];
  readonly serials: readonly string[];
}> {
  override readonly name = 'TokenAmbiguousError';
  readonly code = 'ERR_PKCS11_TOKEN_AMBIGUOUS';
  readonly remedy = 'repair';

  constructor(details: {
    readonly token: string;
    readonly labels: readonly string[];
    readonly serials: readonly string[];
  }) {
    super(
      `${details.serials.length} tokens are called ${JSON.stringify(details.token)} (serial numbers ${listed(details.serials)}; all labels: ${listed(details.labels)}): take one out, or give it another label`,
      details,
    );
  }
}

/** The token was taken out, or the way to it is broken. */
export class TokenGoneError extends Pkcs11Error<FailedCall> {
  override readonly name = 'TokenGoneError';
  readonly code = 'ERR_PKCS11_TOKEN_GONE';
  readonly remedy = 'wait';

  constructor(details: FailedCall, options?: ErrorOptions) {
    super(
      `the token is gone (${details.method}: ${ckrText(details.ckr)}): ${ckrAdvice(details.ckr) ?? 'plug it in'}`,
      details,
      options,
    );
  }
}

/** The token refused the PIN. It is not tried again before the next start: tokens lock themselves. */
export class PinRefusedError extends Pkcs11Error<FailedCall> {
  override readonly name = 'PinRefusedError';
  readonly code = 'ERR_PKCS11_PIN_REFUSED';
  readonly remedy = 'restart';

  constructor(details: FailedCall, options?: ErrorOptions) {
    const advice = ckrAdvice(details.ckr) ?? 'correct the PIN file, then start again';
    super(
      `the token does not take the PIN (${details.method}: ${ckrText(details.ckr)}); it is not tried again, since tokens lock themselves: ${advice}`,
      details,
      options,
    );
  }
}

/** One more wrong PIN would lock the token, so none was tried. */
export class PinFinalTryError extends Pkcs11Error<{ readonly token: string }> {
  override readonly name = 'PinFinalTryError';
  readonly code = 'ERR_PKCS11_PIN_FINAL_TRY';
  readonly remedy = 'restart';

  constructor(details: { readonly token: string }) {
    super(
      `one more wrong PIN would lock the token ${JSON.stringify(details.token)}, so the signer did not try: log in once with the token's own tool, which resets its count, then start again`,
      details,
    );
  }
}

/** The PIN file does not hold UTF-8 text, which a PIN is. */
export class PinNotTextError extends Pkcs11Error<object> {
  override readonly name = 'PinNotTextError';
  readonly code = 'ERR_PKCS11_PIN_NOT_TEXT';
  readonly remedy = 'repair';

  constructor(details: object = {}, options?: ErrorOptions) {
    super(
      'the PIN file does not hold text in UTF-8: write the PIN into it, and nothing else',
      details,
      options,
    );
  }
}

/** The token cannot do what is needed with Ed25519 keys. */
export class MechanismMissingError extends Pkcs11Error<{
  readonly token: string;
  readonly mechanism: string;
}> {
  override readonly name = 'MechanismMissingError';
  readonly code = 'ERR_PKCS11_MECHANISM_MISSING';
  readonly remedy = 'repair';

  constructor(details: { readonly token: string; readonly mechanism: string }) {
    super(
      `the token ${JSON.stringify(details.token)} has no ${details.mechanism}: it does not do Ed25519 through PKCS#11, and cannot be used for this`,
      details,
    );
  }
}
