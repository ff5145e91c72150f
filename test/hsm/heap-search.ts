/**
 * Run by its own process: opens the key file named first, signs, and looks through every string of
 * the heap for the fragments named after it, each spelled backwards so that the search does not find itself.
 * Prints the number of fragments found.
 */
import { readFileSync } from 'node:fs';
import { getHeapSnapshot } from 'node:v8';
import { openKeyFile, readKeyFile, writeKeyFile } from '@privval/hsm/file/open-key-file';

const [mode = '', path = '', passphraseFile = '', ...backwards] = process.argv.slice(2);
const options = passphraseFile === '' ? {} : { passphraseFile };
let kept: unknown;
if (mode === 'careless') {
  kept = JSON.parse(readFileSync(path, 'utf8'));
} else {
  const key = await openKeyFile(path, options);
  key.signNow(new Uint8Array(10));
  const { secret } = await readKeyFile(path, options);
  await writeKeyFile(`${path}.copy`, secret, options);
  await writeKeyFile(`${path}.plain`, secret);
  kept = [key, secret];
}

const chunks: Buffer[] = [];
for await (const chunk of getHeapSnapshot()) chunks.push(Buffer.from(chunk));
const snapshot = Buffer.concat(chunks);
const found = backwards.filter((text) => {
  const bytes = Buffer.from(text).reverse();
  // The strings of a snapshot are JSON: a slash is itself there, so are all letters of base64 and hex.
  const isThere = snapshot.includes(bytes);
  bytes.fill(0);
  return isThere;
});
process.stdout.write(`${found.length} ${kept === undefined ? 0 : snapshot.length}\n`);
