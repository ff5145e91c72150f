/** Loads Fastify piece by piece: in one piece it would hold up a vote for as long as all pieces take. */
import { createRequire } from 'node:module';

/**
 * What Fastify is made of, the innermost first, each a few milliseconds. A piece of a piece is behind
 * a `>`: it is found from there.
 */
const PIECES: readonly string[] = [
  'semver>semver/internal/re',
  'semver>semver/classes/semver',
  'semver>semver/classes/range',
  'semver>semver/ranges/subset',
  'semver',
  'secure-json-parse',
  'toad-cache',
  'rfdc',
  '@fastify/error',
  'avvio>fastq',
  'avvio',
  'find-my-way>fast-querystring',
  'find-my-way>safe-regex2',
  'find-my-way',
  '@fastify/proxy-addr>ipaddr.js',
  '@fastify/proxy-addr',
  '@fastify/ajv-compiler>ajv/dist/compile/codegen',
  '@fastify/ajv-compiler>ajv/dist/compile',
  '@fastify/ajv-compiler>ajv/dist/core',
  '@fastify/ajv-compiler>ajv/dist/vocabularies/core',
  '@fastify/ajv-compiler>ajv/dist/vocabularies/draft7',
  '@fastify/ajv-compiler>ajv',
  '@fastify/ajv-compiler>ajv-formats',
  '@fastify/ajv-compiler>fast-uri',
  '@fastify/ajv-compiler>ajv/dist/vocabularies/jtd',
  '@fastify/ajv-compiler>ajv/dist/jtd',
  '@fastify/ajv-compiler',
  'fastify>fastify/lib/errors.js',
  'fastify>fastify/lib/server.js',
  'fastify>fastify/lib/reply.js',
  'fastify>fastify/lib/request.js',
  'fastify>fastify/lib/content-type-parser.js',
  'fastify>fastify/lib/schema-controller.js',
  'fastify>fastify/lib/logger-factory.js',
  'fastify>fastify/lib/route.js',
];

/**
 * Resolves when everything is loaded; other work had its turn after each piece.
 *
 * @returns pieces that this release of Fastify does not have: what they were is loaded in one
 */
export async function loadFastify(): Promise<readonly string[]> {
  const here = createRequire(import.meta.url);
  const fastify = createRequire(here.resolve('fastify'));
  const missing: string[] = [];
  for (const piece of PIECES) {
    const [owner = '', part] = piece.split('>');
    await turn();
    try {
      const from = part === undefined ? fastify : createRequire(fastify.resolve(owner));
      from(part ?? owner);
    } catch {
      missing.push(piece);
    }
  }
  await turn();
  here('fastify');
  await turn();
  return missing;
}

function turn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
