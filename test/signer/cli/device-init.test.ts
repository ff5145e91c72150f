import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { DeviceProviderOptions } from '@privval/signer/keyring/provider-options';
import { describe, expect, test } from 'vitest';
import { FakeDevices } from '../../harness/fake-devices.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import {
  knownPublicKey,
  writeKnownKey,
  writeKnownState,
  writeSecret,
} from '../home/home-fixtures.ts';
import { cli } from './cli-runner.ts';

const NODE = ['--node', 'tcp://127.0.0.1:26659'];
const CONNECTOR = 'http://127.0.0.1:12345';

/** The seed of the known key, whose state files the fixtures make. */
const KNOWN_SEED = new Uint8Array(createHash('sha256').update("it's a secret").digest());

/** A folder, its devices, and commands in it. */
class Bench implements Disposable {
  readonly folder = new ScratchFolder();
  readonly devices = new FakeDevices();
  readonly home = this.folder.join('home');
  readonly passwordFile = writeSecret(this.folder, 'validator.pass', 'a good password');
  readonly pinFile = writeSecret(this.folder, 'pin', '1234');

  get yubihsm(): string[] {
    const { passwordFile } = this;
    return [
      '--provider',
      'yubihsm',
      '--connector',
      CONNECTOR,
      '--auth-key',
      '4',
      '--password-file',
      passwordFile,
    ];
  }

  get pkcs11(): string[] {
    const { pinFile } = this;
    return [
      '--provider',
      'pkcs11',
      '--module',
      '/lib/module.so',
      '--token',
      'validator',
      '--pin-file',
      pinFile,
    ];
  }

  /** The known key, in the YubiHSM as 0x0064 and in the token as "consensus". */
  putKnownKey(objectId = 0x64): void {
    const { passwordFile, pinFile } = this;
    const place = { kind: 'yubihsm', connector: CONNECTOR, authKeyId: 4, passwordFile } as const;
    this.devices.put({ ...place, objectId }, KNOWN_SEED);
    const token = {
      kind: 'pkcs11',
      module: '/lib/module.so',
      token: 'validator',
      pinFile,
    } as const;
    this.devices.put({ ...token, key: { label: 'consensus' } }, KNOWN_SEED);
  }

  run(...args: readonly string[]) {
    return cli(args, undefined, this.devices.open);
  }

  init(...args: readonly string[]) {
    return this.run('init', '--home', this.home, '--chain-id', 'chain-1', ...NODE, ...args);
  }

