/** The place of one key more in a `signer.toml` that somebody wrote; every comment and the rest as it was. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import { UnknownValidatorError } from '../guard/sign-state-errors.ts';
import { replaceFile } from '../home/durable-file.ts';
import { homePaths } from '../home/home-paths.ts';
import type { KeyPlace } from '../keyring/key-place.ts';
import { ConfigNotEditableError } from '../nodes/node-errors.ts';
import { parseConfig, readConfigText } from './config.ts';
import { rotatedKeyText } from './config-text.ts';

/** Any table, and whether it is the repeated one of a validator. */
const HEADER = /^\s*\[\[?\s*[A-Za-z0-9_.\s-]+?\s*\]\]?\s*(?:#.*)?$/;
const VALIDATOR = /^\s*\[\[\s*validator\s*\]\]\s*(?:#.*)?$/;

/**
 * The text with a place more for its `index`-th validator, from 0: behind all that is the
 * validator's, before the comments of what follows. `undefined` where no such validator is seen
 * (inline tables): a person has to write it.
 */
export function withRotatedKey(text: string, index: number, place: KeyPlace): string | undefined {
  const lines = text.split('\n');
  const starts = lines.flatMap((line, at) => (VALIDATOR.test(line) ? at : []));
  const start = starts[index];
  if (start === undefined) return undefined;
  const isOthers = (line: string): boolean =>
    HEADER.test(line) && !/^\s*\[\[?\s*validator\s*\./.test(line);
  const next = lines.findIndex((line, at) => at > start && isOthers(line));
  let end = next < 0 ? lines.length : next;
  while (end > start + 1 && /^\s*(?:#.*)?$/.test(lines[end - 1] ?? '')) end -= 1;
  const before = lines.slice(0, end).join('\n');
  return `${before}\n${rotatedKeyText(place)}${lines.slice(end).join('\n')}`;
}

/**
 * Writes a place into a home's `signer.toml`, as the file is now; synced when it returns. A place
 * that is there already is left as it is.
 *
 * @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR
 * @throws {ConfigNotEditableError} ERR_CONFIG_NOT_EDITABLE; the file is then as it was.
 * @throws what {@link parseConfig} throws.
 */
export function addRotatedKey(home: string, validator: string, place: KeyPlace): void {
  const text = readConfigText(home);
  const environment = {};
  const config = parseConfig(text, home, { environment });
  const index = config.validators.findIndex(({ name }) => name === validator);
  const options = config.validators[index];
  if (options === undefined) throw new UnknownValidatorError(validator);
  const { rotatedKeys = [] } = options;
  if (rotatedKeys.some(({ publicKey }) => equalBytes(publicKey, place.publicKey))) return;
  const edited = withRotatedKey(text, index, place);
  if (edited === undefined) throw new ConfigNotEditableError(validator);
  const checked = parseConfig(edited, home, { environment });
  const added = checked.validators[index]?.rotatedKeys?.at(-1);
  const others = checked.validators.map((one, at) =>
    at === index ? { ...one, rotatedKeys: one.rotatedKeys?.slice(0, -1) } : one,
  );
  const isOnlyAdded =
    added !== undefined &&
    equalBytes(added.publicKey, place.publicKey) &&
    textOf({ ...checked, validators: others }) === textOf(config);
  if (!isOnlyAdded) throw new ConfigNotEditableError(validator);
  replaceFile(homePaths(home).config, edited);
}

/** For comparing two configurations: bytes by their values, bigints by their digits. */
function textOf(config: unknown): string {
  return JSON.stringify(config, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}
