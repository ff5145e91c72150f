import { statSync } from 'node:fs';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { readFilePv } from '@privval/signer/import/file-pv';
import type { ForeignSetup } from '@privval/signer/import/foreign-validator';
import { readHorcrux } from '@privval/signer/import/horcrux';
import { readKms } from '@privval/signer/import/kms';
import { signsOfRunning } from '@privval/signer/import/running-signer';
import { readTmkms } from '@privval/signer/import/tmkms';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { KNOWN_KEY_FILE } from '../home/home-fixtures.ts';
import {
  cosignerHome,
  kmsHome,
  nodeHome,
  put,
  tmkmsHome,
  vectorText,
  wholeKey,
} from './foreign-homes.ts';

/** The code and text of what a reader throws. */
async function faultOf(read: Promise<unknown>): Promise<string> {
  return read.then(
    () => 'done',
    (error: unknown) => `${errorCode(error)} ${error instanceof Error ? error.message : ''}`,
  );
}

function only(setup: ForeignSetup) {
  const [validator, ...more] = setup.validators;
  if (validator === undefined || more.length > 0) throw new RangeError('not one validator');
  return validator;
}

describe('tmkms', () => {
  test('nodes, state and limits are those of tmkms.toml, paths from where tmkms is started', async () => {
    using folder = new ScratchFolder();
    const home = tmkmsHome(folder);
    const validator = only(await readTmkms(folder.join('tmkms/tmkms.toml'), {}));
    expect(validator.nodes).toEqual([
      'tcp://DEADBEEFDEADBEEFDEADBEEFDEADBEEFDEADBEEF@10.0.0.5:26658',
      `unix://${home}/node.sock`,
    ]);
    expect(validator.stateFiles).toEqual([`${home}/state/golden-1-consensus.json`]);
    expect(validator.key).toMatchObject({ path: `${home}/secrets/golden-1-consensus.key` });
    expect(validator.notes.join()).toContain('max_height = 500000');
    const elsewhere = only(await readTmkms(home, { workdir: '/var/lib/tmkms' }));
    expect(elsewhere.stateFiles).toEqual(['/var/lib/tmkms/state/golden-1-consensus.json']);
  });

  test('without state_file the state is looked for where tmkms makes one', async () => {
    using folder = new ScratchFolder();
    const config = vectorText('tmkms/tmkms.toml').replace(/^state_file.*$/m, '');
    const home = tmkmsHome(folder, { config });
    expect(only(await readTmkms(home, {})).stateFiles).toEqual([
      `${home}/golden-1_priv_validator_state.json`,
    ]);
  });

  test('a YubiHSM over USB becomes one behind a connector, with a note', async () => {
    using folder = new ScratchFolder();
    const config = vectorText('tmkms/yubihsm.toml').replace(
      '{ type = "http", addr = "tcp://127.0.0.1:12346" }',
      '{ type = "usb" }',
    );
    const home = tmkmsHome(folder, { config });
    const { key, notes } = only(await readTmkms(home, {}));
    expect(key).toEqual({
      kind: 'device',
      place: {
        kind: 'yubihsm',
        connector: 'http://127.0.0.1:12345',
        authKeyId: 4,
        passwordFile: `${home}/secrets/yubihsm-password.txt`,
        objectId: 100,
        serial: '0007550140',
      },
    });
    expect(notes.join()).toContain('yubihsm-connector');
    const connector = 'http://10.0.0.3:12345';
    expect(only(await readTmkms(home, { connector })).key).toMatchObject({ place: { connector } });
  });

  test('a password in tmkms.toml is not taken from there, and not shown', async () => {
    using folder = new ScratchFolder();
    const config = vectorText('tmkms/yubihsm.toml').replace(
      'password_file = "secrets/yubihsm-password.txt"',
      'password = "hunter2"',
    );
    const home = tmkmsHome(folder, { config });
    const fault = await faultOf(readTmkms(home, {}));
    expect(fault).toMatch(/^ERR_IMPORT_KEY_UNUSABLE .*--password-file/);
    expect(fault).not.toContain('hunter2');
    const { key } = only(await readTmkms(home, { passwordFile: '/run/pw' }));
    expect(key).toMatchObject({ place: { passwordFile: '/run/pw' } });
  });

  test.each([
    ['[[providers.ledgertm]]\nchain_ids = ["golden-1"]', /^ERR_IMPORT_KEY_UNUSABLE .*Ledger/],
    [
      '[[providers.fortanixdsm]]\nsigning_keys = [{ chain_ids = ["golden-1"], type = "consensus" }]',
      /^ERR_IMPORT_KEY_UNUSABLE .*Fortanix/,
    ],
    ['[providers]', /^ERR_IMPORT_CONFIG .*no consensus key/],
    [
      '[[providers.softsign]]\nchain_ids = ["golden-1"]\npath = "a"\n[[providers.softsign]]\nchain_ids = ["golden-1"]\npath = "b"',
      /^ERR_IMPORT_CONFIG .*2 consensus keys/,
    ],
    ['[[providers.softsign]]\nchain_ids = "golden-1"\npath = "a"', /ERR_IMPORT_CONFIG .*chain_ids/],
    ['[[providers.softsign', /ERR_IMPORT_CONFIG .*not TOML at line 5/],
  ])('%s is refused with a code', async (providers, expected) => {
    using folder = new ScratchFolder();
    const head = '[[chain]]\nid = "golden-1"\nkey_format = { type = "hex" }\n\n';
    const home = tmkmsHome(folder, { config: `${head}${providers}\n` });
    expect(await faultOf(readTmkms(home, {}))).toMatch(expected);
  });

  test('a chain that is not there is named with those that are', async () => {
    using folder = new ScratchFolder();
    const fault = await faultOf(readTmkms(tmkmsHome(folder), { chainId: 'else-1' }));
    expect(fault).toMatch(/ERR_IMPORT_CONFIG .*"else-1" \(there: golden-1\)/);
  });
});

