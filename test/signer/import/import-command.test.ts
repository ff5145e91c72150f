import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { readConfig } from '@privval/signer/config/config';
import { openHomeStore } from '@privval/signer/home/open-home-store';
import { planImport } from '@privval/signer/import/plan-import';
import { runImport } from '@privval/signer/import/run-import';
import { readTmkms } from '@privval/signer/import/tmkms';
import { describe, expect, test } from 'vitest';
import { FakeDevices } from '../../harness/fake-devices.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { type CliResult, cli } from '../cli/cli-runner.ts';
import { codeOf, KNOWN_KEY_FILE, knownPublicKey } from '../home/home-fixtures.ts';
import {
  cosignerHome,
  fingerprint,
  goldenKey,
  kmsHome,
  nodeHome,
  put,
  tmkmsHome,
  vector,
  vectorText,
  wholeKey,
} from './foreign-homes.ts';

const deps = { clock: systemClock, logger: silentLogger };

/** Secrets that must be seen nowhere. */
const SECRETS = ['trtkeWHRjA9v', 'Fp3Y1fpy2hMh'];

async function importInto(
  folder: ScratchFolder,
  ...args: readonly string[]
): Promise<CliResult & { readonly home: string }> {
  const home = folder.join('home');
  return { ...(await cli(['import', ...args, '--home', home])), home };
}

async function floors(home: string): Promise<readonly string[]> {
  await using opened = await openHomeStore(deps, { home, command: 'test' });
  return opened.store.validators().map(({ name }) => {
    const { height, round, step } = opened.store.floor(name);
    return `${name} ${height}/${round}/${step}`;
  });
}

/** Each signer's golden home, and the flags it needs. */
const SIGNERS: readonly [string, (folder: ScratchFolder) => readonly string[]][] = [
  ['tmkms', (folder) => ['tmkms', tmkmsHome(folder)]],
  [
    'horcrux',
    (folder) => [
      'horcrux',
      cosignerHome(folder),
      '--cosigner',
      cosignerHome(folder, 'cosigner-2'),
      '--key-file',
      wholeKey(folder),
    ],
  ],
  ['kms', (folder) => ['kms', kmsHome(folder)]],
  ['filepv', (folder) => ['filepv', nodeHome(folder)]],
];

