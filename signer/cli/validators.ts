/** `signer validators add | list`. */
import { resolve } from 'node:path';
import { addValidator } from '../home/add-validator.ts';
import { checkHome } from '../home/check-home.ts';
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
  if (made.isExistingKey) warnOfOldSigner(context);
  if (flags.json === true) printJson(context, newValidatorJson(home, made));
  else context.print(newValidatorText(home, made));
}

/** Lists what the database binds. */
export async function runValidatorsList(context: CliContext, flags: HomeFlags): Promise<void> {
  const rows = await askHome(context, flags.home, 'signer validators list').validators();
  if (flags.json === true) {
    printJson(context, rows);
    return;
  }
  printTable(
    context,
    ['NAME', 'CHAIN', 'ADDRESS', 'PUBLIC KEY'],
    rows.map((row) => [row.name, row.chainId, row.address, row.publicKey.value]),
  );
}