describe('horcrux', () => {
  test('keys, shards and states are looked for where config.yaml puts them', async () => {
    using folder = new ScratchFolder();
    const home = cosignerHome(folder);
    const keyFile = wholeKey(folder);
    const cosigners = [cosignerHome(folder, 'cosigner-2')];
    const validator = only(await readHorcrux(home, { keyFile, cosigners }));
    expect(validator).toMatchObject({ chainId: 'golden-1', gap: undefined });
    expect(validator.nodes).toEqual(['tcp://10.0.0.1:1234', 'tcp://10.0.0.2:1234']);
    expect(validator.stateFiles).toHaveLength(4);
  });

  test.each([
    ['chain-id: golden-1\nchain-nodes: []', /ERR_IMPORT_CONFIG .*horcrux v2/],
    ['signMode: both', /ERR_IMPORT_CONFIG .*"both" is no signMode/],
    ['signMode: threshold', /ERR_IMPORT_CONFIG .*thresholdMode is missing/],
    [
      'thresholdMode:\n  threshold: 3\n  cosigners:\n  - shardID: 1\n  - shardID: 2',
      /ERR_IMPORT_CONFIG .*a threshold of 3 with 2/,
    ],
    ['signMode: single\nsignMode: threshold', /ERR_IMPORT_CONFIG .*not YAML/],
    ['- a\n- b', /ERR_IMPORT_CONFIG .*not a table/],
    ['a: &a [*a, *a]', /ERR_IMPORT_CONFIG/],
  ])('%s is refused with a code', async (config, expected) => {
    using folder = new ScratchFolder();
    const home = cosignerHome(folder);
    put(folder, 'cosigner-1/config.yaml', `${config}\n`);
    expect(await faultOf(readHorcrux(home, { keyFile: wholeKey(folder) }))).toMatch(expected);
  });

  test('S2: with five cosigners and a threshold of three, three states are needed', async () => {
    using folder = new ScratchFolder();
    const home = cosignerHome(folder);
    const five = [1, 2, 3, 4, 5].map((id) => `  - shardID: ${id}\n    p2pAddr: tcp://c:2222`);
    put(
      folder,
      'cosigner-1/config.yaml',
      `thresholdMode:\n  threshold: 3\n  cosigners:\n${five.join('\n')}\nchainNodes: []\n`,
    );
    const keyFile = wholeKey(folder);
    const second = cosignerHome(folder, 'cosigner-2');
    const third = cosignerHome(folder, 'cosigner-3');
    const gap = async (...cosigners: string[]) =>
      only(await readHorcrux(home, { keyFile, cosigners })).gap;
    expect(await gap(second)).toContain('2 of 5 cosigners are here');
    expect(await gap(second, third)).toBeUndefined();
  });
});

describe('cosmos kms', () => {
  test('nodes, key and state are those of kms.yaml, paths from its home', async () => {
    using folder = new ScratchFolder();
    const home = kmsHome(folder);
    const validator = only(await readKms(home, {}));
    expect(validator.nodes).toEqual(['tcp://10.0.0.5:26659', 'tcp://10.0.0.6:26659']);
    expect(validator.stateFiles).toEqual([`${home}/state/golden-1.json`]);
    expect(validator.key).toMatchObject({ path: `${home}/priv_validator_key.json` });
  });

  test('a chain id that looks like a number is the text that is written there', async () => {
    using folder = new ScratchFolder();
    const config = vectorText('kms/kms.yaml').replaceAll('golden-1', '007');
    expect(only(await readKms(kmsHome(folder, { config }), {})).chainId).toBe('007');
  });

  test('a PKCS#11 key stays in its token', async () => {
    using folder = new ScratchFolder();
    const home = kmsHome(folder, { config: vectorText('kms/pkcs11.yaml') });
    const { key, stateFiles } = only(await readKms(home, {}));
    expect(key).toEqual({
      kind: 'device',
      place: {
        kind: 'pkcs11',
        module: '/usr/lib/softhsm/libsofthsm2.so',
        token: 'comet',
        pinFile: `${home}/pin`,
        key: { id: '01' },
      },
    });
    expect(stateFiles).toEqual([`${home}/floors/golden-1.json`]);
  });

  test.each([
    ['pin_file: pin', 'pin_env: KMS_PIN', /ERR_IMPORT_KEY_UNUSABLE .*--pin-file/],
    ['pin_file: pin', 'pin: "1234"', /ERR_IMPORT_KEY_UNUSABLE .*--pin-file/],
    ['token_label: comet', 'slot: 0', /ERR_IMPORT_KEY_UNUSABLE .*--token/],
    ['backend: pkcs11', 'backend: awskms', /ERR_IMPORT_KEY_UNUSABLE .*AWS KMS/],
    ['backend: pkcs11', 'backend: vault', /ERR_IMPORT_CONFIG .*"vault" is no backend/],
    ['backend: pkcs11', 'algorithm: mldsa65', /ERR_KEY_TYPE_UNSUPPORTED/],
    ['chain_ids: [golden-1]', 'chain_ids: [other-1]', /ERR_IMPORT_CONFIG .*0 keys/],
  ])('%s → %s is refused with a code', async (from, to, expected) => {
    using folder = new ScratchFolder();
    const config = vectorText('kms/pkcs11.yaml').replace(from, to);
    const fault = await faultOf(readKms(kmsHome(folder, { config }), {}));
    expect(fault).toMatch(expected);
    expect(fault).not.toContain('1234');
  });
});

