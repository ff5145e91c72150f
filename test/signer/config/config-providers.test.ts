import { errorCode } from '@privval/proto/runtime/coded-error';
import { parseConfig } from '@privval/signer/config/config';
import { configText } from '@privval/signer/config/config-text';
import type { ProviderOptions } from '@privval/signer/keyring/provider-options';
import { describe, expect, test } from 'vitest';

const HOME = '/home/of/signer';

const HEAD = `
[[validator]]
name = "main"
chain_id = "chain-1"
nodes = ["tcp://127.0.0.1:26659"]
`;

const YUBIHSM = `
[validator.yubihsm]
connector = "http://127.0.0.1:12345/"
auth_key = 4
password_file = "validator.pass"
object_id = 0x0064
`;

const PKCS11 = `
[validator.pkcs11]
module = "/usr/lib/softhsm/libsofthsm2.so"
token = "validator"
pin_file = "/run/pin"
key_label = "consensus"
`;

const YUBIHSM_STANDBY = YUBIHSM.replace('yubihsm', 'standby_yubihsm').replace('12345', '12346');
const PKCS11_STANDBY = PKCS11.replace('pkcs11', 'standby_pkcs11');
const KEY_FILE = HEAD.replace('nodes', 'key_file = "keys/main.json"\nnodes');

function providers(text: string): readonly ProviderOptions[] {
  return parseConfig(text, HOME, { environment: {} }).validators[0]?.providers ?? [];
}

function fault(text: string): string {
  try {
    parseConfig(text, HOME, { environment: {} });
  } catch (error) {
    return `${errorCode(error)}: ${(error as Error).message}`;
  }
  return 'accepted';
}

