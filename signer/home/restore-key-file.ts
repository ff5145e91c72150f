/** A validator's key file put back from a backup: the same key, or nothing. */
import { rmSync, statSync } from 'node:fs';
import { readKeyFile, writeKeyFile } from '@privval/hsm/file/open-key-file';
import { AnotherKeyError } from '@privval/hsm/provided-key-errors';
import {
  ed25519PublicKey,
  equalPublicKeys,
  type PublicKey,
} from '@privval/proto/crypto/public-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { readConfig } from '../config/config.ts';
import { UnknownValidatorError } from '../guard/sign-state-errors.ts';
import type { HomeDeps } from './create-home.ts';
import { ChooseValidatorError } from './home-state.ts';
import { openHomeStore } from './open-home-store.ts';

/** What is to be put back, and for whom. */
export interface RestoreKeyFileOptions extends AbortOptions {
  readonly home: string;
  readonly file: string;
  /** May be left out where the home has one validator. */
  readonly validator: string | undefined;
  /** Opens `file`. @default the passphrase file of signer.toml */
  readonly fromPassphraseFile: string | undefined;
}

/** The validator's key is in a device, which no key file is put back into. */
export class KeyNotInFileError extends CodedError {
  override readonly name = 'KeyNotInFileError';
  readonly code = 'ERR_KEY_NOT_IN_FILE';

  constructor(validator: string) {
    super(
      `the key of ${validator} is in a device: restore it there, from its backup, with signer hsm keys import`,
    );
  }
}

/**
 * Writes `file`'s key where `signer.toml` has it, encrypted when that names a passphrase file.
 *
 * @throws {AnotherKeyError} ERR_ANOTHER_KEY unless it is the key the floor is bound to (S35).
 * @throws {KeyNotInFileError} ERR_KEY_NOT_IN_FILE
 * @throws {KeyFileExistsError} ERR_KEY_FILE_EXISTS while there is a key file.
 * @throws {HomeLockedError} ERR_HOME_LOCKED while the home is served.
 */
export async function restoreKeyFile(
  deps: HomeDeps,
  options: RestoreKeyFileOptions,
): Promise<{ readonly file: string; readonly publicKey: PublicKey }> {
  const { home, file, fromPassphraseFile, signal } = options;
  const { validators } = readConfig(home);
  const name = options.validator ?? (validators.length === 1 ? validators[0]?.name : undefined);
  if (name === undefined) throw new ChooseValidatorError(validators.map((each) => each.name));
  const configured = validators.find((validator) => validator.name === name);
  if (configured === undefined) throw new UnknownValidatorError(name);
  const [place] = configured.providers;
  if (place?.kind !== 'file') throw new KeyNotInFileError(name);
  const { keyFile, passphraseFile } = place;
  await using opened = await openHomeStore(deps, { home, command: 'signer keys import', signal });
  const record = opened.store.validator(name);
  const from = fromPassphraseFile ?? passphraseFile;
  const { secret } = await readKeyFile(file, { passphraseFile: from, signal });
  using key = secret;
  const expected = ed25519PublicKey(record.publicKey);
  if (!equalPublicKeys(key.publicKey, expected)) {
    throw new AnotherKeyError(file, expected, key.publicKey);
  }
  // An empty file is what a full disk leaves behind: there is no key in it to lose.
  if (statSync(keyFile, { throwIfNoEntry: false })?.size === 0) rmSync(keyFile);
  await writeKeyFile(keyFile, key, { passphraseFile, signal });
  return { file: keyFile, publicKey: key.publicKey };
}