  config(): string {
    return readFileSync(this.folder.join('home', 'signer.toml'), 'utf8');
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

describe('S2: a key that is in a device already', () => {
  test.each([
    ['yubihsm', (bench: Bench) => [...bench.yubihsm, '--object-id', '100']],
    ['pkcs11', (bench: Bench) => [...bench.pkcs11, '--key-label', 'consensus']],
  ])('%s: the advice is about the device, not about a key file', async (_kind, flags) => {
    using bench = new Bench();
    bench.putKnownKey();
    const { notes } = await bench.init(...flags(bench), '--floor-height', '9');
    expect(notes).toContain('whatever else signs with it');
    expect(notes).not.toContain('key file');
  });

  test.each([
    ['yubihsm', (bench: Bench) => [...bench.yubihsm, '--object-id', '100']],
    ['pkcs11', (bench: Bench) => [...bench.pkcs11, '--key-label', 'consensus']],
  ])(
    '%s: needs --state-file or --floor-height; without, nothing is written or asked',
    async (_kind, flags) => {
      using bench = new Bench();
      bench.putKnownKey();
      const { exitCode, notes } = await bench.init(...flags(bench));
      expect(exitCode).toBe(2);
      expect(notes).toContain('ERR_FLOOR_REQUIRED');
      expect(existsSync(bench.home)).toBe(false);
      expect(bench.devices.asked).toEqual([]);
    },
  );

  test.each<[string, (bench: Bench) => string[], string]>([
    ['a height', () => ['--floor-height', '9'], 'everything at height 9 and below'],
    [
      'a state file',
      ({ folder }) => ['--state-file', writeKnownState(folder, 7n)],
      'height 7 round 0 precommit',
    ],
    [
      'both, the state file higher',
      ({ folder }) => ['--state-file', writeKnownState(folder, 7n), '--floor-height', '3'],
      'height 7 round 0 precommit',
    ],
    [
      'both, the height higher',
      ({ folder }) => ['--state-file', writeKnownState(folder, 7n), '--floor-height', '9'],
      'everything at height 9 and below',
    ],
  ])('comes with %s, and its floor is the maximum', async (_what, floor, expected) => {
    using bench = new Bench();
    bench.putKnownKey();
    const { exitCode, output, notes } = await bench.init(
      ...bench.yubihsm,
      '--object-id',
      '0x64',
      ...floor(bench),
    );
    expect(notes).toContain('must never run again');
    expect(exitCode).toBe(0);
    expect(output).toContain(expected);
    expect(output).toContain('there already, yubihsm http://127.0.0.1:12345 key 0x0064');
    const show = await bench.run('keys', 'show', '--home', bench.home, '--format', 'hex');
    expect(show.output).toBe(Buffer.from(knownPublicKey().bytes).toString('hex'));
  });

  test('S3: a state file of another key is refused, and nothing is written', async () => {
    using bench = new Bench();
    const place = {
      kind: 'yubihsm',
      connector: CONNECTOR,
      authKeyId: 4,
      passwordFile: bench.passwordFile,
      objectId: 1,
    } as const;
    bench.devices.put(place, new Uint8Array(32).fill(9));
    const state = writeKnownState(bench.folder, 7n);
    const { exitCode, notes } = await bench.init(
      ...bench.yubihsm,
      '--object-id',
      '1',
      '--state-file',
      state,
    );
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_STATE_FILE_FOREIGN');
    expect(existsSync(bench.home)).toBe(false);
  });

  test('S1: is refused under a second name on its chain, by whichever provider it comes', async () => {
    using bench = new Bench();
    bench.putKnownKey();
    await bench.init(...bench.yubihsm, '--object-id', '0x64', '--floor-height', '9');
    const before = bench.config();
    const again: string[][] = [
      [...bench.pkcs11, '--key-label', 'consensus'],
      ['--key-file', writeKnownKey(bench.folder)],
    ];
    for (const key of again) {
      const add = ['validators', 'add', 'second', '--home', bench.home, '--chain-id', 'chain-1'];
      const { exitCode, notes } = await bench.run(...add, ...NODE, ...key, '--floor-height', '9');
      expect(exitCode).toBe(1);
      expect(notes).toContain('ERR_DUPLICATE_VALIDATOR');
    }
    expect(bench.config()).toBe(before);
    const add = ['validators', 'add', 'second', '--home', bench.home, '--chain-id', 'chain-2'];
    const label = ['--key-label', 'consensus', '--floor-height', '9'];
    expect((await bench.run(...add, ...NODE, ...bench.pkcs11, ...label)).exitCode).toBe(0);
  });
});

describe('--generate', () => {
  test('has the YubiHSM make a key and stores what serves, not what made it', async () => {
    using bench = new Bench();
    const setup = [
      '--setup-auth-key',
      '2',
      '--setup-password-file',
      writeSecret(bench.folder, 'operator.pass', 'x'),
    ];
    const { exitCode, output, notes } = await bench.init(
      ...bench.yubihsm,
      '--generate',
      ...setup,
      '--json',
    );
    expect(notes).toContain('warning: it may do more than sign');
    expect(exitCode).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      floor: { height: '0' },
      providers: [{ kind: 'yubihsm', connector: CONNECTOR, authKey: '0x0004', objectId: '0x1234' }],
    });
    expect(bench.devices.asked[0]).toBe('generate chain-1');
    expect(bench.config()).toContain(
      `\n[validator.yubihsm]\nconnector = "${CONNECTOR}"\nauth_key = 0x0004\npassword_file = "${bench.passwordFile}"\nobject_id = 0x1234\n`,
    );
    expect(bench.config()).not.toContain('operator.pass');
    expect(existsSync(bench.folder.join('home', 'keys'))).toBe(false);
  });

  test('has the token make one, called as asked or as the validator', async () => {
    using bench = new Bench();
    expect((await bench.init(...bench.pkcs11, '--generate')).exitCode).toBe(0);
    expect(bench.config()).toContain('key_label = "chain-1"');
    const add = ['validators', 'add', 'second', '--home', bench.home, '--chain-id', 'chain-2'];
    await bench.run(...add, ...NODE, ...bench.pkcs11, '--generate', '--key-label', 'mine');
    expect(bench.config()).toContain('key_label = "mine"');
  });

  test('takes the key back when it turns out that it cannot be served', async () => {
    using bench = new Bench();
    bench.devices.condition = 'wrong-password';
    const { exitCode, notes } = await bench.init(...bench.yubihsm, '--generate');
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_FAKE_WRONG_PASSWORD');
    expect(bench.devices.count).toBe(0);
    expect(existsSync(bench.home)).toBe(false);
  });

  test('says which key is left, and how to remove it, when its rights do not allow that', async () => {
    using bench = new Bench();
    bench.devices.condition = 'wrong-password';
    bench.devices.canRemove = false;
    const { exitCode, notes } = await bench.init(...bench.yubihsm, '--generate');
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_GENERATED_KEY_LEFT');
    expect(notes).toContain('ERR_FAKE_WRONG_PASSWORD');
    expect(notes).toContain('still in yubihsm http://127.0.0.1:12345 key 0x1234');
    expect(notes).toContain('remove it by hand');
    expect(existsSync(bench.home)).toBe(false);
  });

  test('makes no key for a home that cannot be made', async () => {
    using bench = new Bench();
    await bench.init();
    const { exitCode, notes } = await bench.init(...bench.yubihsm, '--generate');
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_HOME_EXISTS');
    expect(bench.devices.asked).toEqual([]);
  });
});

