import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const run = promisify(execFile);
const SEARCH = fileURLToPath(new URL('heap-search.ts', import.meta.url));
const PHRASE =
  'double section release consider diet pilot flip shell mother alone what fantasy much answer lottery crew nut reopen stereo square popular addict just animal';

/** Pieces that only a string of the secret holds; backwards, so that the command line has none of them. */
const PIECES = [
  'double section release',
  'popular addict just',
  '1k02vtxh4ggxct5tngncc33rk',
  '1x4anf3n8vqkzm0klrwljhcx',
  '21a6ca8cfd5dbe9c26320b5c',
].map((text) => [...text].reverse().join(''));

async function piecesFound(mode: string, folder: ScratchFolder): Promise<number> {
  const phrase = folder.join('phrase');
  writeFileSync(phrase, `${PHRASE}\n`, { mode: 0o600 });
  const args = [SEARCH, mode, phrase, folder.join('out'), ...PIECES];
  const { stdout } = await run(process.execPath, args);
  const [found, snapshotBytes] = stdout.trim().split(' ').map(Number);
  expect(snapshotBytes).toBeGreaterThan(1_000_000);
  return found ?? Number.NaN;
}

test('no string of the heap holds a piece of a phrase, or of what follows from it (S18)', async () => {
  using folder = new ScratchFolder();
  expect(await piecesFound('careful', folder)).toBe(0);
  expect(readFileSync(folder.join('out', 'wrap-key.hex'), 'utf8')).toMatch(/^21a6ca8c/);
});

test('the search finds a phrase that was read as text', async () => {
  using folder = new ScratchFolder();
  expect(await piecesFound('careless', folder)).toBe(2);
});
