import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeDevices } from '../../harness/fake-devices.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { KNOWN_SECRET_TEXTS, MadeHome, writeKnownKey, writeSecret } from '../home/home-fixtures.ts';
import { cli } from './cli-runner.ts';
import { BIN, SignerCommand } from './signer-command.ts';

const NODE_BIN = join(import.meta.dirname, '../../../node_modules/.bin');

describe('S17: the inspector', () => {
  test.each([
    ['NODE_OPTIONS', {}, { NODE_OPTIONS: '--inspect=127.0.0.1:0' }],
    ['NODE_OPTIONS, with an underscore', {}, { NODE_OPTIONS: '--inspect_brk=127.0.0.1:0' }],
    ['a flag', { command: [process.execPath, '--inspect=127.0.0.1:0', BIN] as const }, {}],
  ])('is refused when %s asks for it', async (_how, options, environment) => {
    await using run = new SignerCommand(['version'], { ...options, environment });
    expect(await run.ended()).toBe(1);
    expect(run.stderr).toContain('ERR_INSPECTOR');
    expect(run.stdout).toBe('');
  });

  test.each([
    ['the command', undefined],
    ['node on its file, as a test or a tool may start it', [process.execPath, BIN] as const],
  ])('is not opened by SIGUSR1 in a signer started by %s', async (_how, command) => {
    using made = await MadeHome.create();
    const options = command === undefined ? {} : { command };
    await using run = new SignerCommand(['serve', '--home', made.home], options);
    await run.says('"serving"');
    run.child.kill('SIGUSR1');
    // It has read the signal by the time it has answered a question that came after it.
    expect((await cli(['state', 'show', '--home', made.home])).exitCode).toBe(0);
    run.child.kill('SIGTERM');
    expect(await run.ended()).toBe(0);
    expect(run.stderr).not.toContain('Debugger listening');
  });
});

describe('signer serve', () => {
  test('is one process, answers on admin.sock as the home itself does, and ends with 0 on SIGTERM', async () => {
    using made = await MadeHome.create({ floorHeight: 12n });
    const show = ['state', 'show', '--home', made.home, '--json'];
    const offline = await cli(show);
    await using run = new SignerCommand(['serve', '--home', made.home]);
    await run.says('"serving"');
    expect(JSON.parse(readFileSync(made.join('home.lock.holder'), 'utf8')).pid).toBe(run.child.pid);
    expect(await cli(show)).toEqual(offline);
    expect(statSync(made.join('admin.sock')).mode & 0o777).toBe(0o600);
    const exported = await cli(['state', 'export', '--home', made.home]);
    expect(JSON.parse(exported.output).stale).toBeDefined();
    expect((await cli(['status', '--home', made.home])).output).toContain('in service');
    run.child.kill('SIGTERM');
    expect(await run.ended()).toBe(0);
    expect(readdirSync(made.home)).not.toContain('admin.sock');
    for (const line of run.stderr.trim().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({
        level: expect.any(String),
        msg: expect.any(String),
      });
    }
  });

  test('S15: a command that needs the home for itself is told who has it, and exits 3', async () => {
    using made = await MadeHome.create();
    await using run = new SignerCommand(['serve', '--home', made.home]);
    await run.says('"serving"');
    const node = ['--node', 'tcp://127.0.0.1:1'];
    const add = ['validators', 'add', 'x', '--home', made.home, '--chain-id', 'c', ...node];
    const { exitCode, notes } = await cli(add);
    expect(exitCode).toBe(3);
    expect(notes).toContain(`signer serve (process ${run.child.pid}`);
  });

  test.each([
    [
      'a missing key file',
      (made: MadeHome) => rmSync(made.join('keys', 'main.json')),
      'ERR_SECRET_FILE_UNREADABLE',
    ],
    [
      'a key file others can read',
      (made: MadeHome) => chmodSync(made.join('keys', 'main.json'), 0o644),
      'ERR_SECRET_FILE_PERMISSIONS',
    ],
    [
      'S35: another key',
      (made: MadeHome) => copyFileSync(writeKnownKey(made.folder), made.join('keys', 'main.json')),
      'ERR_ANOTHER_KEY',
    ],
    [
      'S35: another chain',
      (made: MadeHome) =>
        replaceIn(made.join('signer.toml'), 'chain_id = "chain-1"', 'chain_id = "chain-2"'),
      'ERR_CONFIG_BINDING',
    ],
    [
      'a typo',
      (made: MadeHome) => replaceIn(made.join('signer.toml'), 'chain_id', 'chian_id'),
      'ERR_CONFIG_UNKNOWN_KEY',
    ],
    [
      'a lost floor',
      (made: MadeHome) => copyFileSync('/dev/null', made.join('floor.db')),
      'ERR_FLOOR_DAMAGED',
    ],
    [
      'a lost mark',
      (made: MadeHome) => writeFileSync(made.join('floor.mark'), ''),
      'ERR_FLOOR_MARK_DAMAGED',
    ],
  ])('S26: ends at once with 1 for %s, with a code and no stack', async (_what, damage, code) => {
    using made = await MadeHome.create();
    damage(made);
    await using run = new SignerCommand(['serve', '--home', made.home]);
    expect(await run.ended()).toBe(1);
    const errors = run.stderr.split('\n').filter((line) => !line.startsWith('{'));
    expect(errors.join('\n')).toContain(code);
    expect(errors.join('\n')).not.toMatch(/^\s+at /m);
  });

  test('S26: waits for a device that is not there, says so, and ends with 0 on SIGTERM meanwhile', async () => {
    using folder = new ScratchFolder();
    const home = await deviceHome(folder);
    await using run = new SignerCommand(['serve', '--home', home]);
    await run.says('this provider is out of service');
    expect(run.stderr).toContain('ERR_YUBIHSM_CONNECTOR_UNREACHABLE');
    run.child.kill('SIGTERM');
    expect(await run.ended()).toBe(0);
    expect(run.stderr).toContain('"stopped"');
    // The home is free.
    const { exitCode } = await cli(['state', 'show', '--home', home]);
    expect(exitCode).toBe(0);
  });

  test('S26: ends at once with 1 when the password of its device cannot be read', async () => {
    using folder = new ScratchFolder();
    const home = await deviceHome(folder);
    rmSync(folder.join('validator.pass'));
    await using run = new SignerCommand(['serve', '--home', home]);
    expect(await run.ended()).toBe(1);
    expect(run.stderr).toContain('ERR_SECRET_FILE_UNREADABLE');
    expect(run.stderr).not.toMatch(/^\s+at /m);
  });

  test('S18: has no secret in its log at any level', async () => {
    using made = await MadeHome.create({ nodes: ['tcp://127.0.0.1:1'] });
    using folder = new ScratchFolder();
    const home = folder.join('home');
    const key = ['--key-file', writeKnownKey(folder), '--floor-height', '1'];
    await cli(['init', '--home', home, '--chain-id', 'c', '--node', 'tcp://127.0.0.1:1', ...key]);
    await using run = new SignerCommand(['serve', '--home', home, '--log-level', 'debug']);
    await run.says('no connection to the node');
    run.child.kill('SIGTERM');
    await run.ended();
    for (const secret of KNOWN_SECRET_TEXTS) expect(run.stderr).not.toContain(secret);
    expect(made.made.isExistingKey).toBe(false);
  });
});

