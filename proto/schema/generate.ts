/**
 * Turns the `.proto` files beside this one into `proto/generated/messages.js` and `.d.ts`.
 *
 * `node proto/schema/generate.ts` writes them; with `--check` it writes them into a temporary
 * folder instead and fails when the committed ones differ, so that staleness cannot hide.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main as pbjs } from 'protobufjs-cli/pbjs.js';

const SCHEMA_DIRECTORY = import.meta.dirname;
const GENERATED_DIRECTORY = join(SCHEMA_DIRECTORY, '..', 'generated');
const GENERATED_FILES = ['messages.js', 'messages.d.ts'] as const;
const HEADER = '// Generated from proto/schema by `npm run generate`. Never edited by hand.\n';

/**
 * Encode, decode and create, as an ES module over the small runtime. 64-bit fields are `Long`:
 * whoever decodes turns them into bigint before they become a domain value.
 */
const PBJS_OPTIONS = [
  ...['--target', 'static-module', '--wrap', 'esm', '--root', 'privval'],
  ...['--no-verify', '--no-convert', '--no-delimited', '--no-typeurl', '--no-service'],
];

async function schemaFiles(): Promise<string[]> {
  const entries = await readdir(SCHEMA_DIRECTORY, { recursive: true });
  return entries
    .filter((name) => name.endsWith('.proto'))
    .map((name) => name.replaceAll('\\', '/'))
    .sort();
}

function runPbjs(args: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  pbjs([...args], (error) => (error === null ? resolve() : reject(error)));
  return promise;
}

/**
 * pbjs makes declarations from the comments it puts into the code, so it runs twice: once with
 * comments for the `.d.ts`, once without for the `.js`, which a process has to load.
 */
async function generateInto(directory: string): Promise<void> {
  const common = [...PBJS_OPTIONS, '--path', SCHEMA_DIRECTORY, ...(await schemaFiles())];
  const code = join(directory, 'messages.js');
  await runPbjs(['--dts', '--out', code, ...common]);
  await runPbjs(['--no-comments', '--out', code, ...common]);
  for (const name of GENERATED_FILES) {
    const path = join(directory, name);
    await writeFile(path, HEADER + (await readFile(path, 'utf8')));
  }
}

async function staleFiles(fresh: string): Promise<string[]> {
  const stale: string[] = [];
  for (const name of GENERATED_FILES) {
    const committed = await readFile(join(GENERATED_DIRECTORY, name), 'utf8').catch(() => '');
    if (committed !== (await readFile(join(fresh, name), 'utf8'))) stale.push(name);
  }
  return stale;
}

async function check(): Promise<void> {
  const fresh = await mkdtemp(join(tmpdir(), 'privval-generate-'));
  try {
    await generateInto(fresh);
    const stale = await staleFiles(fresh);
    if (stale.length === 0) return;
    const names = stale.map((name) => `proto/generated/${name}`).join(' and ');
    process.stderr.write(`${names}: not what proto/schema says. Run \`npm run generate\`.\n`);
    process.exitCode = 1;
  } finally {
    await rm(fresh, { recursive: true });
  }
}

async function write(): Promise<void> {
  await mkdir(GENERATED_DIRECTORY, { recursive: true });
  await generateInto(GENERATED_DIRECTORY);
}

const args = process.argv.slice(2);
if (args.length === 0) await write();
else if (args.length === 1 && args[0] === '--check') await check();
else {
  process.stderr.write('usage: node proto/schema/generate.ts [--check]\n');
  process.exitCode = 2;
}
