/** `signer validators add | list`. */
import { resolve } from 'node:path';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import { readConfig } from '../config/config.ts';
import { addValidator } from '../home/add-validator.ts';
import { checkHome } from '../home/check-home.ts';
import { type ProviderOptions, providerName } from '../keyring/provider-options.ts';
import { askHome } from './ask-home.ts';
import { type CliContext, type HomeFlags, printJson, printTable } from './context.ts';
import { newValidatorJson, newValidatorText } from './describe-validator.ts';
import { requestFromFlags, type ValidatorFlags, warnOfOldSigner } from './validator-flags.ts';

/** Adds one validator to a home that is not served. */
export async function runValidatorsAdd(
  context: CliContext,
  name: string,
  flags: ValidatorFlags,
): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  const made = await addValidator(context, { home, validator: requestFromFlags(name, flags) });
  if (made.isExistingKey) warnOfOldSigner(context, made);
  for (const warning of made.warnings) context.note(`warning: ${warning}`);
  if (flags.json === true) printJson(context, newValidatorJson(home, made));
  else context.print(newValidatorText(home, made));
}

/** Lists what the database binds, and where the keys are. */
export async function runValidatorsList(context: CliContext, flags: HomeFlags): Promise<void> {
  const home = resolve(flags.home);
  const rows = await askHome(context, home, 'signer validators list').validators();
  const places = placesByValidator(home);
  const listed = rows.map(({ providers, ...row }) => ({
    ...row,
    // Nobody serves the home: what is known is where the keys should be.
    providers: providers ?? (places.get(row.name) ?? []).map(notServed),
  }));
  if (flags.json === true) {
    printJson(context, listed);
    return;
  }
  printTable(
    context,
    ['NAME', 'CHAIN', 'ADDRESS', 'PUBLIC KEY', 'PROVIDER'],
    listed.map((row) => [
      row.name,
      row.chainId,
      row.address,
      row.publicKey.value,
      row.providers.map(({ name, state }) => `${name}: ${state.replaceAll('-', ' ')}`).join('; ') ||
        'not in signer.toml: not served',
    ]),
  );
}

/** The list is what an operator writes a lost `signer.toml` anew from: it does without one. */
function placesByValidator(home: string): ReadonlyMap<string, readonly ProviderOptions[]> {
  try {
    const { validators } = readConfig(home);
    return new Map(validators.map(({ name, providers }) => [name, providers]));
  } catch (error) {
    if (error instanceof CodedError && !(error instanceof InvariantError)) return new Map();
    throw error;
  }
}

function notServed(place: ProviderOptions): { readonly name: string; readonly state: string } {
  return { name: providerName(place), state: 'not-served' };
}