describe('a standby', () => {
  const standby = (bench: Bench): string[] => [
    ...['--standby-connector', 'http://127.0.0.1:12346', '--standby-auth-key', '5'],
    ...['--standby-password-file', bench.passwordFile],
  ];
  const place = (bench: Bench): DeviceProviderOptions => ({
    kind: 'yubihsm',
    connector: 'http://127.0.0.1:12346',
    authKeyId: 5,
    passwordFile: bench.passwordFile,
    objectId: 0x64,
  });

  test('S28: that holds the same key is written beside the first', async () => {
    using bench = new Bench();
    bench.putKnownKey();
    bench.devices.put(place(bench), KNOWN_SEED);
    const key = ['--object-id', '0x64', '--floor-height', '9'];
    const { exitCode, output } = await bench.init(...bench.yubihsm, ...key, ...standby(bench));
    expect(exitCode).toBe(0);
    expect(output).toContain('standby     yubihsm http://127.0.0.1:12346 key 0x0064');
    expect(bench.config()).toContain(
      '[validator.standby_yubihsm]\nconnector = "http://127.0.0.1:12346"\nauth_key = 0x0005',
    );
  });

  test('S28: that holds another key is refused', async () => {
    using bench = new Bench();
    bench.putKnownKey();
    bench.devices.put(place(bench), new Uint8Array(32).fill(9));
    const key = ['--object-id', '0x64', '--floor-height', '9'];
    const { exitCode, notes } = await bench.init(...bench.yubihsm, ...key, ...standby(bench));
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_ANOTHER_KEY');
    expect(existsSync(bench.home)).toBe(false);
  });
});