describe.each(SIGNERS)('signer import %s', (_name, layOut) => {
  test('S2, S3: makes a home whose floor is where the other signer stood', async () => {
    using folder = new ScratchFolder();
    const { exitCode, home, output, notes } = await importInto(folder, ...layOut(folder));
    expect(notes).not.toContain('error');
    expect(exitCode).toBe(0);
    expect(await floors(home)).toEqual(['golden-1 41/3/precommit']);
    const { validators } = readConfig(home, { environment: {} });
    expect(validators).toMatchObject([{ name: 'golden-1', chainId: 'golden-1' }]);
    expect(output).toContain('floor       height 41 round 3 precommit: nothing up to there');
    expect(notes).toContain('must never sign with this key again');
  });

  test('prints the plan first, and with --dry-run does no more', async () => {
    using folder = new ScratchFolder();
    const args = layOut(folder);
    const dry = await importInto(folder, ...args, '--dry-run');
    expect(dry).toMatchObject({ exitCode: 0, notes: '' });
    expect(existsSync(dry.home)).toBe(false);
    const real = await importInto(folder, ...args);
    const plan = dry.output.slice(0, dry.output.indexOf('\nNothing was done'));
    expect(plan).toContain('signed      height 41 round 3 precommit');
    expect(real.output.startsWith(plan)).toBe(true);
  });

  test("leaves the other signer's files exactly as they are", async () => {
    using folder = new ScratchFolder();
    const args = layOut(folder);
    const before = fingerprint(folder.path);
    const { home } = await importInto(folder, ...args);
    rmSync(home, { recursive: true });
    expect(fingerprint(folder.path)).toEqual(before);
  });

  test('S18: shows the key nowhere, and --json is one JSON text', async () => {
    using folder = new ScratchFolder();
    const { output, notes } = await importInto(folder, ...layOut(folder), '--json');
    expect(JSON.parse(output)).toMatchObject({
      dryRun: false,
      plan: {
        isNewHome: true,
        validators: [{ validator: 'golden-1', floor: { height: '41', round: 3, step: 3 } }],
      },
      imported: [{ validator: 'golden-1', floor: { height: '41', round: 3, step: 3 } }],
    });
    for (const secret of SECRETS) expect(`${output}${notes}`).not.toContain(secret);
  });

  test('S1: a second import of the same key is refused, and nothing changes', async () => {
    using folder = new ScratchFolder();
    const args = layOut(folder);
    const { home } = await importInto(folder, ...args);
    const before = readFileSync(`${home}/signer.toml`, 'utf8');
    const again = await importInto(folder, ...args);
    expect(again.notes).toContain('ERR_DUPLICATE_VALIDATOR');
    const renamed = await importInto(folder, ...args, '--validator', 'second');
    expect(renamed.notes).toContain('two floors for one key');
    const dry = await importInto(folder, ...args, '--validator', 'second', '--dry-run');
    expect(dry.notes).toContain('ERR_DUPLICATE_VALIDATOR');
    expect(readFileSync(`${home}/signer.toml`, 'utf8')).toBe(before);
  });

  test('S4: a height below the state lowers nothing, one above it raises', async () => {
    using folder = new ScratchFolder();
    const args = layOut(folder);
    const low = await importInto(folder, ...args, '--floor-height', '40');
    expect(await floors(low.home)).toEqual(['golden-1 41/3/precommit']);
    rmSync(low.home, { recursive: true });
    const high = await importInto(folder, ...args, '--floor-height', '41');
    expect(await floors(high.home)).toEqual(['golden-1 41/2147483647/precommit']);
  });

  test('a home that is served is not touched', async () => {
    using folder = new ScratchFolder();
    const home = folder.join('home');
    const node = ['--node', 'tcp://127.0.0.1:1'];
    await cli(['init', '--home', home, '--chain-id', 'there-1', ...node]);
    await using _held = await openHomeStore(deps, { home, command: 'signer serve' });
    const { exitCode, notes } = await importInto(folder, ...layOut(folder));
    expect(exitCode).toBe(3);
    expect(notes).toContain('ERR_HOME_LOCKED');
  });

  test('joins the validators of a home that is there', async () => {
    using folder = new ScratchFolder();
    const home = folder.join('home');
    const node = ['--node', 'tcp://127.0.0.1:1'];
    await cli(['init', '--home', home, '--chain-id', 'there-1', ...node]);
    const { output } = await importInto(folder, ...layOut(folder), '--validator', 'moved');
    expect(output).toContain(`into        the home: ${home}`);
    expect(await floors(home)).toEqual(['moved 41/3/precommit', 'there-1 0/0/none']);
  });
});

