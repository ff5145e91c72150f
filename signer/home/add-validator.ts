/** One validator more in a home that nobody serves at the moment. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KeyFileExistsError } from '@privval/hsm/file/key-file-errors';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { parseConfig, readConfig, readConfigText } from '../config/config.ts';
import { validatorText, withValidator } from '../config/config-text.ts';
import { DuplicateValidatorError } from '../guard/sign-state-errors.ts';
import type { HomeDeps } from './create-home.ts';
import { replaceFile } from './durable-file.ts';
import { HomeUnwritableError } from './home-errors.ts';
import { homePaths } from './home-paths.ts';
import { removedOnFailure } from './new-key.ts';
import { type NewValidator, writeNewValidator } from './new-validator.ts';
import { openHomeStore } from './open-home-store.ts';
import { checkRequest, type ValidatorRequest } from './validator-request.ts';

/**
 * Adds a validator: its key file, then its floor, then its part of `signer.toml`.
 *
 * In this order, a kill in between leaves a key nobody uses, or a floor that is not served; never a
 * validator that is served without its floor. A failure removes what was written.
 *
 * @throws {HomeLockedError} ERR_HOME_LOCKED while the home is served.
 * @throws {DuplicateValidatorError} ERR_DUPLICATE_VALIDATOR (S1)
 * @throws what {@link checkRequest}, {@link writeNewValidator} and {@link readConfig} throw.
 */
export async function addValidator(
  deps: HomeDeps,
  options: AbortOptions & { readonly home: string; readonly validator: ValidatorRequest },
): Promise<NewValidator> {
  const { home, signal } = options;
  const checked = checkRequest(options.validator);
  const { name } = checked;
  await using opened = await openHomeStore(deps, {
    home,
    command: 'signer validators add',
    signal,
  });
  const { store } = opened;
  const config = readConfig(home, { environment: {} });
  const isTaken =
    config.validators.some((validator) => validator.name === name) ||
    store.validators().some((record) => record.name === name);
  if (isTaken) throw new DuplicateValidatorError(name, 'name');
  const files = [join(homePaths(home).keys, `${name}.json`), join(homePaths(home).grpc, name)];
  const there = files.find((path) => existsSync(path));
  if (there !== undefined) throw new KeyFileExistsError(there);
  await using written = new AsyncDisposableStack();
  written.defer(() => {
    for (const path of files) rmSync(path, { recursive: true, force: true });
  });
  const made = await writeNewValidator(deps, checked, { folder: home, signal });
  const text = await removedOnFailure(made.generated, async () => {
    const whole = withValidator(readConfigText(home), made.text);
    parseConfig(whole, home, { environment: {} });
    store.addValidator(made.record, made.floor, 'signer validators add');
    return whole;
  });
  // From here on the floor is bound to the key: its file stays, whatever comes.
  written.move();
  writeConfig(homePaths(home).config, text, made);
  return made;
}

function writeConfig(path: string, text: string, { text: block, record }: NewValidator): void {
  try {
    replaceFile(path, text);
  } catch (cause) {
    const reason = `${errorCode(cause)}. ${record.name} has its key and floor now, and is served once this is in the file:\n${validatorText(block)}`;
    throw new HomeUnwritableError({ path, reason }, { cause });
  }
}
