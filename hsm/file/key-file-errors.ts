/** What can be wrong with a key file, whichever format it has. No message quotes the content. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** Which file, and what is wrong, as the end of a sentence. */
export interface KeyFileFault {
  readonly path: string;
  readonly reason: string;
}

/** The file is no key file of a format known here, or parts of it are missing or malformed. */
export class KeyFileMalformedError extends CodedError {
  override readonly name = 'KeyFileMalformedError';
  readonly code = 'ERR_KEY_FILE_MALFORMED';
  readonly path: string;

  constructor(what: KeyFileFault, options?: ErrorOptions) {
    super(`${what.path} is not a usable key file: ${what.reason}`, options);
    this.path = what.path;
  }
}

/** The file holds a key this signer cannot sign with. */
export class UnsupportedKeyTypeError extends CodedError {
  override readonly name = 'UnsupportedKeyTypeError';
  readonly code = 'ERR_KEY_TYPE_UNSUPPORTED';
  readonly path: string;
  /** As the file names it, when nodes have such a type; else `unnamed`. */
  readonly keyType: string;

  constructor(path: string, keyType: string) {
    super(
      `${path} holds a key of type ${keyType}; this signer signs with tendermint/PrivKeyEd25519 only`,
    );
    this.path = path;
    this.keyType = keyType;
  }
}

/** Parts of a key file contradict each other: it was edited, or put together from two files. */
export class KeyFileMismatchError extends CodedError {
  override readonly name = 'KeyFileMismatchError';
  readonly code = 'ERR_KEY_FILE_MISMATCH';
  readonly path: string;
  /** The part that does not follow from the secret. */
  readonly part: string;

  constructor(path: string, part: string) {
    super(`${path} contradicts itself: its ${part} does not belong to its secret key`);
    this.path = path;
    this.part = part;
  }
}

/** A key file is to be written where something is already. It is never overwritten. */
export class KeyFileExistsError extends CodedError {
  override readonly name = 'KeyFileExistsError';
  readonly code = 'ERR_KEY_FILE_EXISTS';
  readonly path: string;

  constructor(path: string, options?: ErrorOptions) {
    super(`${path} exists already; a key file is never overwritten`, options);
    this.path = path;
  }
}

/** A key file could not be written. Nothing of it is left behind. */
export class KeyFileUnwritableError extends CodedError {
  override readonly name = 'KeyFileUnwritableError';
  readonly code = 'ERR_KEY_FILE_UNWRITABLE';
  readonly path: string;

  constructor(what: KeyFileFault, options?: ErrorOptions) {
    super(`cannot write ${what.path}: ${what.reason}`, options);
    this.path = what.path;
  }
}

/** An encrypted key file was opened without its passphrase. */
export class PassphraseRequiredError extends CodedError {
  override readonly name = 'PassphraseRequiredError';
  readonly code = 'ERR_PASSPHRASE_REQUIRED';
  readonly path: string;

  constructor(path: string) {
    super(`${path} is encrypted: name the file that holds its passphrase`);
    this.path = path;
  }
}

/** A key said to be encrypted at rest is not. */
export class KeyFileNotEncryptedError extends CodedError {
  override readonly name = 'KeyFileNotEncryptedError';
  readonly code = 'ERR_KEY_FILE_NOT_ENCRYPTED';
  readonly path: string;

  constructor(path: string) {
    super(
      `${path} is not encrypted though a passphrase file is named for it: encrypt the key or drop the passphrase file`,
    );
    this.path = path;
  }
}

/** The file is whole, and the passphrase does not open it. */
export class WrongPassphraseError extends CodedError {
  override readonly name = 'WrongPassphraseError';
  readonly code = 'ERR_WRONG_PASSPHRASE';
  /** See `Remedy`: another attempt with the same passphrase only costs time and memory. */
  readonly remedy = 'restart';
  readonly path: string;

  constructor(path: string) {
    super(`the passphrase does not open ${path} (or somebody altered the file and its checksum)`);
    this.path = path;
  }
}

/** An encrypted key file whose bytes are not the ones that were written. */
export class KeyFileDamagedError extends CodedError {
  override readonly name = 'KeyFileDamagedError';
  readonly code = 'ERR_KEY_FILE_DAMAGED';
  readonly path: string;

  constructor(path: string) {
    super(`${path} is damaged: its checksum does not match; restore it from a backup`);
    this.path = path;
  }
}
