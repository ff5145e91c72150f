/**
 * Turns the TypeBox schemas beside this file into `signer/http/generated/admin-schemas.json`: what
 * the daemon loads instead of TypeBox, which would cost it 24 MiB.
 *
 * `node signer/http/schemas/generate.ts` writes it; with `--check` it fails when the committed one
 * differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN_ROUTES } from '../admin-routes.ts';
import { ANSWER_SCHEMAS, ASKED_SCHEMA, PROBLEM_SCHEMA } from './answer-schemas.ts';
import { REQUEST_SCHEMAS } from './request-schemas.ts';

const GENERATED = join(import.meta.dirname, '..', 'generated', 'admin-schemas.json');

/** The file's content. */
function generated(): string {
  const routes = Object.fromEntries(
    ADMIN_ROUTES.map(({ name }) => [
      name,
      { ...REQUEST_SCHEMAS[name], answer: ANSWER_SCHEMAS[name] },
    ]),
  );
  const content = { problem: PROBLEM_SCHEMA, asked: ASKED_SCHEMA, routes };
  return `${JSON.stringify(content, null, 1)}\n`;
}

if (process.argv.includes('--check')) {
  if (readFileSync(GENERATED, 'utf8') !== generated()) {
    process.stderr.write(`${GENERATED} is stale: run npm run generate\n`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(GENERATED, generated());
}
