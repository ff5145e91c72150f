/** The README of the package, and what the package exports: neither may promise what is not there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { PUBLIC_MODULES } from 'yubihsm/public-modules';

const PACKAGE = resolve(import.meta.dirname, '../../hsm/yubihsm');

function sources(): readonly string[] {
  return globSync('**/*.ts', { cwd: PACKAGE, exclude: (path) => path.includes('node_modules') });
}

function textOf(path: string): string {
  return readFileSync(join(PACKAGE, path), 'utf8');
}

const readme = textOf('README.md');

it('every exported module exists, and is named once', () => {
  expect(PUBLIC_MODULES.filter((path) => !existsSync(join(PACKAGE, `${path}.ts`)))).toEqual([]);
  expect(new Set(PUBLIC_MODULES).size).toBe(PUBLIC_MODULES.length);
});

it('every error is in an exported module, so that it can be caught by its class', () => {
  const classes = sources().filter((path) => /export class \w+Error /.test(textOf(path)));
  const exported = PUBLIC_MODULES.map((path) => `${path}.ts`);
  expect(classes.filter((path) => !exported.includes(path))).toEqual([]);
});

it('the README explains every code, and no other', () => {
  const codes = (text: string, pattern: RegExp) =>
    [...new Set([...text.matchAll(pattern)].map(([, code]) => code))].sort();
  const inSource = codes(sources().map(textOf).join('\n'), /code = '(ERR_YUBIHSM_\w+)'/g);
  expect(codes(readme, /^\| `(ERR_YUBIHSM_\w+)`/gm)).toEqual(inSource);
});

it('every command has a constructor where the README says', () => {
  const rows = [...readme.matchAll(/^\| `(commands\/[\w-]+)` \| (.+) \|$/gm)];
  expect(rows.length).toBeGreaterThan(7);
  const promised = rows.flatMap(([, module = '', names = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name]) => `${module} ${name}`),
  );
  const made = rows.flatMap(([, module = '']) =>
    [...textOf(`${module}.ts`).matchAll(/^export function (\w+)\([\s\S]*?\): Command</gm)].map(
      ([, name]) => `${module} ${name}`,
    ),
  );
  expect(promised.sort()).toEqual(made.sort());
});
