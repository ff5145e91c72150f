import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import {
  KNOWN_KEY_FILE,
  KNOWN_SECRET_TEXTS,
  writeKnownKey,
  writeKnownState,
  writeSecret,
} from '../home/home-fixtures.ts';
import { cli } from './cli-runner.ts';

const NODE = ['--node', 'tcp://127.0.0.1:26659'];

/** A scratch folder with a home for the known key on chain-1. */
async function knownHome(folder: ScratchFolder, ...flags: string[]): Promise<string> {
  const home = folder.join('home');
  const key = ['--key-file', writeKnownKey(folder)];
  const floor = flags.length > 0 ? flags : ['--floor-height', '4'];
  const chain = ['--chain-id', 'chain-1'];
  const { exitCode, notes } = await cli([
    'init',
    '--home',
    home,
    ...chain,
    ...NODE,
    ...key,
    ...floor,
  ]);
  expect(notes).not.toContain('error');
  expect(exitCode).toBe(0);
  return home;
}

describe('the fixed commands', () => {
  test.each([
    [
      'cometbft',
      '{"type":"tendermint/PubKeyEd25519","value":"VWpDbxIY0wlC7+eYQg9R3JtqMRuSnFeCV0V9BcX88jA="}',
    ],
    ['hex', '556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230'],
    ['address', 'DC52D5CF8DFD1793D71038B342A29B01AD8A5D63'],
    ['bech32', /^cosmosvalconspub1zcjduepq[a-z0-9]+$/],
  ])('keys show --format %s is one line', async (format, expected) => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    const { output } = await cli(['keys', 'show', '--home', home, '--format', format]);
    if (typeof expected === 'string') expect(output).toBe(expected);
    else expect(output).toMatch(expected);
    expect(output).not.toContain('\n');
  });

  test('keys show --prefix changes the prefix of bech32', async () => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    const flags = ['--format', 'bech32', '--prefix', 'osmovalconspub'];
    expect((await cli(['keys', 'show', '--home', home, ...flags])).output).toMatch(
      /^osmovalconspub1/,
    );
  });

  test.each([
    ['node-id', /^[0-9a-f]{40}$/],
    ['libp2p', /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/],
    ['hex', /^[0-9a-f]{64}$/],
  ])('identity show --format %s is what a node pins', async (format, expected) => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    const { output } = await cli(['identity', 'show', '--home', home, '--format', format]);
    expect(output).toMatch(expected);
  });

  test('state show --json is an array of floors', async () => {
    using folder = new ScratchFolder();
    const state = writeKnownState(folder, 7n);
    const home = await knownHome(folder, '--state-file', state, '--validator', 'main');
    const { output } = await cli(['state', 'show', '--home', home, '--json']);
    expect(JSON.parse(output)).toEqual([
      { validator: 'main', chainId: 'chain-1', height: '7', round: 0, step: 3 },
    ]);
  });

  test('validators add takes the flags of init, and validators list shows them all', async () => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    const chain = ['--chain-id', 'chain-2'];
    const added = await cli([
      'validators',
      'add',
      'second',
      '--home',
      home,
      ...chain,
      ...NODE,
      '--json',
    ]);
    expect(JSON.parse(added.output)).toMatchObject({ validator: 'second', chainId: 'chain-2' });
    const { output } = await cli(['validators', 'list', '--home', home, '--json']);
    expect(JSON.parse(output).map(({ name }: { name: string }) => name)).toEqual([
      'chain-1',
      'second',
    ]);
    const show = ['keys', 'show', '--home', home];
    expect((await cli(show)).notes).toContain('ERR_CHOOSE_VALIDATOR');
    expect((await cli([...show, '--validator', 'second'])).exitCode).toBe(0);
  });

  test('the name of a validator is its chain, unless one is given', async () => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    const { output } = await cli(['validators', 'list', '--home', home]);
    expect(output).toContain('chain-1  chain-1');
  });

  test('init names the certificates it made for the node', async () => {
    using folder = new ScratchFolder();
    const home = folder.join('home');
    const chain = ['--chain-id', 'chain-1'];
    const listen = ['--grpc-listen', '127.0.0.1:26660'];
    const { output } = await cli(['init', '--home', home, ...chain, ...listen, '--json']);
    const { nodeCertificates } = JSON.parse(output);
    for (const name of ['client.crt', 'client.key', 'root-ca.crt']) {
      expect(statSync(`${nodeCertificates}/${name}`).isFile()).toBe(true);
    }
  });
});

