import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** The rules that docs/safety-rules.md claims, in its order. */
const claimed = [
  ...readFileSync(join(root, 'docs/safety-rules.md'), 'utf8').matchAll(/^\| (S\d+) \|/gm),
].map((match) => match[1] ?? '');

/** Titles of tests and suites, and the rows of their tables: every string literal of a test file. */
const named = new Set(
  globSync('**/*.test.ts', { cwd: join(root, 'test') })
    .filter((file) => !file.includes('node_modules') && file !== 'safety-rules.test.ts')
    .flatMap((file) => readFileSync(join(root, 'test', file), 'utf8').split('\n'))
    .filter((line) => /['"`].*\bS\d+\b/.test(line))
    .flatMap((line) => line.match(/\bS\d+\b/g) ?? []),
);

test('the page of rules lists the ones this signer keeps', () => {
  expect(claimed.length).toBeGreaterThanOrEqual(28);
});

test.each(claimed)('%s is named by a test', (rule) => {
  expect(named).toContain(rule);
});
