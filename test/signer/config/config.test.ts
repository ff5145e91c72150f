import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { parseConfig, readConfig, unknownVariables } from '@privval/signer/config/config';
import { CONFIG_KEYS } from '@privval/signer/config/config-keys';
import { configText, withValidator } from '@privval/signer/config/config-text';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const HOME = '/home/of/signer';

const MINIMAL = `
[[validator]]
name = "main"
chain_id = "chain-1"
key_file = "keys/main.json"
nodes = ["tcp://127.0.0.1:26659"]
`;

function parse(text: string, overrides: Parameters<typeof parseConfig>[2] = {}) {
  return parseConfig(text, HOME, { environment: {}, ...overrides });
}

function fault(text: string, overrides: Parameters<typeof parseConfig>[2] = {}): string {
  try {
    parse(text, overrides);
  } catch (error) {
    return `${errorCode(error)}: ${(error as Error).message}`;
  }
  return 'accepted';
}

describe('signer.toml', () => {
  test('takes true and false of the command line where the file has them, and no other word', () => {
    const isPublic = (text: string) =>
      parse(MINIMAL, { flags: { 'http.public': text } }).http.isPublic;
    expect([isPublic('true'), isPublic('false')]).toEqual([true, false]);
    expect(fault(MINIMAL, { flags: { 'http.public': 'yes' } })).toMatch(/^ERR_CONFIG_VALUE/);
  });

  test('has a default for everything but the validator, and paths that start at the home', () => {
    const config = parse(MINIMAL);
    expect(config.log).toEqual({ level: 'info', format: 'json' });
    expect(config.identityFile).toBe('/home/of/signer/identity.json');
    expect(config.validators).toEqual([
      {
        name: 'main',
        chainId: 'chain-1',
        providers: [
          {
            kind: 'file',
            keyFile: '/home/of/signer/keys/main.json',
            passphraseFile: undefined,
          },
        ],
        rotatedKeys: [],
        nodes: [{ scheme: 'tcp', host: '127.0.0.1', port: 26659, nodeId: undefined }],
        rpcs: [undefined],
        witnesses: [],
        grpc: undefined,
      },
    ]);
    expect(config.http).toEqual({ listen: undefined, isPublic: false });
    expect(config.admin).toMatchObject({ listen: undefined, isTwoPerson: false });
    expect(config.audit.segmentBytes).toBe(33_554_432);
  });

  test.each([
    ['more RPCs than nodes', 'rpc = ["http://a:1", "http://b:1"]', 'validator.rpc'],
    ['an RPC that is no URL', 'rpc = ["10.0.0.1"]', 'validator.rpc'],
    [
      'one RPC as node and witness',
      'rpc = ["http://a:1"]\nwitnesses = ["http://a:1"]',
      'witnesses',
    ],
    ['the admin API without TLS', '[admin]\nlisten = "127.0.0.1:1"', 'admin.listen'],
    [
      'the admin API without anybody who may ask',
      '[admin]\nlisten = "127.0.0.1:1"\ncert = "c"\nkey = "k"',
      'admin.listen',
    ],
    ['two persons with nobody to approve', '[admin]\ntwo_person = true', 'admin.two_person'],
    ['an address that is none', '[http]\nlisten = "here"', 'http.listen'],
    ['no bytes at all', '[audit]\nmax_bytes = 0', 'audit.max_bytes'],
  ])('refuses %s', (_, lines, key) => {
    expect(() => parse(`${MINIMAL}\n${lines}\n`)).toThrow(key);
  });

  test('stands below the environment, which stands below the flags', () => {
    const text = `[log]\nlevel = "warn"\n${MINIMAL}`;
    expect(parse(text).log.level).toBe('warn');
    const environment = { PRIVVAL_LOG_LEVEL: 'error' };
    expect(parse(text, { environment }).log.level).toBe('error');
    const flags = { 'log.level': 'debug' };
    expect(parse(text, { environment, flags }).log.level).toBe('debug');
  });

  test.each([
    [`[log]\nlevle = "info"\n${MINIMAL}`, 'line 2: unknown key "log.levle"', 'log.level'],
    [`[lgo]\nlevel = "info"\n${MINIMAL}`, 'line 1: unknown key "lgo"', 'log'],
    [`${MINIMAL}\nchainid = "x"`, 'line 8: unknown key "validator.chainid"', 'validator.chain_id'],
    [
      `${MINIMAL}\npassphrase = "secret"`,
      'unknown key "validator.passphrase"',
      'validator.passphrase_file',
    ],
    [
      `${MINIMAL}[validator.grcp]\nlisten = "x"`,
      'line 7: unknown key "validator.grcp"',
      'validator.grpc',
    ],
    [`${MINIMAL}${MINIMAL}node = "x"`, 'line 13: unknown key "validator.node"', 'validator.nodes'],
    [`identity = { key = "x" }\n${MINIMAL}`, 'unknown key "identity.key"', 'identity.key_file'],
  ])('names an unknown key, its line and the nearest known one (%#)', (text, place, nearest) => {
    const message = fault(text);
    expect(message).toContain('ERR_CONFIG_UNKNOWN_KEY');
    expect(message).toContain(place);
    expect(message).toContain(`the nearest known key is ${nearest}`);
  });

  test('never quotes a long value, which may be a misplaced secret', () => {
    const secret = 'nYNNP8rE7iVTa3DhU3bubleedingheart';
    expect(fault(`${MINIMAL}passphrase = "${secret}"`)).not.toContain(secret);
    expect(fault(`[log]\nlevel = "${secret}"\n${MINIMAL}`)).not.toContain(secret);
  });

  test('says where it stops being TOML', () => {
    expect(fault(`[log]\nlevel = info\n`)).toMatch(/^ERR_CONFIG_SYNTAX: .*line 2, column 12: /);
  });

  test.each([
    ['', 'validator is missing'],
    ['[validator]\nname = "x"', 'is written with two brackets'],
    [`[log]\nlevel = "loud"\n${MINIMAL}`, 'log.level is one of debug, info, warn, error'],
    [`[log]\nlevel = 5\n${MINIMAL}`, 'not 5'],
    [`log = "info"\n${MINIMAL}`, 'log is a table, not a value'],
    [MINIMAL.replace('"main"', '""'), 'validator.name is empty'],
    [MINIMAL.replace('"main"', '"../x"'), 'validator.name is wrong'],
    [MINIMAL.replace('"chain-1"', '5'), 'validator.chain_id is a text in quotes'],
    [MINIMAL.replace('"chain-1"', `"${'x'.repeat(51)}"`), 'longer than 50 bytes'],
    [MINIMAL.replace(/key_file.*/, ''), 'validator.key_file is missing'],
    [MINIMAL.replace(':26659', ''), 'port: it is missing'],
    [MINIMAL.replace(/\[".*"\]/, '"tcp://127.0.0.1:1"'), 'is a list of texts'],
    [MINIMAL.replace(/\[".*"\]/, '[]'), 'nobody could ask this validator'],
    [MINIMAL.replace(/\[".*"\]/, '["tcp://a:1", "tcp://a:1"]'), 'twice'],
    [`${MINIMAL}${MINIMAL}`, '"main" is used twice'],
    [`${MINIMAL}[validator.grpc]\nlisten = "127.0.0.1:1"`, 'needs cert, key and client_ca'],
    [
      `${MINIMAL}[validator.grpc]\nlisten = "127.0.0.1:1"\ninsecure = true\ncert = "x"`,
      'contradicts',
    ],
  ])('refuses what cannot be meant (%#)', (text, reason) => {
    const message = fault(text);
    expect(message).toContain('ERR_CONFIG_VALUE');
    expect(message).toContain(reason);
  });

  test('refuses plaintext gRPC on an address other machines reach', () => {
    const grpc = '[validator.grpc]\nlisten = "10.0.0.1:26660"\ninsecure = true\n';
    expect(fault(`${MINIMAL}${grpc}`)).toContain('ERR_GRPC_INSECURE_ADDRESS');
    const loopback = grpc.replace('10.0.0.1', '127.0.0.1');
    expect(parse(`${MINIMAL}${loopback}`).validators[0]?.grpc).toEqual({
      host: '127.0.0.1',
      port: 26660,
      tls: undefined,
    });
  });

  test('is refused when a variable is wrong, by the name of the variable', () => {
    const environment = { PRIVVAL_LOG_LEVEL: 'loud' };
    expect(fault(MINIMAL, { environment })).toContain('environment variable PRIVVAL_LOG_LEVEL');
  });

  test('that is missing says how to make a home', () => {
    using folder = new ScratchFolder();
    expect(() => readConfig(folder.path)).toThrow(/signer init/);
  });

  test('written by init and validators add is read back as it was meant', () => {
    const validator = {
      name: 'a',
      chainId: 'ch"ain\\',
      providers: [
        { kind: 'file', keyFile: 'keys/a.json', passphraseFile: '/p a\u007fss' },
      ] as const,
      nodes: ['tcp://10.0.0.1:1'],
      grpc: { listen: '[::1]:5', tls: { cert: 'c', key: 'k', clientCa: 'a' } },
    };
    const second = {
      ...validator,
      name: 'b',
      providers: [{ kind: 'file', keyFile: 'keys/b.json' }] as const,
      grpc: undefined,
    };
    const { validators } = parse(withValidator(configText(validator), second));
    expect(validators[0]).toMatchObject({
      name: 'a',
      chainId: 'ch"ain\\',
      providers: [{ keyFile: '/home/of/signer/keys/a.json', passphraseFile: '/p a\u007fss' }],
      grpc: { host: '::1', port: 5, tls: { certFile: '/home/of/signer/c' } },
    });
    expect(validators[1]).toMatchObject({
      name: 'b',
      providers: [{ kind: 'file', passphraseFile: undefined }],
      grpc: undefined,
    });
  });
});

test('variables that look like ours and mean nothing are found, with the nearest that does', () => {
  const found = unknownVariables({ PRIVVAL_LOG_LEVL: 'x', PRIVVAL_HOME: 'x', PATH: 'x' });
  expect([...found]).toEqual([['PRIVVAL_LOG_LEVL', 'PRIVVAL_LOG_LEVEL']]);
});

test('every key is documented with its default and its variable', () => {
  const docs = ['operations.md']
    .map((name) => join(import.meta.dirname, '../../../docs', name))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const rows = docs.split('\n').filter((line) => line.startsWith('| `'));
  for (const { table, key, fallback, variable } of CONFIG_KEYS) {
    const row = rows.find((line) => line.startsWith(`| \`${table}.${key}\` |`));
    expect(row, `${table}.${key}`).toBeDefined();
    if (fallback !== undefined)
      expect(row).toContain(`\`${JSON.stringify(fallback).replaceAll('"', '')}\``);
    if (variable !== undefined) expect(row).toContain(`\`${variable}\``);
  }
});