describe('what is known of the key', () => {
  const WITHOUT: readonly [string, (folder: ScratchFolder) => readonly string[]][] = [
    ['tmkms', (folder) => ['tmkms', tmkmsHome(folder, { state: null })]],
    ['kms', (folder) => ['kms', kmsHome(folder, { state: null })]],
    ['filepv', (folder) => ['filepv', nodeHome(folder, { state: null })]],
    [
      'horcrux',
      (folder) => [
        'horcrux',
        cosignerHome(folder, 'cosigner-1', {}),
        '--chain-id',
        'golden-1',
        '--key-file',
        wholeKey(folder),
      ],
    ],
  ];

  test.each(WITHOUT)(
    'S2: %s without any state is refused unless a height is given',
    async (name, layOut) => {
      using folder = new ScratchFolder();
      const args = layOut(folder);
      if (name === 'horcrux')
        put(folder, 'cosigner-1/golden-1_shard.json', vector('horcrux/shard.json'));
      const refused = await importInto(folder, ...args);
      expect(refused.exitCode).toBe(2);
      expect(refused.notes).toContain('ERR_IMPORT_NO_STATE');
      expect(existsSync(refused.home)).toBe(false);
      const { home, output } = await importInto(folder, ...args, '--floor-height', '77');
      expect(await floors(home)).toEqual(['golden-1 77/2147483647/precommit']);
      expect(output).toContain('signed      no file (');
    },
  );

  test('the highest of all states counts, of whatever form they are', async () => {
    using folder = new ScratchFolder();
    const home = tmkmsHome(folder, { state: 'tmkms/proposal.json' });
    const more = put(folder, 'older.json', '{"height":"12","round":"0","step":2,"block_id":null}');
    const most = put(folder, 'newer.json', '{"height":"44","round":1,"step":2}');
    const { home: made } = await importInto(
      folder,
      'tmkms',
      home,
      ...['--state-file', more, '--state-file', most],
    );
    expect(await floors(made)).toEqual(['golden-1 44/1/prevote']);
  });

  test('S3: a state of another chain, or of another key, is refused', async () => {
    using folder = new ScratchFolder();
    const node = nodeHome(folder);
    put(folder, 'node/config/genesis.json', '{"chain_id":"other-1"}');
    expect((await importInto(folder, 'filepv', node)).notes).toContain('ERR_STATE_FILE_FOREIGN');
    put(folder, 'node/config/genesis.json', '{"chain_id":"golden-1"}');
    put(folder, 'node/config/priv_validator_key.json', KNOWN_KEY_FILE);
    const { notes, home } = await importInto(folder, 'filepv', node);
    expect(notes).toContain('not one by this key (ERR_STATE_FILE_FOREIGN)');
    expect(existsSync(home)).toBe(false);
  });

  test('S12: an export marked stale is refused unless a height comes with it', async () => {
    using folder = new ScratchFolder();
    const stale = vectorText('filepv/precommit.json').replace(/\n\}$/, ',\n  "stale": "yes"\n}');
    const node = nodeHome(folder, { state: null });
    put(folder, 'node/data/priv_validator_state.json', stale);
    const refused = await importInto(folder, 'filepv', node);
    expect(refused.notes).toContain('ERR_STATE_FILE_STALE');
    expect(existsSync(refused.home)).toBe(false);
    const { home } = await importInto(folder, 'filepv', node, '--floor-height', '60');
    expect(await floors(home)).toEqual(['golden-1 60/2147483647/precommit']);
  });

  test('a damaged state is refused, and left out only where a height is given', async () => {
    using folder = new ScratchFolder();
    const kms = kmsHome(folder, { state: null });
    const damaged = put(folder, 'kms/state/golden-1.json', '{}');
    expect((await importInto(folder, 'kms', kms)).notes).toContain('ERR_STATE_FILE_MALFORMED');
    const { home, output } = await importInto(folder, 'kms', kms, '--floor-height', '9');
    expect(output).toContain(`${damaged} cannot be read and does not count`);
    expect(await floors(home)).toEqual(['golden-1 9/2147483647/precommit']);
  });

  test('a state at height 0 is taken, and doubted', async () => {
    using folder = new ScratchFolder();
    const tmkms = tmkmsHome(folder, { state: 'tmkms/initial.json' });
    const { home, output } = await importInto(folder, 'tmkms', tmkms);
    expect(output).toContain('note        the state says that this key never signed');
    expect(await floors(home)).toEqual(['golden-1 0/0/none']);
  });
});

