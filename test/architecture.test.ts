/** The floor plan, read off the imports (docs/architecture.md). */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** What each workspace may import of ours; every one may import itself. */
const ARROWS: Readonly<Record<string, readonly RegExp[]>> = {
  proto: [],
  // A package of its own, which knows nothing of ours.
  'hsm/yubihsm': [],
  hsm: [/^@privval\/proto\//, /^yubihsm\//],
  signer: [/^@privval\/(proto|hsm)\//],
  // A node may hold its key itself; of the signer it takes that and nothing else.
  'node-client': [/^@privval\/(proto|hsm)\//, /^@privval\/signer\/priv-validator\//],
  test: [/^@privval\/(proto|hsm|signer|node-client)\//, /^yubihsm\//],
};

/** What is ours, as an import names it. */
const OURS = /^(@privval|yubihsm)\//;

const FILES = Object.keys(ARROWS).flatMap((workspace) =>
  globSync(`${workspace}/**/*.{ts,js}`, {
    cwd: ROOT,
    exclude: (path) => /node_modules|generated/.test(path),
  })
    .filter((path) => workspaceOf(path) === workspace)
    .map((path) => ({ workspace, path })),
);

/** The innermost one: a workspace may lie in another's folder. */
function workspaceOf(path: string): string | undefined {
  return Object.keys(ARROWS)
    .filter((workspace) => path.startsWith(`${workspace}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** A source without its comments. */
function codeOf(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** The modules a source imports: static, re-exported, dynamic, for side effects. */
function importsOf(source: string): readonly string[] {
  const found = codeOf(source).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g);
  return [...found].map(([, specifier]) => specifier ?? '');
}

/** Names that came after Node 24, the oldest line we promise. `npm run types` knows more, of TypeScript only. */
const NEWER_THAN_NODE_24 =
  /\b(toHex|toBase64|fromHex|fromBase64|setFromHex|setFromBase64|getOrInsert(Computed)?|sumPrecise|Temporal|Iterator\.concat)\b/g;

function wrongImports(wrong: (workspace: string, path: string, specifier: string) => boolean) {
  return FILES.flatMap(({ workspace, path }) =>
    importsOf(readFileSync(join(ROOT, path), 'utf8'))
      .filter((specifier) => wrong(workspace, path, specifier))
      .map((specifier) => `${path} imports ${specifier}`),
  );
}

test('the sources are found, and their imports read', () => {
  expect(FILES.length).toBeGreaterThan(100);
  expect(
    importsOf(`import a from 'a';\nexport * from "b";\nimport 'c';\nawait import('d'); // from 'e'
      // import 'f'\n/* from 'g' */ import type {\n  H\n} from 'h';`),
  ).toEqual(expect.arrayContaining(['a', 'b', 'c', 'd', 'h']));
});

test('imports point one way: yubihsm ← hsm, proto ← hsm ← signer ← node-client ← test', () => {
  expect(
    wrongImports(
      (workspace, _path, specifier) =>
        OURS.test(specifier) && !(ARROWS[workspace] ?? []).some((arrow) => arrow.test(specifier)),
    ),
  ).toEqual([]);
});

test('a relative import stays in its workspace, and names its file', () => {
  expect(
    wrongImports((workspace, path, specifier) => {
      if (!specifier.startsWith('.')) return false;
      const target = relative(ROOT, resolve(ROOT, dirname(path), specifier));
      return !target.startsWith(`${workspace}/`) || !/\.(ts|js|json)$/.test(specifier);
    }),
  ).toEqual([]);
});

test('the product uses nothing that Node 24 lacks', () => {
  const found = FILES.filter(({ workspace }) => workspace !== 'test').flatMap(({ path }) =>
    [...codeOf(readFileSync(join(ROOT, path), 'utf8')).matchAll(NEWER_THAN_NODE_24)].map(
      ([name]) => `${path} uses ${name}`,
    ),
  );
  expect(found).toEqual([]);
  expect(codeOf('bytes.toHex(); // toBase64').match(NEWER_THAN_NODE_24)).toContain('toHex');
});

test('there are no barrels, and no drawers', () => {
  const drawer = /^(index|utils?|helpers?|common|misc|types|interfaces?)\.(ts|js)$/;
  expect(FILES.map(({ path }) => path).filter((path) => drawer.test(basename(path)))).toEqual([]);
});
