/** `signer import tmkms | horcrux | kms | filepv`: the plan, then the deed, then what must never run again. */
import { resolve } from 'node:path';
import type { NewValidator } from '../home/new-validator.ts';
import {
  FOREIGN_SIGNER_NAMES,
  type ForeignSetup,
  type ForeignSigner,
} from '../import/foreign-validator.ts';
import { ImportSignerRunningError } from '../import/import-errors.ts';
import { planImport } from '../import/plan-import.ts';
import { runImport } from '../import/run-import.ts';
import { runningProcesses, signsOfRunning } from '../import/running-signer.ts';
import { type CliContext, type HomeFlags, printJson } from './context.ts';
import { importPlanJson, importPlanText } from './describe-import.ts';
import { newValidatorJson, newValidatorText } from './describe-validator.ts';

/** As the command line has them, for every signer. */
export interface ImportFlags extends HomeFlags {
  readonly dryRun?: boolean;
  readonly chainId?: string;
  readonly validator?: string;
  readonly node?: readonly string[];
  readonly stateFile?: readonly string[];
  readonly floorHeight?: bigint;
  readonly passphraseFile?: string;
}

/** And for tmkms. */
export interface ImportTmkmsFlags extends ImportFlags {
  readonly workdir?: string;
  readonly connector?: string;
  readonly passwordFile?: string;
}

/** Takes the validators of a `tmkms.toml` over. */
export async function runImportTmkms(
  context: CliContext,
  path: string,
  flags: ImportTmkmsFlags,
): Promise<void> {
  const { readTmkms } = await import('../import/tmkms.ts');
  const { chainId, workdir, connector, passwordFile } = flags;
  const setup = await readTmkms(path, {
    chainId,
    workdir,
    connector,
    passwordFile: passwordFile === undefined ? undefined : resolve(passwordFile),
  });
  await importSetup(context, setup, flags);
}

/** And for horcrux. */
export interface ImportHorcruxFlags extends ImportFlags {
  readonly keyFile?: string;
  readonly cosigner?: readonly string[];
}

/** Takes a validator of horcrux over. */
export async function runImportHorcrux(
  context: CliContext,
  path: string,
  flags: ImportHorcruxFlags,
): Promise<void> {
  const { readHorcrux } = await import('../import/horcrux.ts');
  const { chainId, keyFile, cosigner: cosigners, node } = flags;
  const hasNodes = node !== undefined;
  const setup = await readHorcrux(path, { chainId, keyFile, cosigners, hasNodes });
  await importSetup(context, setup, flags);
}

/** And for cosmos kms. */
export interface ImportKmsFlags extends ImportFlags {
  readonly token?: string;
  readonly pinFile?: string;
}

/** Takes the validators of a `kms.yaml` over. */
export async function runImportKms(
  context: CliContext,
  path: string,
  flags: ImportKmsFlags,
): Promise<void> {
  const { readKms } = await import('../import/kms.ts');
  const { chainId, token, pinFile } = flags;
  const setup = await readKms(path, {
    chainId,
    token,
    pinFile: pinFile === undefined ? undefined : resolve(pinFile),
  });
  await importSetup(context, setup, flags);
}

/** Takes the key of a node over. */
export async function runImportFilePv(
  context: CliContext,
  path: string,
  flags: ImportFlags,
): Promise<void> {
  const { readFilePv } = await import('../import/file-pv.ts');
  const setup = await readFilePv(path, { chainId: flags.chainId });
  await importSetup(context, setup, flags);
}

async function importSetup(
  context: CliContext,
  setup: ForeignSetup,
  flags: ImportFlags,
): Promise<void> {
  const { home, validator, node, stateFile, floorHeight, passphraseFile } = flags;
  const plan = await planImport(context, setup, {
    home,
    validator,
    nodes: node,
    stateFiles: stateFile,
    floorHeight,
    passphraseFile,
  });
  const isJson = flags.json === true;
  const isDry = flags.dryRun === true;
  if (isJson) context.note(importPlanText(plan));
  else context.print(importPlanText(plan));
  const { certain, likely } = signsOfRunning(setup, runningProcesses());
  for (const sign of likely) context.note(`warning: ${sign}; it must not sign with this key`);
  const [sure] = certain;
  if (sure !== undefined && !isDry) throw new ImportSignerRunningError(sure);
  for (const sign of certain) context.note(`warning: ${sign}; it has to be stopped first`);
  const made: NewValidator[] = [];
  if (!isDry) {
    const onMade = (one: NewValidator): void => {
      made.push(one);
      for (const warning of one.warnings) context.note(`warning: ${warning}`);
      if (!isJson) context.print(`${newValidatorText(plan.home, one)}\n`);
    };
    await runImport(context, plan, { onMade });
    context.note(CLOSING[setup.signer]);
  }
  if (isJson) {
    printJson(context, {
      dryRun: isDry,
      plan: importPlanJson(plan),
      imported: made.map((one) => newValidatorJson(plan.home, one)),
    });
  } else if (isDry) context.print('Nothing was done (--dry-run).');
  else context.print(`Then: signer serve --home ${plan.home}`);
}

/** Said when it is done: the old signer is the danger from here on. */
const CLOSING: Readonly<Record<ForeignSigner, string>> = {
  tmkms: closing('tmkms', 'disable its service, and delete its key or take it off the machine'),
  horcrux: closing(
    'horcrux',
    'disable its service on every cosigner, and delete the shards once this signer has signed',
  ),
  kms: closing('kms', 'disable its service, and delete its key file or take it off the machine'),
  filepv: closing(
    'filepv',
    'set priv_validator_laddr in its config.toml, and delete priv_validator_key.json there or take it off the machine',
  ),
};

function closing(signer: ForeignSigner, how: string): string {
  return `The state was read just now and is only as good as that: ${FOREIGN_SIGNER_NAMES[signer]} must have been stopped before, and\nmust never sign with this key again: ${how}.\nIf it signed since, raise the floor before the first start: signer floor raise.`;
}
