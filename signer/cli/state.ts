/** `signer state show | export | import`. */
import { resolve } from 'node:path';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { createFile } from '../home/durable-file.ts';
import { readStateFile } from '../home/first-floor.ts';
import { HomeUnwritableError } from '../home/home-errors.ts';
import {
  describePosition,
  type ImportResult,
  STEP_NAMES,
  type StateImport,
} from '../home/home-state.ts';
import { askHome, chooseValidator, type HomeQuestions } from './ask-home.ts';
import { type CliContext, type HomeFlags, printJson, printTable, UsageError } from './context.ts';

/** Shows every floor. */
export async function runStateShow(context: CliContext, flags: HomeFlags): Promise<void> {
  const rows = await askHome(context, flags.home, 'signer state show').state();
  if (flags.json === true) {
    printJson(context, rows);
    return;
  }
  printTable(
    context,
    ['VALIDATOR', 'CHAIN', 'HEIGHT', 'ROUND', 'STEP'],
    rows.map(({ validator, chainId, height, round, step }) => [
      validator,
      chainId,
      height,
      String(round),
      `${step} ${STEP_NAMES[step]}`,
    ]),
  );
}

/** As the command line has them. */
export interface StateExportFlags extends HomeFlags {
  readonly validator?: string;
  readonly out?: string;
  readonly handOver?: boolean;
}

/** Writes a floor as a FilePV state file. */
export async function runStateExport(context: CliContext, flags: StateExportFlags): Promise<void> {
  const { validator, out } = flags;
  const questions = askHome(context, flags.home, 'signer state export');
  const { name } = await chooseValidator(questions, validator);
  const file = await (flags.handOver === true
    ? questions.handOver(name)
    : questions.exportState(name));
  const text = new TextDecoder().decode(file);
  const isStale = 'stale' in JSON.parse(text);
  if (isStale) {
    context.note(
      'The home is being served: the file is marked stale. It is a record, not a hand-over; stop the signer first for one.',
    );
  }
  if (out === undefined) {
    context.print(text);
    return;
  }
  const path = resolve(out);
  try {
    createFile(path, file);
  } catch (cause) {
    throw new HomeUnwritableError({ path, reason: errorCode(cause) }, { cause });
  }
  if (flags.json === true) printJson(context, { file: path, validator: name, isStale });
  else context.print(`wrote ${path}`);
}

/** As the command line has them. */
export interface StateImportFlags extends HomeFlags {
  readonly validator?: string;
  readonly floorHeight?: bigint;
  readonly confirm?: string;
}

/** Raises a floor. */
export async function runStateImport(
  context: CliContext,
  file: string | undefined,
  flags: StateImportFlags,
): Promise<void> {
  const { validator, floorHeight, confirm } = flags;
  if (file === undefined && floorHeight === undefined) {
    throw new UsageError('give a state file, --floor-height N, or both');
  }
  const state = file === undefined ? undefined : readStateFile(file);
  const questions = askHome(context, flags.home, 'signer state import');
  const { name } = await chooseValidator(questions, validator);
  const request = { validator: name, state, floorHeight, confirm };
  const result = await importConfirmed(context, questions, request);
  if (flags.json === true) {
    printJson(context, result);
    return;
  }
  const { before, after } = result;
  context.print(
    result.isRaised
      ? `floor of ${name} raised: from "${describePosition(before)}" to "${describePosition(after)}"`
      : `floor of ${name} is there already ("${describePosition(after)}"): nothing changed`,
  );
}

/** At a terminal the name can be typed instead. */
async function importConfirmed(
  context: CliContext,
  questions: HomeQuestions,
  request: StateImport,
): Promise<ImportResult> {
  try {
    return await questions.importState(request);
  } catch (error) {
    const isUnconfirmed =
      errorCode(error) === 'ERR_CONFIRMATION_REQUIRED' && request.confirm === undefined;
    if (!isUnconfirmed || context.ask === undefined || !(error instanceof Error)) throw error;
    context.note(error.message);
    const confirm = await context.ask(`Type ${request.validator} to go on: `);
    if (confirm !== request.validator) throw error;
    return questions.importState({ ...request, confirm });
  }
}
