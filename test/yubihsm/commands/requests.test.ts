/** What each command sends: its code and its bytes. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  generateAsymmetricKey,
  getPublicKey,
  putAsymmetricKey,
  signAttestationCertificate,
  signEcdsa,
  signEddsa,
} from 'yubihsm/commands/asymmetric-key-commands';
import {
  changeAuthenticationKey,
  putAuthenticationKey,
} from 'yubihsm/commands/authentication-key-commands';
import type { Command } from 'yubihsm/commands/command';
import { commandName } from 'yubihsm/commands/command-code';
import {
  blinkDevice,
  closeSession,
  deviceInfo,
  devicePartNumber,
  echo,
  getDevicePubkey,
  getPseudoRandom,
  getStorageInfo,
  resetDevice,
} from 'yubihsm/commands/device-commands';
import { getLogEntries, setLogIndex } from 'yubihsm/commands/log-commands';
import { deleteObject, getObjectInfo, listObjects } from 'yubihsm/commands/object-commands';
import { getOpaque, putOpaque } from 'yubihsm/commands/opaque-commands';
import {
  getCommandAudit,
  getForceAudit,
  getOption,
  setCommandAudit,
  setForceAudit,
  setOption,
} from 'yubihsm/commands/option-commands';
import {
  exportWrapped,
  generateWrapKey,
  importWrapped,
  putWrapKey,
} from 'yubihsm/commands/wrap-commands';
import type { ObjectParams } from 'yubihsm/objects/object-params';
import { hex } from '../known-bytes.ts';

const refused = expect.objectContaining({ code: 'ERR_YUBIHSM_INVALID_REQUEST' });

const CONSENSUS: ObjectParams = {
  id: 0x64,
  label: 'consensus',
  domains: [1],
  capabilities: ['sign-eddsa', 'exportable-under-wrap'],
  algorithm: 'ed25519',
};
const CONSENSUS_BYTES = `0064 ${'636f6e73656e737573'.padEnd(80, '0')} 0001 0000000000010100 2e`;

const WRAP: ObjectParams = {
  id: 1,
  label: '',
  domains: [1],
  capabilities: ['export-wrapped', 'import-wrapped'],
  algorithm: 'aes256-ccm-wrap',
};
const WRAP_BYTES = `0001 ${'00'.repeat(40)} 0001 0000000000003000 2a`;

const OPAQUE: ObjectParams = {
  id: 0,
  label: '',
  domains: [16],
  capabilities: [],
  algorithm: 'opaque-data',
};

/** Of the password `password`. */
const SYMMETRIC = {
  kind: 'symmetric',
  encKey: hex('090b47dbed595654901dee1cc655e420'),
  macKey: hex('592fd483f759e29909a04c4505d2ce0a'),
} as const;
const PUBLIC_KEY = new Uint8Array(64).fill(0x0a);

const VALIDATOR = { id: 4, label: 'validator', domains: [1] } as const;

it.each<[Command<unknown>, number, string]>([
  [echo(hex('48656c6c6f2c20776f726c6421')), 0x01, '48656c6c6f2c20776f726c6421'],
  [deviceInfo(), 0x06, ''],
  [devicePartNumber(), 0x06, '01'],
  [resetDevice(), 0x08, ''],
  [getDevicePubkey(), 0x0a, ''],
  [closeSession(), 0x40, ''],
  [getStorageInfo(), 0x41, ''],
  [putOpaque(OPAQUE, hex('cafe')), 0x42, `0000 ${'00'.repeat(40)} 8000 0000000000000000 1e cafe`],
  [getOpaque(0xfffe), 0x43, 'fffe'],
  [
    putAsymmetricKey(CONSENSUS, new Uint8Array(32).fill(7)),
    0x45,
    `${CONSENSUS_BYTES} ${'07'.repeat(32)}`,
  ],
  [getPublicKey(0x0999), 0x54, '0999'],
  [getPublicKey(1, 'wrap-key'), 0x54, '0001 04'],
  [listObjects(), 0x48, ''],
  [listObjects({ type: 'asymmetric-key', id: 1 }), 0x48, '01 0001 02 03'],
  [getObjectInfo(0x64, 'asymmetric-key'), 0x4e, '0064 03'],
  [deleteObject(0x64, 'opaque'), 0x58, '0064 01'],
  [signEddsa(0x64, hex('af82')), 0x6a, '0064 af82'],
  [signEddsa(0x64, hex('')), 0x6a, '0064'],
  [signEcdsa(2, new Uint8Array(32)), 0x56, `0002 ${'00'.repeat(32)}`],
  [
    putWrapKey(WRAP, ['sign-eddsa'], new Uint8Array(32).fill(9)),
    0x4c,
    `${WRAP_BYTES} 0000000000000100 ${'09'.repeat(32)}`,
  ],
  [generateWrapKey(WRAP, ['sign-eddsa']), 0x5b, `${WRAP_BYTES} 0000000000000100`],
  [exportWrapped(1, 'asymmetric-key', 0x64), 0x4a, '0001 03 0064'],
  [exportWrapped(1, 'asymmetric-key', 0x64, { withSeed: true }), 0x4a, '0001 03 0064 01'],
  [importWrapped(1, new Uint8Array(30)), 0x4b, `0001 ${'00'.repeat(30)}`],
  [getLogEntries(), 0x4d, ''],
  [setLogIndex(0xffff), 0x67, 'ffff'],
  [setOption('fips-mode', hex('01')), 0x4f, '05 0001 01'],
  [getOption('algorithm-toggle'), 0x50, '04'],
  [setForceAudit('fixed'), 0x4f, '01 0001 02'],
  [getForceAudit(), 0x50, '01'],
  [
    setCommandAudit([
      { code: 0x6a, setting: 'on' },
      { code: 0x05, setting: 'off' },
    ]),
    0x4f,
    '03 0004 6a01 0500',
  ],
  [getCommandAudit(), 0x50, '03'],
  [getPseudoRandom(32), 0x51, '0020'],
  [signAttestationCertificate(0x64, 0), 0x64, '0064 0000'],
  [blinkDevice(5), 0x6b, '05'],
  [
    changeAuthenticationKey(4, SYMMETRIC),
    0x6c,
    '0004 26 090b47dbed595654901dee1cc655e420 592fd483f759e29909a04c4505d2ce0a',
  ],
  [
    changeAuthenticationKey(4, { kind: 'asymmetric', publicKey: PUBLIC_KEY }),
    0x6c,
    `0004 31 ${'0a'.repeat(64)}`,
  ],
])('$name sends its code and its bytes', (command, code, data) => {
  expect(command.code).toBe(code);
  expect(command.name).toBe(commandName(code));
  expect(command.data).toEqual(hex(data));
});