describe('the cosigners of horcrux', () => {
  test('S2: one of three with a threshold of two does not know what was signed', async () => {
    using folder = new ScratchFolder();
    const args = ['horcrux', cosignerHome(folder), '--key-file', wholeKey(folder)];
    const { exitCode, notes, home } = await importInto(folder, ...args);
    expect(exitCode).toBe(2);
    expect(notes).toContain('ERR_IMPORT_NO_STATE');
    expect(notes).toContain('1 of 3 cosigners is here');
    expect(existsSync(home)).toBe(false);
  });

  test('S2: the same cosigner named twice is one', async () => {
    using folder = new ScratchFolder();
    const cosigner = cosignerHome(folder);
    const args = ['horcrux', cosigner, '--cosigner', cosigner, '--key-file', wholeKey(folder)];
    expect((await importInto(folder, ...args)).notes).toContain('ERR_IMPORT_NO_STATE');
  });

  test('the highest of their states counts', async () => {
    using folder = new ScratchFolder();
    const args = ['horcrux', cosignerHome(folder), '--key-file', wholeKey(folder)];
    const ahead = { share: 'horcrux/imported.json' };
    const { home } = await importInto(
      folder,
      ...args,
      ...['--cosigner', cosignerHome(folder, 'cosigner-2', ahead)],
    );
    expect(await floors(home)).toEqual(['golden-1 361402/0/precommit']);
  });

  test('without the key that was sharded the refusal says how', async () => {
    using folder = new ScratchFolder();
    const { notes } = await importInto(folder, 'horcrux', cosignerHome(folder));
    expect(notes).toContain('ERR_IMPORT_KEY_UNUSABLE');
    expect(notes).toContain('priv_validator_key.json that was sharded, with --key-file');
  });

  test('another key than the one that was sharded is refused', async () => {
    using folder = new ScratchFolder();
    const cosigner = cosignerHome(folder);
    put(folder, 'cosigner-1/golden-1_shard.json', vector('horcrux/shard.json'));
    const other = put(folder, 'other.json', KNOWN_KEY_FILE);
    const { notes } = await importInto(folder, 'horcrux', cosigner, '--key-file', other);
    expect(notes).toContain('ERR_IMPORT_ANOTHER_KEY');
  });

  test('single mode brings its key and state along', async () => {
    using folder = new ScratchFolder();
    put(folder, 'single/config.yaml', vectorText('horcrux/config-single.yaml'));
    put(
      folder,
      'single/golden-1_priv_validator_key.json',
      vector('filepv/priv_validator_key.json'),
    );
    put(folder, 'single/state/golden-1_priv_validator_state.json', vector('filepv/precommit.json'));
    const { home } = await importInto(folder, 'horcrux', folder.join('single'));
    expect(await floors(home)).toEqual(['golden-1 41/3/precommit']);
  });

  test('two chains are imported one at a time, each with its nodes', async () => {
    using folder = new ScratchFolder();
    const key = vector('filepv/priv_validator_key.json');
    put(folder, 'single/config.yaml', vectorText('horcrux/config-single.yaml'));
    put(folder, 'single/golden-1_priv_validator_key.json', key);
    put(folder, 'single/other-1_priv_validator_key.json', KNOWN_KEY_FILE);
    const all = await importInto(folder, 'horcrux', folder.join('single'));
    expect(all.notes).toContain('ERR_IMPORT_CHOOSE_CHAIN');
    const one = ['horcrux', folder.join('single'), '--chain-id', 'other-1', '--floor-height', '5'];
    expect((await importInto(folder, ...one)).notes).toContain('ERR_IMPORT_CONFIG');
    const { home } = await importInto(folder, ...one, '--node', 'tcp://10.0.0.9:1234');
    expect(await floors(home)).toEqual(['other-1 5/2147483647/precommit']);
  });
});

