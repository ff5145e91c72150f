/**
 * Run by its own process: reads the phrase in the file named first, writes all its secrets into the
 * folder named second, and looks through every string of the heap for the pieces named after them,
 * each spelled backwards so that the search does not find itself. Prints the number of pieces found.
 */
import { readFileSync } from 'node:fs';
import { getHeapSnapshot } from 'node:v8';
import { DeviceSecrets } from '@privval/hsm/provisioning/device-secrets';
import { writeSecrets } from '@privval/hsm/provisioning/secret-folder';
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';

const [mode = '', phraseFile = '', folder = '', ...backwards] = process.argv.slice(2);
let kept: unknown;
if (mode === 'careless') {
  kept = readFileSync(phraseFile, 'utf8').trim();
} else {
  const secrets = DeviceSecrets.fromPhraseFile(phraseFile);
  writeSecrets(secrets, { folder, phrase: { kind: 'folder' } });
  const keys = secrets.password('validator').use(authenticationKeysFromPassword);
  kept = [secrets, keys];
}

const chunks: Buffer[] = [];
for await (const chunk of getHeapSnapshot()) chunks.push(Buffer.from(chunk));
const snapshot = Buffer.concat(chunks);
const found = backwards.filter((text) => {
  const bytes = Buffer.from(text).reverse();
  const isThere = snapshot.includes(bytes);
  bytes.fill(0);
  return isThere;
});
process.stdout.write(`${found.length} ${kept === undefined ? 0 : snapshot.length}\n`);