describe('where a key is', () => {
  test('may be a YubiHSM; paths start at the home, ids are numbers or texts', () => {
    const expected = {
      kind: 'yubihsm',
      connector: 'http://127.0.0.1:12345',
      authKeyId: 4,
      passwordFile: '/home/of/signer/validator.pass',
      objectId: 100,
      serial: undefined,
      commandTimeoutMs: 700,
    };
    expect(providers(HEAD + YUBIHSM)).toEqual([expected]);
    const texts = YUBIHSM.replace('= 4', '= "0x0004"').replace('= 0x0064', '= "100"');
    expect(providers(HEAD + texts)).toEqual([expected]);
    const more = `${YUBIHSM}serial = "7550140"\ncommand_timeout_ms = 1500\n`;
    expect(providers(HEAD + more)).toEqual([
      { ...expected, serial: '0007550140', commandTimeoutMs: 1500 },
    ]);
  });

  test('may be a PKCS#11 token, by label or by id', () => {
    const expected = {
      kind: 'pkcs11',
      module: '/usr/lib/softhsm/libsofthsm2.so',
      token: 'validator',
      pinFile: '/run/pin',
      key: { label: 'consensus' },
      commandTimeoutMs: 700,
    };
    expect(providers(HEAD + PKCS11)).toEqual([expected]);
    const byId = PKCS11.replace('key_label = "consensus"', 'key_id = "0x0A0b"');
    expect(providers(HEAD + byId)).toEqual([{ ...expected, key: { id: '0a0b' } }]);
  });

  test.each([
    ['a YubiHSM and a YubiHSM', YUBIHSM + YUBIHSM_STANDBY],
    ['a YubiHSM and a token', YUBIHSM + PKCS11_STANDBY],
    ['a token and a YubiHSM', PKCS11 + YUBIHSM_STANDBY],
    ['a token and a token', PKCS11 + PKCS11_STANDBY.replace('"validator"', '"spare"')],
  ])('S28: may be two devices: %s', (_what, tables) => {
    expect(providers(HEAD + tables)).toHaveLength(2);
  });

  test('belongs to the validator whose table it is in', () => {
    const second = HEAD.replace('main', 'second') + PKCS11;
    const { validators } = parseConfig(HEAD + YUBIHSM + second, HOME, { environment: {} });
    expect(validators.map((validator) => validator.providers[0]?.kind)).toEqual([
      'yubihsm',
      'pkcs11',
    ]);
  });

  test.each([
    [HEAD, 'key_file is missing'],
    [KEY_FILE + YUBIHSM, 'contradicts another source'],
    [HEAD + YUBIHSM + PKCS11, 'contradicts another source'],
    [KEY_FILE + YUBIHSM_STANDBY, 'nothing to stand by for'],
    [HEAD + YUBIHSM + YUBIHSM_STANDBY.replace('12346', '12345'), 'same key in the same device'],
    [HEAD + PKCS11 + PKCS11_STANDBY, 'same key in the same device'],
    [HEAD + YUBIHSM + YUBIHSM_STANDBY + PKCS11_STANDBY, 'there is one at most'],
    [HEAD.replace('nodes', 'passphrase_file = "x"\nnodes') + YUBIHSM, 'belongs to a key_file'],
    [HEAD + YUBIHSM.replace('auth_key = 4', ''), 'validator.yubihsm.auth_key is missing'],
    [HEAD + YUBIHSM.replace('= 4', '= 0'), 'no object id'],
    [HEAD + YUBIHSM.replace('= 4', '= 65535'), 'no object id'],
    [HEAD + YUBIHSM.replace('= 4', '= 4.5'), 'whole number or an id in quotes'],
    [HEAD + YUBIHSM.replace('= 4', '= -4'), 'no object id'],
    [HEAD + YUBIHSM.replace('= 4', '= "four"'), 'no object id'],
    [HEAD + YUBIHSM.replace('http:', 'ftp:'), 'http://HOST:PORT'],
    [HEAD + YUBIHSM.replace('12345/', '12345/connector'), 'http://HOST:PORT'],
    [`${HEAD}${YUBIHSM}serial = "YH1"`, 'no serial'],
    [`${HEAD}${YUBIHSM}command_timeout_ms = 0`, 'milliseconds above 0'],
    [`${HEAD}${YUBIHSM}command_timeout_ms = "700"`, 'milliseconds above 0'],
    [`${HEAD}${YUBIHSM}command_timeout_ms = 600000`, 'milliseconds above 0'],
    [HEAD + PKCS11.replace('key_label', 'key_id'), 'no key id'],
    [HEAD + PKCS11.replace('key_label = "consensus"', ''), 'nothing says which key'],
    [`${HEAD}${PKCS11}key_id = "0x01"`, 'contradicts key_label'],
  ])('cannot be two places, none, or one that is not (%#)', (text, reason) => {
    const message = fault(text);
    expect(message).toContain('ERR_CONFIG_VALUE');
    expect(message).toContain(reason);
  });

  test('is strict: an unknown key names the nearest, and its line', () => {
    const message = fault(`${HEAD}${YUBIHSM}pasword_file = "x"`);
    expect(message).toContain('ERR_CONFIG_UNKNOWN_KEY');
    expect(message).toContain('line 12');
    expect(message).toContain('validator.yubihsm.password_file');
    expect(fault(HEAD + YUBIHSM.replace('yubihsm', 'yubihsm2'))).toContain('validator.yubihsm');
  });

  test('S18: never quotes what might be a password', () => {
    const secret = 'correct-horse-battery-staple';
    const wrong = [
      YUBIHSM.replace('http://', `http://admin:${secret}@`),
      YUBIHSM.replace('= 4', `= "${secret}"`),
      `${YUBIHSM}serial = "${secret}"`,
      `${YUBIHSM}password = "${secret}"`,
    ];
    for (const tables of wrong) {
      expect(fault(HEAD + tables)).toMatch(/^ERR_/);
      expect(fault(HEAD + tables)).not.toContain(secret);
    }
  });

  test.each([
    ['a YubiHSM', YUBIHSM],
    ['one with serial and deadline', `${YUBIHSM}serial = "7550140"\ncommand_timeout_ms = 900\n`],
    ['a token', PKCS11],
    ['a token by id', PKCS11.replace('key_label = "consensus"', 'key_id = "0x01"')],
    ['both', YUBIHSM + PKCS11_STANDBY],
    ['both, the other way', PKCS11 + YUBIHSM_STANDBY],
  ])('is read back as it was written: %s', (_what, tables) => {
    const read = providers(HEAD + tables);
    const text = configText({
      name: 'main',
      chainId: 'chain-1',
      providers: read,
      nodes: ['tcp://127.0.0.1:26659'],
      grpc: { listen: '127.0.0.1:5', tls: undefined },
    });
    expect(providers(text)).toEqual(read);
    expect(parseConfig(text, HOME, { environment: {} }).validators[0]?.grpc).toBeDefined();
  });
});
