import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');

/** Product code that could reach a consensus key. */
const WORKSPACES = ['signer', 'hsm'];

function filesThatMatch(pattern: RegExp): string[] {
  return WORKSPACES.flatMap((workspace) =>
    readdirSync(join(ROOT, workspace), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
      .map((name) => `${workspace}/${name}`)
      .filter((name) => pattern.test(readFileSync(join(ROOT, name), 'utf8'))),
  ).sort();
}

it('S37: nothing but the PrivValidator builds bytes for a consensus key; the witness verifies with them', () => {
  const witness = 'signer/chain/judge-commit.ts';
  expect(filesThatMatch(/\b(vote|proposal|voteExtension)SignBytes\(/)).toEqual([
    witness,
    'signer/priv-validator/local-priv-validator.ts',
  ]);
  // It knows no key but public ones.
  expect(readFileSync(join(ROOT, witness), 'utf8')).not.toMatch(/SigningKey|secret/i);
});

/** Files that ask a key for signatures. */
function askingFiles(): string[] {
  return filesThatMatch(/\bkey\.sign(Now)?(\?\.)?\(/);
}

it('S37: nothing but the guard and the PrivValidator puts bytes before a key, and no API takes any', () => {
  expect(askingFiles().filter((name) => name.startsWith('signer/'))).toEqual([
    'signer/guard/signing-flights.ts',
    'signer/priv-validator/local-priv-validator.ts',
    // A proof of possession, which is no message of consensus (S47).
    'signer/rotation/prove-possession.ts',
  ]);
  expect(filesThatMatch(/\bgate\.sign\(/)).toEqual([
    'signer/priv-validator/local-priv-validator.ts',
  ]);
});

it('S27, S37: a key is handed what its asker gave, or a check message', () => {
  // A key around another key, which hands on what it is given.
  const around = ['hsm/supervised-key.ts'];
  const others = askingFiles().filter((name) => name.startsWith('hsm/') && !around.includes(name));
  const checks = filesThatMatch(/\bmessage = checkMessage\(\);/);
  expect(others.filter((name) => !checks.includes(name))).toEqual([]);
});