describe('flags that contradict each other, or are not enough', () => {
  const FLOOR = ['--floor-height', '1'];
  test.each<[string, (bench: Bench) => string[], string]>([
    ['no key', ({ yubihsm }) => [...yubihsm, ...FLOOR], '--object-id N'],
    ['no token key', ({ pkcs11 }) => [...pkcs11, ...FLOOR], '--key-label LABEL'],
    ['no rights', () => ['--provider', 'yubihsm', '--object-id', '1', ...FLOOR], '--auth-key'],
    [
      'no password',
      () => [
        '--provider',
        'yubihsm',
        '--object-id',
        '1',
        '--connector',
        CONNECTOR,
        '--auth-key',
        '1',
        ...FLOOR,
      ],
      '--password-file',
    ],
    ['no module', () => ['--provider', 'pkcs11', '--generate'], '--module'],
    [
      'a token with a connector',
      ({ pkcs11 }) => [...pkcs11, '--generate', '--connector', CONNECTOR],
      '--provider yubihsm',
    ],
    [
      'a YubiHSM with a PIN',
      ({ yubihsm, pinFile }) => [...yubihsm, '--generate', '--pin-file', pinFile],
      '--provider pkcs11',
    ],
    ['a device without its provider', () => ['--connector', CONNECTOR], '--provider yubihsm'],
    ['--generate for a file', () => ['--generate'], '--provider yubihsm or pkcs11'],
    [
      'a key file too',
      ({ yubihsm, folder }) => [
        ...yubihsm,
        '--object-id',
        '1',
        '--key-file',
        writeKnownKey(folder),
        ...FLOOR,
      ],
      '--key-file contradicts',
    ],
    [
      'a passphrase for a device',
      ({ yubihsm, pinFile }) => [...yubihsm, '--generate', '--passphrase-file', pinFile],
      '--passphrase-file',
    ],
    [
      'a state file for a fresh key',
      ({ yubihsm, folder }) => [
        ...yubihsm,
        '--generate',
        '--state-file',
        writeKnownState(folder, 1n),
      ],
      'ERR_STATE_WITHOUT_KEY',
    ],
    [
      'half a setup',
      ({ yubihsm }) => [...yubihsm, '--generate', '--setup-auth-key', '2'],
      'belong together',
    ],
    [
      'a setup for a key that is there',
      ({ yubihsm, pinFile }) => [
        ...yubihsm,
        '--object-id',
        '1',
        '--setup-auth-key',
        '2',
        '--setup-password-file',
        pinFile,
        ...FLOOR,
      ],
      'go with --generate',
    ],
    [
      'non-exportable for a key that is there',
      ({ yubihsm }) => [...yubihsm, '--object-id', '1', '--non-exportable', ...FLOOR],
      'go with --generate',
    ],
    [
      'two names of a key',
      ({ pkcs11 }) => [...pkcs11, '--key-label', 'a', '--key-id', '0x01', ...FLOOR],
      'one of them',
    ],
    [
      'half a standby',
      ({ yubihsm }) => [...yubihsm, '--object-id', '1', '--standby-auth-key', '2', ...FLOOR],
      '--standby-connector',
    ],
    [
      'a standby that is the first',
      ({ yubihsm, pinFile }) => [
        ...yubihsm,
        '--object-id',
        '1',
        '--standby-connector',
        CONNECTOR,
        '--standby-auth-key',
        '2',
        '--standby-password-file',
        pinFile,
        ...FLOOR,
      ],
      'the same key in the same device',
    ],
    [
      'a standby of a fresh key',
      ({ yubihsm, pinFile }) => [
        ...yubihsm,
        '--generate',
        '--standby-connector',
        'http://127.0.0.1:1',
        '--standby-auth-key',
        '2',
        '--standby-password-file',
        pinFile,
      ],
      'one device only',
    ],
    ['an unknown provider', () => ['--provider', 'tpm'], 'ERR_USAGE'],
    [
      'id 0',
      ({ yubihsm }) => [...yubihsm, '--object-id', '0', ...FLOOR],
      'ERR_INVALID_DEVICE_VALUE',
    ],
    [
      'id 0xffff',
      ({ yubihsm }) => [...yubihsm, '--object-id', '0xffff', ...FLOOR],
      'ERR_INVALID_DEVICE_VALUE',
    ],
    [
      'an id that is none',
      ({ yubihsm }) => [...yubihsm, '--object-id', '1e2', ...FLOOR],
      'ERR_INVALID_DEVICE_VALUE',
    ],
    [
      'a connector with a password',
      () => ['--provider', 'yubihsm', '--connector', 'http://a:hunter2@127.0.0.1'],
      'ERR_INVALID_DEVICE_VALUE',
    ],
    [
      'a connector that is none',
      () => ['--provider', 'yubihsm', '--connector', '127.0.0.1:12345'],
      'ERR_INVALID_DEVICE_VALUE',
    ],
    [
      'a CKA_ID without 0x',
      ({ pkcs11 }) => [...pkcs11, '--key-id', '10', ...FLOOR],
      'ERR_INVALID_DEVICE_VALUE',
    ],
  ])('%s: exit code 2, a code, nothing asked or written', async (_what, flags, text) => {
    using bench = new Bench();
    bench.putKnownKey();
    const { exitCode, notes } = await bench.init(...flags(bench));
    expect(notes).toContain(text);
    expect(notes).toMatch(/ERR_/);
    expect(notes).not.toContain('hunter2');
    expect(exitCode).toBe(2);
    expect(existsSync(bench.home)).toBe(false);
    expect(bench.devices.asked).toEqual([]);
  });
});