describe('vectors', () => {
  it('GenerateAsymmetricKey 0x64 "consensus"', () => {
    expect(generateAsymmetricKey(CONSENSUS)).toMatchObject({
      name: 'GenerateAsymmetricKey',
      code: 0x46,
    });
    expect(generateAsymmetricKey(CONSENSUS).data).toEqual(
      hex(
        `0064636f6e73656e737573000000000000000000000000000000000000000000000000000000000000000001
         00000000000101002e`,
      ),
    );
  });

  it('PutAuthenticationKey 4 "validator" with the password "password"', () => {
    const command = putAuthenticationKey(
      {
        ...VALIDATOR,
        capabilities: [
          'sign-ecdsa',
          'sign-eddsa',
          'sign-attestation-certificate',
          'get-log-entries',
        ],
      },
      [],
      SYMMETRIC,
    );
    expect(command).toMatchObject({ name: 'PutAuthenticationKey', code: 0x44 });
    expect(command.data).toEqual(
      hex(
        `000476616c696461746f72000000000000000000000000000000000000000000000000000000000000000001
         0000000401000180260000000000000000090b47dbed595654901dee1cc655e420592fd483f759e29909a04c
         4505d2ce0a`,
      ),
    );
  });
});

it('an asymmetric authentication key is sent without the 04 before it', () => {
  const put = (publicKey: Uint8Array) =>
    putAuthenticationKey({ ...VALIDATOR, capabilities: [] }, ['sign-eddsa'], {
      kind: 'asymmetric',
      publicKey,
    }).data;
  const bytes = put(PUBLIC_KEY);
  expect(bytes.subarray(52)).toEqual(hex(`31 0000000000000100 ${'0a'.repeat(64)}`));
  expect(put(Uint8Array.of(4, ...PUBLIC_KEY))).toEqual(bytes);
});

it('printing a command shows no secret that is in it', () => {
  const command = putAsymmetricKey(CONSENSUS, new Uint8Array(32).fill(7));
  expect(inspect(command, { depth: 9 })).not.toContain('7, 7');
  expect(JSON.stringify(command)).toBe('{"name":"PutAsymmetricKey","code":69}');
});

describe('what cannot be sent is refused before it is', () => {
  it.each<[string, () => unknown]>([
    ['an id that is none', () => getObjectInfo(0xffff, 'opaque')],
    [
      'a label that is too long',
      () => generateAsymmetricKey({ ...CONSENSUS, label: 'x'.repeat(41) }),
    ],
    ['domain 17', () => generateAsymmetricKey({ ...CONSENSUS, domains: [17] })],
    ['an Ed25519 key of 64 bytes', () => putAsymmetricKey(CONSENSUS, new Uint8Array(64))],
    ['no bytes for an opaque object', () => putOpaque(OPAQUE, new Uint8Array(0))],
    ['a digest of 33 bytes', () => signEcdsa(1, new Uint8Array(33))],
    ['a wrap key of 16 bytes for AES-256', () => putWrapKey(WRAP, [], new Uint8Array(16))],
    [
      'a wrap key of another algorithm',
      () => generateWrapKey({ ...WRAP, algorithm: 'ed25519' }, []),
    ],
    ['a blob too short to hold an object', () => importWrapped(1, new Uint8Array(29))],
    ['a log index beyond 16 bits', () => setLogIndex(0x10000)],
    ['no random bytes', () => getPseudoRandom(0)],
    ['a second and a half of blinking', () => blinkDevice(1.5)],
    ['half a key', () => changeAuthenticationKey(1, { ...SYMMETRIC, macKey: new Uint8Array(8) })],
    [
      'a compressed P-256 point',
      () =>
        changeAuthenticationKey(1, {
          kind: 'asymmetric',
          publicKey: Uint8Array.of(2, ...PUBLIC_KEY),
        }),
    ],
    [
      'logging of SessionMessage, which can lock a device up',
      () => setCommandAudit([{ code: 0x05, setting: 'on' }]),
    ],
  ])('%s', (_, construct) => {
    expect(construct).toThrow(refused);
  });
});

it('every code has a name', () => {
  expect(commandName(0x69)).toBe('UnwrapData');
  expect(commandName(0x73)).toBe('PutPublicWrapKey');
  expect(commandName(0x05)).toBe('SessionMessage');
  expect(commandName(0x7b)).toBe('command 0x7b');
});