describe('a wrong command line', () => {
  test.each([
    [['init', '--chain-id', 'x', ...NODE], 'ERR_USAGE'],
    [['init', '--home', 'HOME', ...NODE], 'ERR_USAGE'],
    [['init', '--home', 'HOME', '--chain-id', 'x'], 'ERR_INVALID_REQUEST'],
    [['init', '--home', 'HOME', '--chain-id', 'x', ...NODE, '--frob'], 'ERR_USAGE'],
    [['init', '--home', 'HOME', '--chain-id', 'x', ...NODE, '--grpc-insecure'], 'ERR_USAGE'],
    [
      ['init', '--home', 'HOME', '--chain-id', 'x', ...NODE, '--key-file', 'KEY'],
      'ERR_FLOOR_REQUIRED',
    ],
    [['keys', 'show', '--home', 'HOME', '--format', 'pem'], 'ERR_USAGE'],
    [['frobnicate'], 'ERR_USAGE'],
    [['state', 'import', '--home', 'HOME'], 'ERR_USAGE'],
    [['state', 'init', '--home', 'HOME'], 'ERR_'],
  ])('%j exits 2 and says what is missing', async (args, code) => {
    using folder = new ScratchFolder();
    const filled = args.map((arg) =>
      arg === 'HOME' ? folder.join('home') : arg === 'KEY' ? writeKnownKey(folder) : arg,
    );
    if (args[0] === 'state') await knownHome(folder);
    const { exitCode, notes } = await cli(filled);
    expect(exitCode).toBe(2);
    expect(notes).toContain(code);
    expect(notes).not.toMatch(/^\s+at /m);
  });

  test.each(['-1', '1.5', '1e3', '0x10', '9223372036854775808', '', ' 5', 'NaN', '１'])(
    '--floor-height %j is no height',
    async (height) => {
      using folder = new ScratchFolder();
      const key = ['--key-file', writeKnownKey(folder)];
      const args = ['init', '--home', folder.join('home'), '--chain-id', 'x', ...NODE, ...key];
      const { exitCode, notes } = await cli([...args, `--floor-height=${height}`]);
      expect(exitCode).toBe(2);
      expect(notes).toContain('ERR_INVALID_HEIGHT');
      expect(existsSync(folder.join('home'))).toBe(false);
    },
  );
});

describe('signer state', () => {
  test('S33: import without --confirm exits 2 and changes nothing', async () => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    const raise = ['state', 'import', '--home', home, '--floor-height', '9'];
    const refused = await cli(raise);
    expect(refused.exitCode).toBe(2);
    expect(refused.notes).toContain('--confirm chain-1');
    expect((await cli([...raise, '--confirm', 'x'])).exitCode).toBe(2);
    expect((await cli(raise, 'nope')).exitCode).toBe(2);
    const show = ['state', 'show', '--home', home, '--json'];
    expect(JSON.parse((await cli(show)).output)[0].height).toBe('4');
    expect((await cli([...raise, '--confirm', 'chain-1'])).exitCode).toBe(0);
    expect(JSON.parse((await cli(show)).output)[0].height).toBe('9');
  });

  test('S33: at a terminal the name can be typed instead', async () => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    const raise = ['state', 'import', '--home', home, '--floor-height', '9'];
    expect(await cli(raise, 'chain-1')).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining('raised'),
    });
  });

  test('S4: import takes the maximum and never lowers', async () => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder, '--floor-height', '9');
    const state = writeKnownState(folder, 7n);
    const { exitCode, output } = await cli(['state', 'import', state, '--home', home, '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ isRaised: false, after: { height: '9' } });
  });

  test('export writes what a node reads, once', async () => {
    using folder = new ScratchFolder();
    const state = writeKnownState(folder, 7n);
    const home = await knownHome(folder, '--state-file', state);
    const out = folder.join('out.json');
    const exported = ['state', 'export', '--home', home];
    expect((await cli([...exported, '--out', out])).exitCode).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(readFileSync(state, 'utf8'));
    expect((await cli(exported)).output).toBe(readFileSync(state, 'utf8'));
    expect((await cli([...exported, '--out', out])).notes).toContain('ERR_HOME_UNWRITABLE');
  });

  test('S11: recover and init take heights by name', async () => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    const recover = ['state', 'recover', '--home', home];
    expect((await cli([...recover, '--floor-height', '9'])).notes).toContain(
      'ERR_NOTHING_TO_RECOVER',
    );
    writeFileSync(`${home}/floor.mark`, 'x');
    const twice = [...recover, '--floor-height', '1', '--floor-height', '2'];
    expect((await cli(twice)).exitCode).toBe(2);
    expect((await cli([...recover, '--floor-height', 'chain-1=9'])).output).toContain('height 9');
    const init = ['state', 'init', '--home', home, '--floor-height', '9'];
    expect((await cli(init)).notes).toContain('ERR_FLOOR_EXISTS');
  });
});