describe('a home whose key is in a device', () => {
  async function known(): Promise<Bench> {
    const bench = new Bench();
    bench.putKnownKey();
    await bench.init(...bench.yubihsm, '--object-id', '0x64', '--floor-height', '9');
    return bench;
  }

  test('shows the device wherever keys and validators are listed, and nothing secret', async () => {
    using bench = await known();
    const at = ['--home', bench.home];
    const list = await bench.run('validators', 'list', ...at);
    expect(list.output).toContain('yubihsm http://127.0.0.1:12345 key 0x0064: not served');
    expect((await bench.run('keys', 'list', ...at)).output).toContain('key 0x0064');
    const provider = { kind: 'yubihsm', connector: CONNECTOR, objectId: '0x0064' };
    const keys = await bench.run('keys', 'list', ...at, '--json');
    expect(JSON.parse(keys.output)).toMatchObject([
      { keyFile: null, isEncrypted: null, providers: [provider] },
    ]);
    const show = await bench.run('keys', 'show', ...at, '--json');
    expect(JSON.parse(show.output)).toMatchObject({ providers: [provider] });
    for (const { output, notes } of [list, keys, show]) {
      expect(output + notes).not.toContain('a good password');
    }
  });

  test('takes no key file back', async () => {
    using bench = await known();
    const file = writeKnownKey(bench.folder);
    const { exitCode, notes } = await bench.run('keys', 'import', file, '--home', bench.home);
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_KEY_NOT_IN_FILE');
  });

  test('S4, S35: that lost its floor is bound to the key in the device again', async () => {
    using bench = await known();
    for (const file of ['floor.db', 'floor.mark']) rmSync(bench.folder.join('home', file));
    const init = ['state', 'init', '--home', bench.home, '--floor-height', '12'];
    expect((await bench.run(...init)).exitCode).toBe(0);
    const show = await bench.run('keys', 'show', '--home', bench.home, '--format', 'hex');
    expect(show.output).toBe(Buffer.from(knownPublicKey().bytes).toString('hex'));
  });
});
