/** `signer state convert`. */
import { resolve } from 'node:path';
import { parseFilePvState } from '@privval/hsm/file/file-pv-state';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { createFile } from '../home/durable-file.ts';
import { readStateFile } from '../home/first-floor.ts';
import { HomeUnwritableError } from '../home/home-errors.ts';
import { encodeTmkmsState } from '../import/tmkms-state.ts';
import type { CliContext } from './context.ts';

/** As the command line has them. */
export interface StateConvertFlags {
  readonly to: 'tmkms';
  readonly out?: string;
}

/** Writes an exported state as another signer keeps it. */
export async function runStateConvert(
  context: CliContext,
  file: string,
  { out }: StateConvertFlags,
): Promise<void> {
  const text = encodeTmkmsState(parseFilePvState(readStateFile(file)));
  if (out === undefined) {
    context.print(text);
    return;
  }
  const path = resolve(out);
  try {
    createFile(path, text);
  } catch (cause) {
    throw new HomeUnwritableError({ path, reason: errorCode(cause) }, { cause });
  }
  context.print(`wrote ${path}`);
}
