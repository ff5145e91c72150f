/** `signer init`. */
import { resolve } from 'node:path';
import { createHome } from '../home/create-home.ts';
import { defaultValidatorName } from '../home/validator-name.ts';
import { type CliContext, printJson } from './context.ts';
import { newValidatorJson, newValidatorText } from './describe-validator.ts';
import { requestFromFlags, type ValidatorFlags, warnOfOldSigner } from './validator-flags.ts';

/** As the command line has them. */
export interface InitFlags extends ValidatorFlags {
  readonly validator?: string;
}

/** Makes a home with one validator. */
export async function runInit(context: CliContext, flags: InitFlags): Promise<void> {
  const home = resolve(flags.home);
  const name = flags.validator ?? defaultValidatorName(flags.chainId);
  const made = await createHome(context, { home, validator: requestFromFlags(name, flags) });
  if (made.isExistingKey) warnOfOldSigner(context, made);
  for (const warning of made.warnings) context.note(`warning: ${warning}`);
  if (flags.json === true) {
    printJson(context, newValidatorJson(home, made));
    return;
  }
  context.print(`home        ${home}`);
  context.print(newValidatorText(home, made));
  context.print(`\nThen: signer serve --home ${home}`);
}