describe('the key', () => {
  test('is encrypted at rest with --passphrase-file', async () => {
    using folder = new ScratchFolder();
    const pass = put(folder, 'pass', 'correct horse\n');
    const args = ['tmkms', tmkmsHome(folder), '--passphrase-file', pass];
    const { home, output } = await importInto(folder, ...args);
    expect(output).toContain('(encrypted)');
    expect(readFileSync(`${home}/keys/golden-1.json`, 'utf8')).not.toContain('priv_key');
  });

  test('of a YubiHSM stays there, and serves under the floor of the state', async () => {
    using folder = new ScratchFolder();
    const config = vectorText('tmkms/yubihsm.toml');
    const tmkms = tmkmsHome(folder, { config, state: null });
    put(folder, 'tmkms/golden-1_priv_validator_state.json', vector('tmkms/prevote-nil.json'));
    const devices = new FakeDevices();
    devices.put(
      {
        kind: 'yubihsm',
        connector: 'http://127.0.0.1:12346',
        authKeyId: 4,
        passwordFile: folder.join('tmkms/secrets/yubihsm-password.txt'),
        objectId: 100,
        serial: '0007550140',
      },
      new Uint8Array(32).fill(7),
    );
    const home = folder.join('home');
    const args = ['import', 'tmkms', tmkms, '--home', home];
    const { exitCode, output, notes } = await cli(args, undefined, devices.open);
    expect(notes).not.toContain('error');
    expect(exitCode).toBe(0);
    expect(output).toContain('key         yubihsm http://127.0.0.1:12346 key 0x0064: it stays');
    expect(await floors(home)).toEqual(['golden-1 41/2/prevote']);
    const [validator] = readConfig(home, { environment: {} }).validators;
    expect(validator?.providers).toMatchObject([
      { kind: 'yubihsm', authKeyId: 4, objectId: 100, serial: '0007550140' },
    ]);
  });

  test.each([
    ['of 64 bytes', 64],
    ['of 96 bytes', 96],
  ])('of tmkms that was expanded, %s, is refused with the way out', async (_what, length) => {
    using folder = new ScratchFolder();
    const tmkms = tmkmsHome(folder);
    const text = Buffer.alloc(length, 5).toString('base64');
    put(folder, 'tmkms/secrets/golden-1-consensus.key', `${text}\n`);
    const { notes } = await importInto(folder, 'tmkms', tmkms);
    expect(notes).toContain('ERR_IMPORT_KEY_UNUSABLE');
    expect(notes).toContain('Import the original');
  });

  test('of cosmos kms may be 64 bytes in base64, whose halves belong together', async () => {
    using folder = new ScratchFolder();
    const kms = kmsHome(folder);
    const { value } = JSON.parse(vectorText('filepv/priv_validator_key.json')).priv_key;
    put(folder, 'kms/priv_validator_key.json', `${value}\n`);
    expect((await importInto(folder, 'kms', kms)).exitCode).toBe(0);
    rmSync(folder.join('home'), { recursive: true });
    const bytes = Buffer.from(value, 'base64');
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    put(folder, 'kms/priv_validator_key.json', bytes.toString('base64'));
    expect((await importInto(folder, 'kms', kms)).notes).toContain('ERR_KEY_FILE_MISMATCH');
  });

  test('that others can read is refused, as everywhere', async () => {
    using folder = new ScratchFolder();
    const tmkms = tmkmsHome(folder);
    writeFileSync(folder.join('tmkms/loose.key'), vector('tmkms/consensus.key'), { mode: 0o644 });
    const config = vectorText('tmkms/tmkms.toml').replace(
      'secrets/golden-1-consensus.key',
      'loose.key',
    );
    put(folder, 'tmkms/tmkms.toml', config);
    expect((await importInto(folder, 'tmkms', tmkms)).notes).toContain(
      'ERR_SECRET_FILE_PERMISSIONS',
    );
  });
});

