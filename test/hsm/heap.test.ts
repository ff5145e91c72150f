import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeKeyFile } from '@privval/hsm/file/open-key-file';
import { expect, test } from 'vitest';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { KNOWN_KEY_FILE, knownSecretKey, knownSeed } from './known-key.ts';

const run = promisify(execFile);
const SEARCH = fileURLToPath(new URL('heap-search.ts', import.meta.url));
const PASSPHRASE = 'correct horse battery staple';

/** Pieces of the secret as a string could hold them; backwards, so that the command line has none of them. */
const FRAGMENTS = [
  knownSeed().toHex().slice(0, 24),
  knownSeed().toHex().toUpperCase().slice(0, 24),
  knownSeed().toBase64().slice(0, 20),
  PASSPHRASE.slice(0, 20),
].map((text) => [...text].reverse().join(''));

async function fragmentsFound(...args: readonly string[]): Promise<number> {
  const { stdout } = await run(process.execPath, [SEARCH, ...args, ...FRAGMENTS]);
  const [found, snapshotBytes] = stdout.trim().split(' ').map(Number);
  expect(snapshotBytes).toBeGreaterThan(1_000_000);
  return found ?? Number.NaN;
}

test('no string of the heap holds a piece of a key that was read, used and written (S18)', async () => {
  using folder = new ScratchFolder();
  writeFileSync(folder.join('k'), KNOWN_KEY_FILE, { mode: 0o600 });
  expect(await fragmentsFound('careful', folder.join('k'), '')).toBe(0);
});

test('nor of an encrypted one, nor of its passphrase (S18)', async () => {
  using folder = new ScratchFolder();
  using secret = knownSecretKey();
  writeFileSync(folder.join('p'), `${PASSPHRASE}\n`, { mode: 0o600 });
  await writeKeyFile(folder.join('k'), secret, { passphraseFile: folder.join('p') });
  expect(await fragmentsFound('careful', folder.join('k'), folder.join('p'))).toBe(0);
});

test('the search finds the secret of a program that parses the file carelessly', async () => {
  using folder = new ScratchFolder();
  writeFileSync(folder.join('k'), KNOWN_KEY_FILE, { mode: 0o600 });
  expect(await fragmentsFound('careless', folder.join('k'), '')).toBe(1);
});
