/** Inputs a target starts from: `corpus/<name>.hex`, one per line, `#` starts a comment. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesFromHex } from '@privval/proto/runtime/bytes';

const CORPUS_DIRECTORY = join(import.meta.dirname, 'corpus');

/** All inputs of a target's corpus; the empty input is always the first. */
export async function readCorpus(name: string): Promise<Uint8Array[]> {
  const text = await readFile(join(CORPUS_DIRECTORY, `${name}.hex`), 'utf8');
  const lines = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  return [new Uint8Array(0), ...lines.map((line) => bytesFromHex(line))];
}
