/** What can be wrong with a key on a token. */
import { ckrText } from './ckr.ts';
import type { FailedCall } from './module-errors.ts';
import { listed, Pkcs11Error } from './pkcs11-error.ts';

/** No private key of this label or id is visible to this user. */
export class KeyNotFoundError extends Pkcs11Error<{
  readonly key: string;
  readonly labels: readonly string[];
}> {
  override readonly name = 'KeyNotFoundError';
  readonly code = 'ERR_PKCS11_KEY_NOT_FOUND';
  readonly remedy = 'repair';

  constructor(details: { readonly key: string; readonly labels: readonly string[] }) {
    super(
      `the token has no private key ${details.key}; it has: ${listed(details.labels)}. Correct the label or id, or generate the key`,
      details,
    );
  }
}

/** Several Ed25519 keys have this label or id. */
export class KeyAmbiguousError extends Pkcs11Error<{
  readonly key: string;
  readonly ids: readonly string[];
}> {
  override readonly name = 'KeyAmbiguousError';
  readonly code = 'ERR_PKCS11_KEY_AMBIGUOUS';
  readonly remedy = 'repair';

  constructor(details: { readonly key: string; readonly ids: readonly string[] }) {
    super(
      `the token has ${details.ids.length} keys ${details.key} (ids ${listed(details.ids)}): name the one that is meant by its id, or rename one`,
      details,
    );
  }
}

/** The key is there and cannot be a validator's. */
export class KeyUnsuitableError extends Pkcs11Error<{
  readonly key: string;
  readonly reason: string;
}> {
  override readonly name = 'KeyUnsuitableError';
  readonly code = 'ERR_PKCS11_KEY_UNSUITABLE';
  readonly remedy = 'repair';

  constructor(details: { readonly key: string; readonly reason: string }) {
    super(`the token's key ${details.key} cannot sign for a validator: ${details.reason}`, details);
  }
}

/** The token holds another key under this name than when it was opened. Nothing was signed. */
export class KeyChangedError extends Pkcs11Error<{
  readonly key: string;
  readonly expected: string;
  readonly actual: string;
}> {
  override readonly name = 'KeyChangedError';
  readonly code = 'ERR_PKCS11_KEY_CHANGED';
  readonly remedy = 'repair';

  constructor(details: {
    readonly key: string;
    readonly expected: string;
    readonly actual: string;
  }) {
    super(
      `the token's key ${details.key} was ${details.expected} and is ${details.actual} now: put the right token back`,
      details,
    );
  }
}

/** A key was to be made under a label that one has already. */
export class KeyExistsError extends Pkcs11Error<{ readonly key: string }> {
  override readonly name = 'KeyExistsError';
  readonly code = 'ERR_PKCS11_KEY_EXISTS';
  readonly remedy = 'repair';

  constructor(details: { readonly key: string }) {
    super(
      `the token has a key ${details.key} already; nothing was written: choose another`,
      details,
    );
  }
}

/** The token takes no keys from outside, or made another key of it. Nothing of it was left behind. */
export class ImportRefusedError extends Pkcs11Error<
  Partial<FailedCall> & { readonly reason?: string }
> {
  override readonly name = 'ImportRefusedError';
  readonly code = 'ERR_PKCS11_IMPORT_REFUSED';
  readonly remedy = 'repair';

  constructor(details: Partial<FailedCall> & { readonly reason?: string }, options?: ErrorOptions) {
    const { ckr, method, reason } = details;
    const why = ckr === undefined ? (reason ?? 'unknown') : `${method}: ${ckrText(ckr)}`;
    super(
      `the token does not take the key (${why}): many tokens take none from outside; generate the key in it`,
      details,
      options,
    );
  }
}

/** PKCS#11 tokens do not sign an empty message, or not reliably; none is sent to them. */
export class EmptyMessageError extends Pkcs11Error<object> {
  override readonly name = 'EmptyMessageError';
  readonly code = 'ERR_PKCS11_EMPTY_MESSAGE';
  readonly remedy = 'repair';
  readonly blamesKey = false;

  constructor(details: object = {}) {
    super('a PKCS#11 key does not sign an empty message; no vote or proposal is one', details);
  }
}

/** The message is longer than this token signs. */
export class MessageTooLongError extends Pkcs11Error<FailedCall & { readonly bytes: number }> {
  override readonly name = 'MessageTooLongError';
  readonly code = 'ERR_PKCS11_MESSAGE_TOO_LONG';
  readonly remedy = 'repair';
  readonly blamesKey = false;

  constructor(details: FailedCall & { readonly bytes: number }, options?: ErrorOptions) {
    super(
      `the token does not sign a message of ${details.bytes} bytes (${details.method}: ${ckrText(details.ckr)}): vote extensions have to be shorter`,
      details,
      options,
    );
  }
}
