import { readFileSync, statSync } from 'node:fs';
import { inspect } from 'node:util';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { createIdentity, readIdentity } from '@privval/signer/home/identity';
import { expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { KNOWN_KEY_FILE, writeSecret } from './home-fixtures.ts';

const VALUE = /"value": "(nYN[^"]*)"/.exec(KNOWN_KEY_FILE)?.[1] ?? '';

function nodeKey(value: string, type = 'tendermint/PrivKeyEd25519'): string {
  return `{"priv_key":{"type":"${type}","value":"${value}"}}`;
}

test('an identity is read from a node key as CometBFT writes it', () => {
  using folder = new ScratchFolder();
  using identity = readIdentity(writeSecret(folder, 'identity.json', nodeKey(VALUE)));
  expect(identity.publicKey.bytes.toHex()).toBe(
    '556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230',
  );
});

test('a fresh identity is one line in that format, mode 0600, and a new one each time', () => {
  using folder = new ScratchFolder();
  const path = folder.join('identity.json');
  createIdentity(path);
  createIdentity(folder.join('other.json'));
  const text = readFileSync(path, 'utf8');
  expect(text).toMatch(
    /^\{"priv_key":\{"type":"tendermint\/PrivKeyEd25519","value":"[A-Za-z0-9+/]{86}=="\}\}$/,
  );
  expect(statSync(path).mode & 0o777).toBe(0o600);
  using identity = readIdentity(path);
  using other = readIdentity(folder.join('other.json'));
  expect(identity.publicKey.bytes).not.toEqual(other.publicKey.bytes);
  expect(() => createIdentity(path)).toThrow();
});

test.each([
  ['no JSON', '{', 'ERR_KEY_FILE_MALFORMED'],
  ['no key', '{"priv_key":{}}', 'ERR_KEY_FILE_MALFORMED'],
  ['another type', nodeKey(VALUE, 'tendermint/PrivKeySecp256k1'), 'ERR_KEY_FILE_MALFORMED'],
  ['a short value', nodeKey(VALUE.slice(4)), 'ERR_KEY_FILE_MALFORMED'],
  ['no base64', nodeKey(VALUE.replace('n', '!')), 'ERR_KEY_FILE_MALFORMED'],
  ['another public half', nodeKey(VALUE.replace('VakNv', 'VakNw')), 'ERR_KEY_FILE_MISMATCH'],
])('S18: an identity file with %s is refused, and not quoted', (_what, content, code) => {
  using folder = new ScratchFolder();
  const path = writeSecret(folder, 'identity.json', content);
  let thrown: unknown;
  try {
    readIdentity(path)[Symbol.dispose]();
  } catch (error) {
    thrown = error;
  }
  expect(errorCode(thrown)).toBe(code);
  expect(inspect(thrown, { depth: 9 })).not.toContain(VALUE.slice(8, 20));
});
