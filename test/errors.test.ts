import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Every code that product code names, with the files that name it. */
function codesInSource(): ReadonlyMap<string, readonly string[]> {
  const files = globSync(['{proto,hsm,signer,node-client}/**/*.{ts,js}'], { cwd: root }).filter(
    (file) => !/node_modules|generated/.test(file),
  );
  const codes = new Map<string, string[]>();
  for (const file of files) {
    for (const [code] of readFileSync(join(root, file), 'utf8').matchAll(
      /(?<=['"`])ERR_[A-Z0-9_]+(?=['"`])/g,
    )) {
      codes.set(code, [...(codes.get(code) ?? []), file]);
    }
  }
  return codes;
}

/** Codes of Node and of libraries that our code only recognises. */
const FOREIGN = new Set(['ERR_UNKNOWN', 'ERR_']);

const documented = new Set(
  [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `(ERR_[A-Z0-9_]+)`/gm)].map(
    (match) => match[1] ?? '',
  ),
);

test('every code is explained in docs/errors.md', () => {
  const missing = [...codesInSource()].filter(
    ([code]) => !documented.has(code) && !FOREIGN.has(code),
  );
  expect(missing).toEqual([]);
});

test('docs/errors.md explains no code that does not exist', () => {
  const known = codesInSource();
  expect([...documented].filter((code) => !known.has(code))).toEqual([]);
});
