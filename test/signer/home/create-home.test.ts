import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readKeyFile } from '@privval/hsm/file/open-key-file';
import { readConfig } from '@privval/signer/config/config';
import { addValidator } from '@privval/signer/home/add-validator';
import { checkHome } from '@privval/signer/home/check-home';
import { createHome } from '@privval/signer/home/create-home';
import { openHomeStore } from '@privval/signer/home/open-home-store';
import type { ValidatorRequest } from '@privval/signer/home/validator-request';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import {
  codeOf,
  deps,
  knownPublicKey,
  MadeHome,
  request,
  writeKnownKey,
  writeKnownState,
  writeSecret,
} from './home-fixtures.ts';

function init(home: string, change: Partial<ValidatorRequest> = {}) {
  return createHome(deps, { home, validator: request(change) });
}

describe('signer init', () => {
  test('makes a home that serve can open: identity, fresh key, floor at nothing, configuration', async () => {
    using made = await MadeHome.create();
    checkHome(made.home);
    expect(readConfig(made.home, { environment: {} }).validators).toMatchObject([
      {
        name: 'main',
        chainId: 'chain-1',
        providers: [{ kind: 'file', keyFile: made.join('keys', 'main.json') }],
      },
    ]);
    const { secret, isEncrypted } = await readKeyFile(made.join('keys', 'main.json'));
    using key = secret;
    expect(isEncrypted).toBe(false);
    expect(key.publicKey.bytes).toEqual(made.made.record.publicKey);
    expect(await made.floor()).toMatchObject({ height: 0n, round: 0, step: 'none' });
  });

  test('S19: leaves everything to this user alone, and nothing beside the home', async () => {
    using made = await MadeHome.create({ grpc: { listen: '127.0.0.1:0', isInsecure: false } });
    for (const entry of readdirSync(made.home, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const mode = statSync(path).mode & 0o777;
      expect(mode.toString(8), path).toBe(entry.isDirectory() ? '700' : '600');
    }
    expect(statSync(made.home).mode & 0o777).toBe(0o700);
    expect(readdirSync(made.folder.path)).toEqual(['home']);
  });

  test('encrypts the key when a passphrase file is named, and keeps the path of that', async () => {
    using folder = new ScratchFolder();
    const passphraseFile = writeSecret(folder, 'pass', 'correct horse\n');
    await init(folder.join('home'), { passphraseFile });
    const file = folder.join('home', 'keys', 'main.json');
    expect(readFileSync(file, 'utf8')).not.toContain('priv_key');
    const { secret, isEncrypted } = await readKeyFile(file, { passphraseFile });
    secret[Symbol.dispose]();
    expect(isEncrypted).toBe(true);
    const [validator] = readConfig(folder.join('home'), { environment: {} }).validators;
    expect(validator?.providers).toMatchObject([{ kind: 'file', passphraseFile }]);
  });

  test('S1: refuses a folder that already holds a home', async () => {
    using made = await MadeHome.create();
    const before = readFileSync(made.join('signer.toml'), 'utf8');
    expect(await codeOf(() => init(made.home))).toBe('ERR_HOME_EXISTS');
    expect(readFileSync(made.join('signer.toml'), 'utf8')).toBe(before);
  });

  test.each(['floor.db', 'floor.mark', 'floor.db-wal', 'identity.json', 'keys', 'grpc'])(
    'S1: refuses a folder in which only %s is left of a home',
    async (name) => {
      using folder = new ScratchFolder();
      writeFileSync(folder.join(name), 'x');
      expect(await codeOf(() => init(folder.path))).toBe('ERR_HOME_EXISTS');
      expect(readdirSync(folder.path).sort()).toEqual([name]);
    },
  );

  test('takes a folder with other things in it, and leaves those alone', async () => {
    using folder = new ScratchFolder();
    const passphraseFile = writeSecret(folder, 'pass', 'x');
    await init(folder.path, { passphraseFile });
    checkHome(folder.path);
    expect(readdirSync(folder.path)).toContain('pass');
    expect(readdirSync(folder.path).filter((name) => name.includes('init-'))).toEqual([]);
  });

  test('makes an empty folder that was open to others its own, and follows a link to it', async () => {
    using folder = new ScratchFolder();
    mkdirSync(folder.join('disk'));
    chmodSync(folder.join('disk'), 0o777);
    symlinkSync(folder.join('disk'), folder.join('home'));
    await init(folder.join('home'));
    expect(statSync(folder.join('disk')).mode & 0o777).toBe(0o700);
    expect(existsSync(folder.join('disk', 'signer.toml'))).toBe(true);
  });

  test('refuses a folder with things in it that others can change', async () => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('x'), '');
    chmodSync(folder.path, 0o777);
    expect(await codeOf(() => init(folder.path))).toBe('ERR_HOME_PERMISSIONS');
  });

  test.each([
    ['a key file that is not there', { keyFile: '/nowhere', floorHeight: 0n }],
    ['an empty passphrase', { passphraseFile: '/dev/null' }],
  ])('that fails for %s leaves nothing behind', async (_why, change) => {
    using folder = new ScratchFolder();
    expect(await codeOf(() => init(folder.join('home'), change))).toMatch(/^ERR_/);
    expect(readdirSync(folder.path)).toEqual([]);
    mkdirSync(folder.join('there'));
    expect(await codeOf(() => init(folder.join('there'), change))).toMatch(/^ERR_/);
    expect(readdirSync(folder.join('there')).filter((name) => name !== 'home.lock')).toEqual([]);
  });

  test('of two at once, one makes the home and the other is refused', async () => {
    using folder = new ScratchFolder();
    const home = folder.join('home');
    const codes = await Promise.all([codeOf(() => init(home)), codeOf(() => init(home))]);
    expect(codes.sort()).toEqual(['ERR_HOME_EXISTS', 'done']);
    checkHome(home);
    expect(readdirSync(folder.path)).toEqual(['home']);
  });

  test('S16: refuses a path whose admin.sock would pass 107 bytes, before anything is made', async () => {
    using folder = new ScratchFolder();
    const room = 107 - '/admin.sock'.length - folder.path.length - 1;
    expect(await codeOf(() => init(folder.join('x'.repeat(room + 1))))).toBe(
      'ERR_HOME_PATH_TOO_LONG',
    );
    expect(readdirSync(folder.path)).toEqual([]);
    expect(await codeOf(() => init(folder.join('x'.repeat(room))))).toBe('done');
  });

  test('keeps the path of a socket absolute: serve may start elsewhere', async () => {
    using made = await MadeHome.create({ nodes: ['unix://relative.sock'] });
    const [validator] = readConfig(made.home, { environment: {} }).validators;
    expect(validator?.nodes).toEqual([
      { scheme: 'unix', path: join(process.cwd(), 'relative.sock') },
    ]);
  });

  test.each([
    ['no node and no gRPC', { nodes: [] }, 'ERR_INVALID_REQUEST'],
    ['a node twice', { nodes: ['tcp://a:1', 'a:1'] }, 'ERR_INVALID_REQUEST'],
    ['a bad address', { nodes: ['http://a'] }, 'ERR_INVALID_NODE_ADDRESS'],
    ['a bad name', { name: '../x' }, 'ERR_INVALID_VALIDATOR_NAME'],
    ['a bad chain id', { chainId: '' }, 'ERR_INVALID_CHAIN_ID'],
    [
      'plaintext gRPC beyond loopback',
      { grpc: { listen: '10.0.0.1:1', isInsecure: true } },
      'ERR_GRPC_INSECURE_ADDRESS',
    ],
    [
      'a certificate without its key',
      { grpc: { listen: '10.0.0.1:1', cert: '/x', isInsecure: false } },
      'ERR_INVALID_REQUEST',
    ],
    [
      'plaintext gRPC with certificates',
      { grpc: { listen: '127.0.0.1:1', cert: '/x', key: '/y', isInsecure: true } },
      'ERR_INVALID_REQUEST',
    ],
  ])('refuses %s', async (_what, change, code) => {
    using folder = new ScratchFolder();
    expect(await codeOf(() => init(folder.join('home'), change))).toBe(code);
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe('a key that exists already', () => {
  test('S2: does not come in without word of what it has signed', async () => {
    using folder = new ScratchFolder();
    const keyFile = writeKnownKey(folder);
    expect(await codeOf(() => init(folder.join('home'), { keyFile }))).toBe('ERR_FLOOR_REQUIRED');
  });

  test('S2: --floor-height N refuses everything at N and below', async () => {
    using folder = new ScratchFolder();
    const made = await init(folder.join('home'), {
      keyFile: writeKnownKey(folder),
      floorHeight: 7n,
    });
    expect(made.record.publicKey).toEqual(knownPublicKey().bytes);
    expect(made.floor).toEqual({ height: 7n, round: 2_147_483_647, step: 'precommit' });
  });

  test.each([
    [9n, { height: 9n, round: 2_147_483_647, step: 'precommit' }],
    [5n, { height: 7n, round: 0, step: 'precommit' }],
  ])('S2: of state file and height %i the higher counts', async (floorHeight, floor) => {
    using folder = new ScratchFolder();
    const made = await init(folder.join('home'), {
      keyFile: writeKnownKey(folder),
      stateFile: writeKnownState(folder, 7n),
      floorHeight,
    });
    expect(made.floor).toMatchObject(floor);
  });

  test('S3: its state file brings the sign bytes, so that the same message is answered again', async () => {
    using folder = new ScratchFolder();
    const made = await init(folder.join('home'), {
      keyFile: writeKnownKey(folder),
      stateFile: writeKnownState(folder, 7n),
    });
    expect(made.floor.signBytes).toBeDefined();
    expect(made.floor.signature).toHaveLength(64);
    expect(made.floor.publicKey).toEqual(knownPublicKey().bytes);
  });

  test('S3: refuses the state file of another chain', async () => {
    using folder = new ScratchFolder();
    const stateFile = writeKnownState(folder, 7n);
    const keyFile = writeKnownKey(folder);
    const change = { keyFile, stateFile, chainId: 'chain-2' };
    expect(await codeOf(() => init(folder.join('home'), change))).toBe('ERR_STATE_FILE_FOREIGN');
  });

  test('S12: refuses a stale state file, unless a height comes with it', async () => {
    using folder = new ScratchFolder();
    const stateFile = writeKnownState(folder, 7n, { isStale: true });
    const keyFile = writeKnownKey(folder);
    const home = folder.join('home');
    expect(await codeOf(() => init(home, { keyFile, stateFile }))).toBe('ERR_STATE_FILE_STALE');
    const made = await init(home, { keyFile, stateFile, floorHeight: 8n });
    expect(made.floor.height).toBe(8n);
  });

  test('a state file without its key is refused', async () => {
    using folder = new ScratchFolder();
    const stateFile = writeKnownState(folder, 7n);
    expect(await codeOf(() => init(folder.join('home'), { stateFile }))).toBe(
      'ERR_STATE_WITHOUT_KEY',
    );
  });
});

describe('signer validators add', () => {
  function add(home: string, change: Partial<ValidatorRequest>) {
    return addValidator(deps, { home, validator: request(change) });
  }

  test('adds a validator with its own floor, and leaves the rest of signer.toml as it was', async () => {
    using made = await MadeHome.create();
    const edited = `# mine\n${readFileSync(made.join('signer.toml'), 'utf8')}`;
    writeFileSync(made.join('signer.toml'), edited);
    await add(made.home, { name: 'second', chainId: 'chain-2', floorHeight: 3n });
    expect(readFileSync(made.join('signer.toml'), 'utf8').startsWith(edited)).toBe(true);
    const { validators } = readConfig(made.home, { environment: {} });
    expect(validators.map(({ name }) => name)).toEqual(['main', 'second']);
    expect((await made.floor('second')).height).toBe(3n);
    expect((await made.floor('main')).height).toBe(0n);
  });

  test('S1: refuses a key that has a floor on this chain, and leaves nothing of it behind', async () => {
    using folder = new ScratchFolder();
    const home = folder.join('home');
    const known = { keyFile: writeKnownKey(folder), floorHeight: 1n };
    await init(home, known);
    const before = readFileSync(join(home, 'signer.toml'), 'utf8');
    const grpc = { listen: '127.0.0.1:1', isInsecure: false };
    expect(await codeOf(() => add(home, { ...known, name: 'twin', grpc }))).toBe(
      'ERR_DUPLICATE_VALIDATOR',
    );
    expect(readdirSync(join(home, 'keys'))).toEqual(['main.json']);
    expect(readdirSync(join(home, 'grpc'))).toEqual([]);
    expect(readFileSync(join(home, 'signer.toml'), 'utf8')).toBe(before);
    expect(await codeOf(() => add(home, { ...known, name: 'twin', chainId: 'chain-2' }))).toBe(
      'done',
    );
  });

  test('S2: asks for the past of an existing key here too', async () => {
    using made = await MadeHome.create();
    const keyFile = writeKnownKey(made.folder);
    expect(await codeOf(() => add(made.home, { name: 'x', keyFile }))).toBe('ERR_FLOOR_REQUIRED');
  });

  test('refuses a name that is taken, and a key file that is in its way', async () => {
    using made = await MadeHome.create();
    expect(await codeOf(() => add(made.home, {}))).toBe('ERR_DUPLICATE_VALIDATOR');
    writeFileSync(made.join('keys', 'second.json'), 'mine');
    expect(await codeOf(() => add(made.home, { name: 'second' }))).toBe('ERR_KEY_FILE_EXISTS');
    expect(readFileSync(made.join('keys', 'second.json'), 'utf8')).toBe('mine');
  });

  test('S15: refuses while another process has the home', async () => {
    using made = await MadeHome.create();
    await using _served = await openHomeStore(deps, { home: made.home, command: 'signer serve' });
    const waiting = openHomeStore(deps, { home: made.home, command: 'x', lockWaitMs: 0 });
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_HOME_LOCKED' });
  });
});

describe('a home', () => {
  test('that others could change is refused', async () => {
    using made = await MadeHome.create();
    chmodSync(made.home, 0o770);
    expect(await codeOf(() => checkHome(made.home))).toBe('ERR_HOME_PERMISSIONS');
    chmodSync(made.home, 0o700);
    chmodSync(made.join('signer.toml'), 0o666);
    expect(await codeOf(() => checkHome(made.home))).toBe('ERR_HOME_PERMISSIONS');
  });

  test('that is none is named', async () => {
    using folder = new ScratchFolder();
    expect(await codeOf(() => checkHome(folder.path))).toBe('ERR_NO_HOME');
    expect(await codeOf(() => checkHome(folder.join('nowhere')))).toBe('ERR_NO_HOME');
  });
});
