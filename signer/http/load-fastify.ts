/** Loads Fastify piece by piece: in one piece it would hold up a vote for as long as all pieces take. */
import { createRequire } from 'node:module';

/** Fastify's own parts, the innermost first; each takes a few milliseconds. */
const PIECES: readonly string[] = [
  'process-warning',
  'semver',
  'secure-json-parse',
  'toad-cache',
  'rfdc',
  'abstract-logging',
  '@fastify/error',
  'avvio',
  'find-my-way',
  '@fastify/proxy-addr',
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  'fast-json-stringify',
  'light-my-request',
];

/** Resolves when everything is loaded; other work had its turn after each piece. */
export async function loadFastify(): Promise<void> {
  const here = createRequire(import.meta.url);
  const inner = createRequire(here.resolve('fastify'));
  for (const piece of PIECES) {
    await turn();
    try {
      inner(piece);
    } catch {
      // Another release of Fastify is made of other pieces: it loads them itself.
    }
  }
  await turn();
  here('fastify');
  await turn();
}

function turn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
