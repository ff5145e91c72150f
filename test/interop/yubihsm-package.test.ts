/**
 * The package `yubihsm` as strangers get it: packed, installed into an empty folder, run by Node.js 24.
 *
 * Needs npm and its registry, for that Node.js.
 */
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC_MODULES } from 'yubihsm/public-modules';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { startYubiHsmSimulator } from '../harness/yubihsm-sim/simulator.ts';

const run = promisify(execFile);

const ROOT = resolve(import.meta.dirname, '../..');

/** The oldest line that the package promises to run on. */
const NODE_24 = '24.21.0';

const scratch = new ScratchFolder();
const folder = scratch.join('consumer');
const installed = join(folder, 'node_modules/yubihsm');

/** The examples of the README that is in the package. */
function examples(): readonly string[] {
  const readme = readFileSync(join(installed, 'README.md'), 'utf8');
  return [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? '');
}

/** Runs a file of the consumer's by Node.js 24. */
async function runByNode24(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(join(folder, 'node_modules/.bin/node'), args, { cwd: folder });
  return stdout.trim();
}

/** Type-checks files of the consumer's, all declarations of the package included. */
async function typeCheck(files: readonly string[], compilerOptions: object): Promise<string> {
  const settings = {
    compilerOptions: {
      target: 'esnext',
      module: 'nodenext',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      ...compilerOptions,
    },
    files,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const checked = run(tsc, ['--project', folder]).catch((error) => error);
  return (await checked).stdout;
}

beforeAll(async () => {
  const { stdout } = await run(process.execPath, [
    join(ROOT, 'hsm/yubihsm/pack.ts'),
    '--into',
    scratch.path,
  ]);
  await mkdir(folder);
  const manifest = { private: true, type: 'module', allowScripts: { node: true } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  const flags = ['--no-audit', '--no-fund', '--save-exact'];
  await run('npm', ['install', ...flags, stdout.trim(), `node@${NODE_24}`], { cwd: folder });
});

afterAll(() => scratch[Symbol.dispose]());

describe('the tarball', () => {
  it('has no dependency of any kind, and no script', async () => {
    const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    expect(Object.keys(manifest).filter((key) => /dependencies|scripts/i.test(key))).toEqual([]);
  });

  it('has JavaScript with its declarations, README and licence, and nothing else', () => {
    const files = globSync('**/*.*', { cwd: installed }).concat(
      globSync('LICENSE', { cwd: installed }),
    );
    const isExpected = (file: string) =>
      /\.(js|d\.ts)$|^(LICENSE|README\.md|package\.json)$/.test(file);
    expect(files.filter((file) => !isExpected(file))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md']));
    expect(files).not.toContain('pack.js');
  });

  it('exports what is meant for others, and no more', async () => {
    const imports = PUBLIC_MODULES.map((path) => `await import('yubihsm/${path}');`).join('\n');
    await writeFile(join(folder, 'imports.js'), `${imports}\nconsole.log('all of them');\n`);
    expect(await runByNode24('imports.js')).toBe('all of them');
    const hidden = `await import('yubihsm/commands/wire-bytes').catch((error) => console.log(error.code));`;
    await writeFile(join(folder, 'hidden.js'), hidden);
    expect(await runByNode24('hidden.js')).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

describe('on Node.js 24', () => {
  it('that is what runs here', async () => {
    expect(await runByNode24('--version')).toBe(`v${NODE_24}`);
  });

  it('the example of the README opens a session with a device, makes a key and signs', async () => {
    await using simulator = await startYubiHsmSimulator({}, { port: 0 });
    const [example = ''] = examples();
    expect(example).toContain('http://127.0.0.1:12345');
    const file = join(folder, 'first-example.ts');
    await writeFile(file, example.replace('http://127.0.0.1:12345', simulator.url));
    expect(await runByNode24(file)).toBe('true');
  });

  it('a key of P-256 opens a session, a backup opens without a device, an attestation verifies', async () => {
    await using simulator = await startYubiHsmSimulator({}, { port: 0 });
    await writeFile(join(folder, 'others.ts'), consumerOfOthers(simulator.url));
    expect((await runByNode24('others.ts')).split('\n')).toEqual([
      'signed in its session: 64',
      'opened: 96',
      'attested: verified',
    ]);
  });

  it('the other examples run: a backup that moves to another device, a log that is drained', async () => {
    await using simulator = await startYubiHsmSimulator({}, { port: 0 });
    await using other = await startYubiHsmSimulator({}, { port: 0 });
    const [, backups = '', log = ''] = examples();
    await writeFile(join(folder, 'backups.ts'), backups);
    await writeFile(join(folder, 'log.ts'), log);
    await writeFile(join(folder, 'both.ts'), consumerOfBoth(simulator.url, other.url));
    expect((await runByNode24('both.ts')).split('\n')).toEqual(['same key: true', 'stored: true']);
  });
});

/** A program that uses what no example does. */
function consumerOfOthers(url: string): string {
  return `
import { verifyAttestation } from 'yubihsm/attestation/verify-attestation';
import { generateP256PrivateKey, p256PublicKey } from 'yubihsm/channel/p256';
import { generateAsymmetricKey, getPublicKey, signAttestationCertificate, signEddsa } from 'yubihsm/commands/asymmetric-key-commands';
import { putAuthenticationKey } from 'yubihsm/commands/authentication-key-commands';
import { getDevicePubkey } from 'yubihsm/commands/device-commands';
import { getOpaque } from 'yubihsm/commands/opaque-commands';
import { exportWrapped, putWrapKey } from 'yubihsm/commands/wrap-commands';
import { HttpConnector } from 'yubihsm/connector/http-connector';
import { unwrapObject } from 'yubihsm/wrap/wrap-cipher';
import { YubiHsmClient } from 'yubihsm/yubihsm-client';

const id = 2;
const rights = ['sign-eddsa', 'exportable-under-wrap'] as const;
await using connector = HttpConnector.open({}, { url: '${url}' });
await using admin = await YubiHsmClient.open(
  { connector },
  { authKeyId: 1, credentials: { kind: 'password', password: Buffer.from('password') } },
);
await admin.run(generateAsymmetricKey({ id, label: '', domains: [1], capabilities: rights, algorithm: 'ed25519' }));

const privateKey = generateP256PrivateKey((count) => crypto.getRandomValues(new Uint8Array(count)));
await admin.run(
  putAuthenticationKey({ id, label: '', domains: [1], capabilities: rights }, [], {
    kind: 'asymmetric',
    publicKey: p256PublicKey(privateKey),
  }),
);
const devicePublicKey = await admin.runPlain(getDevicePubkey());
await using own = await YubiHsmClient.open(
  { connector },
  { authKeyId: id, credentials: { kind: 'asymmetric', privateKey, devicePublicKey } },
);
console.log('signed in its session:', (await own.run(signEddsa(id, new Uint8Array(3)))).length);

const wrapKey = crypto.getRandomValues(new Uint8Array(32));
const params = { id, label: '', domains: [1], capabilities: ['export-wrapped'], algorithm: 'aes256-ccm-wrap' } as const;
await admin.run(putWrapKey(params, rights, wrapKey));
const { body } = unwrapObject(wrapKey, await admin.run(exportWrapped(id, 'asymmetric-key', id)));
console.log('opened:', body.length);

const attestation = await admin.run(signAttestationCertificate(id, 0));
const { key } = await admin.run(getPublicKey(id));
const chain = { attestation, intermediates: [], ca: await admin.run(getOpaque(0)) };
console.log('attested:', verifyAttestation(chain, key).kind);
`;
}

/** A program that uses the second and the third example. */
function consumerOfBoth(url: string, otherUrl: string): string {
  return `
import { generateAsymmetricKey, getPublicKey } from 'yubihsm/commands/asymmetric-key-commands';
import { HttpConnector } from 'yubihsm/connector/http-connector';
import { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { moveKey } from './backups.ts';
import { drainLog } from './log.ts';

async function open(url: string): Promise<YubiHsmClient> {
  const password = new TextEncoder().encode('password');
  return YubiHsmClient.open(
    { connector: HttpConnector.open({}, { url }) },
    { authKeyId: 1, credentials: { kind: 'password', password } },
  );
}

const [client, other] = [await open('${url}'), await open('${otherUrl}')];
const id = await client.run(
  generateAsymmetricKey({
    id: 0,
    label: '',
    domains: [1],
    capabilities: ['sign-eddsa', 'exportable-under-wrap'],
    algorithm: 'ed25519',
  }),
);
await moveKey(client, other, id);
const [one, two] = [await client.run(getPublicKey(id)), await other.run(getPublicKey(id))];
console.log('same key:', Buffer.compare(one.key, two.key) === 0);
let stored = 0;
await drainLog(client, {
  anchor: undefined,
  async append(entries) {
    stored += entries.length;
  },
});
console.log('stored:', stored > 0);
await Promise.all([client[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
process.exit();
`;
}

describe('in TypeScript', () => {
  it('every example of the README is without error', async () => {
    const files = examples().map((_, i) => `example-${i}.ts`);
    expect(files.length).toBeGreaterThan(2);
    await Promise.all(examples().map((code, i) => writeFile(join(folder, files[i] ?? ''), code)));
    const typeRoots = [join(ROOT, 'node_modules/@types')];
    const libraries = { lib: ['esnext'], types: ['node'], typeRoots };
    expect(await typeCheck(files, { ...libraries, skipLibCheck: true })).toBe('');
  });

  it('a consumer checks against the declarations alone, without those of Node.js', async () => {
    const consumer = `
import { signEddsa } from 'yubihsm/commands/asymmetric-key-commands';
import type { Connector } from 'yubihsm/connector/connector';
import type { Capability } from 'yubihsm/objects/capability';
import { YubiHsmClient } from 'yubihsm/yubihsm-client';

export async function sign(connector: Connector, password: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const credentials = { kind: 'password', password } as const;
  await using client = await YubiHsmClient.open({ connector }, { authKeyId: 1, credentials, signal });
  return client.run(signEddsa(0x64, new Uint8Array(3)), { signal });
}
export const rights: readonly Capability[] = ['sign-eddsa', 'bit-60'];
`;
    await writeFile(join(folder, 'consumer.ts'), consumer);
    const libraries = { lib: ['esnext', 'dom'], types: [] };
    expect(await typeCheck(['consumer.ts'], libraries)).toBe('');
    const wrong = consumer.replace("'sign-eddsa', ", "'sign-edsa', ");
    await writeFile(join(folder, 'consumer.ts'), wrong);
    expect(await typeCheck(['consumer.ts'], libraries)).toContain('"sign-edsa"');
  });
});