describe('S19: the compile cache', () => {
  test('is a folder of mode 0700 of ours', async () => {
    using cache = new ScratchFolder();
    const environment = { XDG_CACHE_HOME: cache.path };
    await using run = new SignerCommand(['version'], { environment });
    expect(await run.ended()).toBe(0);
    expect(statSync(cache.join('privval')).mode & 0o777).toBe(0o700);
    expect(readdirSync(cache.join('privval'))).not.toEqual([]);
  });

  test.each([
    ['that others can write', 0o700, 0o777],
    ['in a folder where others can rename it', 0o777, 0o700],
  ])('is not used in a folder %s', async (_what, parentMode, mode) => {
    using cache = new ScratchFolder();
    mkdirSync(cache.join('privval'));
    chmodSync(cache.join('privval'), mode);
    chmodSync(cache.path, parentMode);
    const environment = { XDG_CACHE_HOME: cache.path, NODE_COMPILE_CACHE: cache.join('privval') };
    await using run = new SignerCommand(['version'], { environment });
    expect(await run.ended()).toBe(0);
    expect(readdirSync(cache.join('privval'))).toEqual([]);
  });
});

test('an old Node is told which version is needed', async () => {
  using folder = new ScratchFolder();
  mkdirSync(folder.join('signer/cli'), { recursive: true });
  copyFileSync(BIN, folder.join('signer/cli/bin.js'));
  writeFileSync(folder.join('node'), '#!/bin/sh\necho v20.20.2\n', { mode: 0o755 });
  const environment = { PATH: `${folder.path}:${process.env['PATH']}` };
  const command = [folder.join('signer/cli/bin.js')];
  await using run = new SignerCommand(['version'], { command, environment });
  expect(await run.ended()).toBe(1);
  expect(run.stderr).toMatch(
    /Node\.js 24 or newer is needed; .* is v20\.20\.2 \(ERR_NODE_VERSION\)/,
  );
});

test('the command works from any folder, by its link, without a warning', async () => {
  using folder = new ScratchFolder();
  const command = ['env', '-C', folder.path, join(NODE_BIN, 'signer')];
  await using run = new SignerCommand(['version', '--json'], { command });
  expect(await run.ended()).toBe(0);
  expect(JSON.parse(run.stdout)).toMatchObject({ version: expect.any(String) });
  expect(run.stderr).toBe('');
});

/** A home whose key is in a YubiHSM behind a port where nobody listens. @returns its path */
async function deviceHome(folder: ScratchFolder): Promise<string> {
  const home = folder.join('home');
  const passwordFile = writeSecret(folder, 'validator.pass', 'password');
  const connector = 'http://127.0.0.1:1';
  const place = ['--provider', 'yubihsm', '--connector', connector, '--auth-key', '4'];
  const where = ['--home', home, '--chain-id', 'c', '--node', 'tcp://127.0.0.1:1'];
  const flags = [...where, ...place, '--password-file', passwordFile, '--generate'];
  const { exitCode } = await cli(['init', ...flags], undefined, new FakeDevices().open);
  expect(exitCode).toBe(0);
  return home;
}

function replaceIn(path: string, from: string, to: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
}
