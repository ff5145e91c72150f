/** Errors between the module's process and ours: a code and the details an error is made of. */
import {
  EmptyMessageError,
  ImportRefusedError,
  KeyAmbiguousError,
  KeyChangedError,
  KeyExistsError,
  KeyNotFoundError,
  KeyUnsuitableError,
  MessageTooLongError,
} from './key-errors.ts';
import {
  CallFailedError,
  ModuleUnloadableError,
  Pkcs11NotInstalledError,
  UnexpectedAnswerError,
} from './module-errors.ts';
import { Pkcs11Error } from './pkcs11-error.ts';
import {
  MechanismMissingError,
  PinFinalTryError,
  PinNotTextError,
  PinRefusedError,
  TokenAmbiguousError,
  TokenGoneError,
  TokenNotFoundError,
} from './token-errors.ts';

/** An error as it travels: plain JSON. */
export interface ErrorRecord {
  readonly code: string;
  readonly details: object;
}

/** Those the module's process may answer with, by code. The others are made on our side only. */
// biome-ignore lint/suspicious/noExplicitAny: what came over the pipe is checked by the constructors
const CLASSES: Readonly<Record<string, new (details: any) => Pkcs11Error>> = {
  ERR_PKCS11_CALL_FAILED: CallFailedError,
  ERR_PKCS11_EMPTY_MESSAGE: EmptyMessageError,
  ERR_PKCS11_IMPORT_REFUSED: ImportRefusedError,
  ERR_PKCS11_KEY_AMBIGUOUS: KeyAmbiguousError,
  ERR_PKCS11_KEY_CHANGED: KeyChangedError,
  ERR_PKCS11_KEY_EXISTS: KeyExistsError,
  ERR_PKCS11_KEY_NOT_FOUND: KeyNotFoundError,
  ERR_PKCS11_KEY_UNSUITABLE: KeyUnsuitableError,
  ERR_PKCS11_MECHANISM_MISSING: MechanismMissingError,
  ERR_PKCS11_MESSAGE_TOO_LONG: MessageTooLongError,
  ERR_PKCS11_MODULE_UNLOADABLE: ModuleUnloadableError,
  ERR_PKCS11_NOT_INSTALLED: Pkcs11NotInstalledError,
  ERR_PKCS11_PIN_FINAL_TRY: PinFinalTryError,
  ERR_PKCS11_PIN_NOT_TEXT: PinNotTextError,
  ERR_PKCS11_PIN_REFUSED: PinRefusedError,
  ERR_PKCS11_TOKEN_AMBIGUOUS: TokenAmbiguousError,
  ERR_PKCS11_TOKEN_GONE: TokenGoneError,
  ERR_PKCS11_TOKEN_NOT_FOUND: TokenNotFoundError,
  ERR_PKCS11_UNEXPECTED_ANSWER: UnexpectedAnswerError,
};

/** What to send for an error of any kind; of a stranger's, its text. */
export function errorRecord(error: unknown): ErrorRecord {
  if (error instanceof Pkcs11Error) return { code: error.code, details: error.details };
  const reason = error instanceof Error ? error.message : String(error);
  return { code: 'ERR_PKCS11_UNEXPECTED_ANSWER', details: { reason } };
}

/** The error a record was made of; {@link UnexpectedAnswerError} when it is no such record. */
export function reviveError(record: unknown): Pkcs11Error {
  try {
    const { code, details } = record as ErrorRecord;
    const Class = Object.hasOwn(CLASSES, code) ? CLASSES[code] : undefined;
    if (Class !== undefined) return new Class(details);
  } catch {
    // Details that do not fit the class: told below.
  }
  return new UnexpectedAnswerError({ reason: 'an error nobody knows' });
}