describe('a signer that still runs', () => {
  test('is not imported: it runs in the folder', async () => {
    using folder = new ScratchFolder();
    const tmkms = tmkmsHome(folder);
    await using _process = await running(tmkms, 'tmkms');
    const { exitCode, notes, output, home } = await importInto(folder, 'tmkms', tmkms);
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_IMPORT_SIGNER_RUNNING');
    expect(output).toContain('signed      height 41');
    expect(existsSync(home)).toBe(false);
    const dry = await importInto(folder, 'tmkms', tmkms, '--dry-run');
    expect(dry).toMatchObject({ exitCode: 0 });
    expect(dry.notes).toContain('it has to be stopped first');
  });

  test('is warned about when it runs somewhere else', async () => {
    using folder = new ScratchFolder();
    const tmkms = tmkmsHome(folder);
    using elsewhere = new ScratchFolder();
    await using _process = await running(elsewhere.path, 'tmkms');
    const { exitCode, notes } = await importInto(folder, 'tmkms', tmkms);
    expect(notes).toContain('a tmkms runs on this machine');
    expect(exitCode).toBe(0);
  });

  test('is not imported: its state moves while it is imported', async () => {
    using folder = new ScratchFolder();
    const setup = await readTmkms(tmkmsHome(folder, { state: 'tmkms/proposal.json' }), {});
    const plan = await planImport(deps, setup, { home: folder.join('home') });
    put(folder, 'tmkms/state/golden-1-consensus.json', vector('tmkms/precommit.json'));
    const onMade = (): void => undefined;
    expect(await codeOf(() => runImport(deps, plan, { onMade }))).toBe('ERR_IMPORT_SIGNER_RUNNING');
    expect(existsSync(folder.join('home'))).toBe(false);
  });

  test('is not imported: a node has its data open', async () => {
    using folder = new ScratchFolder();
    const node = nodeHome(folder);
    await using _process = await running('/', 'gaiad', folder.join('node/data/state.db'));
    const { notes } = await importInto(folder, 'filepv', node);
    expect(notes).toContain('ERR_IMPORT_SIGNER_RUNNING');
    expect(notes).toContain('the node runs');
  });
});

describe('flags', () => {
  test('--node and --chain-id complete what a lone key file does not say', async () => {
    using folder = new ScratchFolder();
    const key = wholeKey(folder);
    put(folder, 'priv_validator_state.json', vector('filepv/prevote-nil.json'));
    expect((await importInto(folder, 'filepv', key)).notes).toContain('give --chain-id');
    const chain = ['--chain-id', 'golden-1'];
    const without = await importInto(folder, 'filepv', key, ...chain);
    expect(without).toMatchObject({ exitCode: 2 });
    expect(without.notes).toContain('--node');
    const node = ['--node', 'unix:///run/node/privval.sock'];
    const { home } = await importInto(folder, 'filepv', key, ...chain, ...node);
    expect(await floors(home)).toEqual(['golden-1 41/2/prevote']);
    expect(readFileSync(`${home}/signer.toml`, 'utf8')).toContain('unix:///run/node/privval.sock');
    expect((await goldenKey()).bytes).not.toEqual(knownPublicKey().bytes);
  });

  test('what is about one chain is refused where there are two', async () => {
    using folder = new ScratchFolder();
    const config = vectorText('kms/kms.yaml')
      .replace('validators:', '  - id: other-1\nvalidators:')
      .replace('[golden-1]', '[golden-1, other-1]');
    const kms = kmsHome(folder, { config: `${config}` });
    const { exitCode, notes } = await importInto(folder, 'kms', kms, '--floor-height', '5');
    expect(exitCode).toBe(2);
    expect(notes).toContain('--floor-height is about one chain');
  });

  test('one key on two chains becomes two validators, each with its own floor', async () => {
    using folder = new ScratchFolder();
    const config = vectorText('tmkms/tmkms.toml').replaceAll(
      'chain_ids = ["golden-1"]\nkey_type = "consensus"',
      'chain_ids = ["golden-1", "other-1"]\nkey_type = "consensus"',
    );
    const more = `
[[chain]]
id = "other-1"
key_format = { type = "hex" }
[[validator]]
chain_id = "other-1"
addr = "tcp://10.0.0.7:26658"
`;
    const tmkms = tmkmsHome(folder, { config: config + more });
    put(folder, 'tmkms/other-1_priv_validator_state.json', vector('tmkms/proposal.json'));
    const { home } = await importInto(folder, 'tmkms', tmkms);
    expect(await floors(home)).toEqual(['golden-1 41/3/precommit', 'other-1 41/2/propose']);
  });
});

/** A process that is called `program`, works in `folder` and may have a file open. */
async function running(
  folder: string,
  program: string,
  openFile?: string,
): Promise<AsyncDisposable> {
  const file = openFile === undefined ? [] : [openSync(openFile, 'w')];
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e6)'], {
    argv0: program,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore', ...file],
  });
  for (const descriptor of file) closeSync(descriptor);
  await once(child.stdout ?? child, 'data');
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
