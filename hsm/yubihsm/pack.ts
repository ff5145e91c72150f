/**
 * `npm run pack:yubihsm [-- --into FOLDER]`: makes the package that others install, and prints its path.
 *
 * Node runs no TypeScript under `node_modules`: what is packed is a staged copy, compiled to JavaScript
 * with its declarations, with a `package.json` of its own.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { PUBLIC_MODULES } from './public-modules.ts';

const run = promisify(execFile);

const HERE = import.meta.dirname;
const ROOT = resolve(HERE, '../..');

/** What of the workspace's own `package.json` is everybody's. */
interface WorkspaceFacts {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
}

/** Makes the tarball in `folder` and resolves with its path. */
async function pack(folder: string): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'yubihsm-pack-'));
  try {
    const stage = join(scratch, 'package');
    await mkdir(stage);
    await compile(scratch, stage);
    await cp(join(HERE, 'README.md'), join(stage, 'README.md'));
    await cp(join(ROOT, 'LICENSE'), join(stage, 'LICENSE'));
    await writeFile(join(stage, 'package.json'), `${JSON.stringify(await manifest(), null, 2)}\n`);
    await mkdir(folder, { recursive: true });
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: stage,
    });
    const packed: readonly { readonly filename: string }[] = Object.values(JSON.parse(stdout));
    return join(folder, packed[0]?.filename ?? '');
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** From `.ts` to `.js` and `.d.ts`, with the compiler and the rules of the repository. */
async function compile(scratch: string, stage: string): Promise<void> {
  const config = join(scratch, 'tsconfig.json');
  const settings = {
    extends: join(ROOT, 'tsconfig.product.json'),
    compilerOptions: {
      noEmit: false,
      rootDir: HERE,
      outDir: stage,
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    include: [join(HERE, '**/*.ts')],
    exclude: [join(HERE, 'pack.ts'), join(HERE, 'public-modules.ts'), '**/node_modules'],
  };
  await writeFile(config, JSON.stringify(settings));
  try {
    await run(join(ROOT, 'node_modules/.bin/tsc'), ['--project', config]);
  } catch (error) {
    process.stderr.write(String((error as { readonly stdout?: unknown }).stdout ?? error));
    throw error;
  }
}

async function manifest(): Promise<object> {
  const text = await readFile(join(HERE, 'package.json'), 'utf8');
  const { name, version, description, license, engines }: WorkspaceFacts = JSON.parse(text);
  const modules = PUBLIC_MODULES.map((path) => [
    `./${path}`,
    { types: `./${path}.d.ts`, default: `./${path}.js` },
  ]);
  return {
    name,
    version,
    description,
    license,
    keywords: ['yubihsm', 'yubihsm2', 'hsm', 'ed25519', 'signing'],
    type: 'module',
    engines,
    sideEffects: false,
    exports: { ...Object.fromEntries(modules), './package.json': './package.json' },
  };
}

const { values } = parseArgs({ options: { into: { type: 'string', default: '.' } } });
process.stdout.write(`${await pack(resolve(values.into))}\n`);