describe('signer keys', () => {
  test('generate makes a key file that init takes, and never overwrites one', async () => {
    using folder = new ScratchFolder();
    const out = folder.join('key.json');
    const generate = ['keys', 'generate', '--out', out, '--json'];
    const { output } = await cli(generate);
    expect(JSON.parse(output)).toMatchObject({ file: out, address: expect.any(String) });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect((await cli(generate)).notes).toContain('ERR_KEY_FILE_EXISTS');
    const key = ['--key-file', out, '--floor-height', '0', '--chain-id', 'c'];
    expect((await cli(['init', '--home', folder.join('h'), ...NODE, ...key])).exitCode).toBe(0);
  });

  test('import turns a plain key file into an encrypted one, and back', async () => {
    using folder = new ScratchFolder();
    const passphrase = writeSecret(folder, 'pass', 'correct horse');
    const plain = writeKnownKey(folder);
    const sealed = folder.join('sealed.json');
    const back = folder.join('back.json');
    const seal = ['keys', 'import', plain, '--out', sealed, '--passphrase-file', passphrase];
    expect((await cli(seal)).exitCode).toBe(0);
    expect(readFileSync(sealed, 'utf8')).not.toContain('priv_key');
    const open = ['keys', 'import', sealed, '--out', back, '--from-passphrase-file', passphrase];
    expect((await cli(open)).exitCode).toBe(0);
    expect(readFileSync(back, 'utf8')).toBe(KNOWN_KEY_FILE);
  });

  test('S2, S35: import brings no new key into a home', async () => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    await cli(['keys', 'generate', '--out', folder.join('new.json')]);
    const { exitCode, notes } = await cli([
      'keys',
      'import',
      folder.join('new.json'),
      '--home',
      home,
    ]);
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_ANOTHER_KEY');
  });

  test('list shows files and formats', async () => {
    using folder = new ScratchFolder();
    const home = await knownHome(folder);
    const { output } = await cli(['keys', 'list', '--home', home, '--json']);
    expect(JSON.parse(output)).toMatchObject([
      { validator: 'chain-1', isEncrypted: false, keyFile: `${home}/keys/chain-1.json` },
    ]);
  });
});

test('S18: no command prints a secret, whatever becomes of it', async () => {
  using folder = new ScratchFolder();
  const passphrase = writeSecret(folder, 'pass', 'correct horse battery');
  const home = await knownHome(folder);
  const key = writeKnownKey(folder);
  const damaged = writeSecret(folder, 'damaged.json', KNOWN_KEY_FILE.replace('VWpD', 'VWpE'));
  const loose = writeSecret(folder, 'loose.json', KNOWN_KEY_FILE);
  chmodSync(loose, 0o644);
  const out = ['--out', folder.join('out.json')];
  const base = ['--home', folder.join('other'), '--chain-id', 'c', ...NODE, '--floor-height', '1'];
  const results = [
    await cli(['init', ...base, '--key-file', damaged, '--passphrase-file', passphrase]),
    await cli(['init', ...base, '--key-file', loose]),
    await cli(['init', ...base, '--key-file', key, '--passphrase-file', key, '--json']),
    await cli(['keys', 'import', key, ...out, '--passphrase-file', passphrase]),
    await cli(['keys', 'import', folder.join('out.json'), ...out]),
    await cli(['keys', 'show', '--home', home, '--json']),
    await cli(['keys', 'list', '--home', home, '--json']),
    await cli(['identity', 'show', '--home', home, '--json']),
    await cli(['state', 'import', key, '--home', home]),
    await cli(['validators', 'list', '--home', home, '--json']),
  ];
  expect(results.map(({ exitCode }) => exitCode)).toEqual([1, 1, 0, 0, 1, 0, 0, 0, 1, 0]);
  const said = results.map(({ output, notes }) => output + notes).join('\n');
  for (const secret of [...KNOWN_SECRET_TEXTS, 'correct horse']) expect(said).not.toContain(secret);
});

test('every exit code is explained', async () => {
  const { output } = await cli(['exit-codes']);
  expect(output.split('\n').map((line) => Number(line.trim().split(' ')[0]))).toEqual([
    0, 1, 2, 3, 70,
  ]);
});

test('every command has help, and those with arguments have examples', async () => {
  const commands = ['init', 'validators add', 'serve', 'keys generate', 'keys import', 'keys show'];
  commands.push('identity show', 'state import', 'state init', 'state recover', 'state export');
  for (const command of commands) {
    const { exitCode, output } = await cli([...command.split(' '), '--help']);
    expect(exitCode).toBe(0);
    expect(output, command).toMatch(/Examples:\n.*signer /s);
  }
});