describe('a node that signs itself', () => {
  test.each([
    ['priv_validator_laddr = "tcp://0.0.0.0:26659"', ['tcp://127.0.0.1:26659']],
    ['priv_validator_laddr = "tcp://10.0.0.5:26659"', ['tcp://10.0.0.5:26659']],
    ['priv_validator_laddr = "unix:///run/pv.sock"', ['unix:///run/pv.sock']],
    ['priv_validator_laddr = ""', []],
    ['priv_validator_laddr = "noise://12D3KooWRJQ@10.0.0.5:26659"', []],
    ['[priv-validator]\nladdr = "tcp://127.0.0.1:7"', ['tcp://127.0.0.1:7']],
  ])('with %s it is dialled at %j', async (config, expected) => {
    using folder = new ScratchFolder();
    const validator = only(await readFilePv(nodeHome(folder, { config: `${config}\n` }), {}));
    expect(validator.nodes).toEqual(expected);
    expect(validator.chainId).toBe('golden-1');
  });

  test('v0.35 names its files in a table of its own', async () => {
    using folder = new ScratchFolder();
    const config = `genesis-file = "config/genesis.json"
[priv-validator]
key-file = "config/pv.json"
state-file = "data/pvs.json"
`;
    const home = nodeHome(folder, { config });
    put(folder, 'node/config/pv.json', KNOWN_KEY_FILE);
    const validator = only(await readFilePv(home, {}));
    expect(validator.key).toMatchObject({ path: `${home}/config/pv.json` });
    expect(validator.stateFiles).toEqual([`${home}/data/pvs.json`]);
  });

  test('a key file in a home is found with its state and chain', async () => {
    using folder = new ScratchFolder();
    const home = nodeHome(folder);
    const validator = only(await readFilePv(`${home}/config/priv_validator_key.json`, {}));
    expect(validator.chainId).toBe('golden-1');
    const there = validator.stateFiles.filter((path) => statSync(path, { throwIfNoEntry: false }));
    expect(there).toEqual([`${home}/data/priv_validator_state.json`]);
  });

  test.each([
    ['nowhere', /ERR_IMPORT_CONFIG .*there is no such file or folder/],
    ['.', /ERR_IMPORT_CONFIG .*no home of a node/],
  ])('%s is refused with a code', async (path, expected) => {
    using folder = new ScratchFolder();
    expect(await faultOf(readFilePv(folder.join(path), {}))).toMatch(expected);
  });
});

describe('signs that the other signer runs', () => {
  const setup = { signer: 'tmkms', source: '/srv/k/tmkms.toml', folder: '/srv/k' } as const;
  const process_ = { pid: 7, args: ['tmkms'], workdir: '/', openFiles: [] };

  test.each([
    ['its working folder', { workdir: '/srv/k' }],
    ['its configuration on the command line', { args: ['/bin/tmkms', '-c', '/srv/k/tmkms.toml'] }],
    ['a flag with =', { args: ['tmkms', '--config=/srv/k/tmkms.toml'] }],
    ['an open file', { openFiles: ['/srv/k/state/x.json'] }],
  ])('%s is certain', (_what, sign) => {
    expect(signsOfRunning(setup, [{ ...process_, ...sign }]).certain).toHaveLength(1);
  });

  test.each([
    ['another folder with the same beginning', { workdir: '/srv/k2' }, 1],
    ['another program in the folder', { args: ['bash'], workdir: '/srv/k' }, 0],
    ['a process without a name', { args: [''], workdir: undefined }, 0],
  ])('%s is not', (_what, sign, likely) => {
    const signs = signsOfRunning(setup, [{ ...process_, ...sign }]);
    expect(signs.certain).toEqual([]);
    expect(signs.likely).toHaveLength(likely);
  });
});
