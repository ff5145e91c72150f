/** How each command reads its reply, and what it refuses to read. */
import fc from 'fast-check';
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
import { MalformedReplyError } from 'yubihsm/commands/malformed-reply-error';
import { deleteObject, getObjectInfo, listObjects } from 'yubihsm/commands/object-commands';
import { getOpaque, putOpaque } from 'yubihsm/commands/opaque-commands';
import {
  getCommandAudit,
  getForceAudit,
  getOption,
  setForceAudit,
} from 'yubihsm/commands/option-commands';
import {
  exportWrapped,
  generateWrapKey,
  importWrapped,
  putWrapKey,
} from 'yubihsm/commands/wrap-commands';
import { hex, RFC_8032 } from '../known-bytes.ts';

const malformed = expect.objectContaining({ code: 'ERR_YUBIHSM_MALFORMED_REPLY' });

const PARAMS = { id: 1, label: '', domains: [1], capabilities: [], algorithm: 'ed25519' } as const;
const WRAP = { ...PARAMS, algorithm: 'aes128-ccm-wrap' } as const;
const OPAQUE = { ...PARAMS, algorithm: 'opaque-data' } as const;
const KEYS = {
  kind: 'symmetric',
  encKey: new Uint8Array(16),
  macKey: new Uint8Array(16),
} as const;

const signature = RFC_8032[2]?.signature ?? new Uint8Array(0);

describe('reads', () => {
  it.each<[Command<unknown>, string, unknown]>([
    [echo(hex('6869')), '6869', hex('6869')],
    [echo(hex('')), '', hex('')],
    [getDevicePubkey(), `31 ${'0a'.repeat(64)}`, hex(`04 ${'0a'.repeat(64)}`)],
    [resetDevice(), '', undefined],
    [resetDevice(), '01', undefined],
    [closeSession(), '', undefined],
    [
      getStorageInfo(),
      '0100 00ff 0400 03fe 007e',
      {
        totalRecords: 256,
        freeRecords: 255,
        totalPages: 1024,
        freePages: 1022,
        pageSizeBytes: 126,
      },
    ],
    [putOpaque(OPAQUE, hex('00')), '1234', 0x1234],
    [getOpaque(1), 'cafe', hex('cafe')],
    [putAuthenticationKey(PARAMS, [], KEYS), '0004', 4],
    [changeAuthenticationKey(4, KEYS), '0004', 4],
    [putAsymmetricKey(PARAMS, new Uint8Array(32)), '0064', 0x64],
    [generateAsymmetricKey(PARAMS), '8001', 0x8001],
    [getPublicKey(1), `2e ${'0b'.repeat(32)}`, { algorithm: 'ed25519', key: hex('0b'.repeat(32)) }],
    [getPublicKey(1), `0f ${'0b'.repeat(64)}`, { algorithm: 'eck256', key: hex('0b'.repeat(64)) }],
    [getPublicKey(1), 'c8 0102', { algorithm: 'algorithm-200', key: hex('0102') }],
    [deleteObject(1, 'opaque'), '', undefined],
    [signEddsa(1, hex('af82')), signature.toHex(), signature],
    [signEcdsa(1, new Uint8Array(32)), '30 06 020101 020101', hex('3006020101020101')],
    [putWrapKey(WRAP, [], new Uint8Array(16)), '0001', 1],
    [generateWrapKey(WRAP, []), '0001', 1],
    [exportWrapped(1, 'opaque', 1), '00'.repeat(30), new Uint8Array(30)],
    // The type comes first here.
    [importWrapped(1, new Uint8Array(99)), '03 0064', { type: 'asymmetric-key', id: 0x64 }],
    [setLogIndex(1), '', undefined],
    [getOption('fips-mode'), '03', hex('03')],
    [getForceAudit(), '02', 'fixed'],
    [setForceAudit('on'), '', undefined],
    [
      getCommandAudit(),
      '01 00 6a 02',
      [
        { code: 0x01, name: 'Echo', setting: 'off' },
        { code: 0x6a, name: 'SignEddsa', setting: 'fixed' },
      ],
    ],
    [getPseudoRandom(4), '01020304', hex('01020304')],
    [signAttestationCertificate(1, 0), '3000', hex('3000')],
    [blinkDevice(1), '', undefined],
  ])('$name', (command, reply, expected) => {
    expect(command.decode(hex(reply))).toEqual(expected);
  });
});

describe('refuses', () => {
  it.each<[string, Command<unknown>, string]>([
    ['another echo', echo(hex('6869')), '6868'],
    ['a longer echo', echo(hex('6869')), '686900'],
    ['a device key of another algorithm', getDevicePubkey(), `2e ${'0a'.repeat(64)}`],
    ['a device key that is too short', getDevicePubkey(), `31 ${'0a'.repeat(63)}`],
    ['two bytes after a reset', resetDevice(), '0000'],
    ['anything after closing', closeSession(), '00'],
    ['an id of one byte', generateAsymmetricKey(PARAMS), '01'],
    ['an id of three bytes', generateAsymmetricKey(PARAMS), '000001'],
    ['an Ed25519 key of 31 bytes', getPublicKey(1), `2e ${'0b'.repeat(31)}`],
    ['an Ed25519 key of 33 bytes', getPublicKey(1), `2e ${'0b'.repeat(33)}`],
    ['a secp256k1 key with its prefix', getPublicKey(1), `0f 04 ${'0b'.repeat(64)}`],
    ['a key of no bytes', getPublicKey(1), 'c8'],
    ['a signature of 63 bytes', signEddsa(1, hex('')), '00'.repeat(63)],
    ['a signature of 65 bytes', signEddsa(1, hex('')), '00'.repeat(65)],
    ['a signature that is no DER', signEcdsa(1, new Uint8Array(32)), '00'.repeat(64)],
    ['an export that holds nothing', exportWrapped(1, 'opaque', 1), '00'.repeat(29)],
    ['an audit setting that is none', getForceAudit(), '03'],
    ['half a pair', getCommandAudit(), '01 00 6a'],
    ['fewer random bytes than asked for', getPseudoRandom(4), '010203'],
    ['more random bytes than asked for', getPseudoRandom(4), '0102030405'],
    ['a certificate that is none', signAttestationCertificate(1, 0), ''],
    ['storage of 11 bytes', getStorageInfo(), '0100 00ff 0400 03fe 007e 00'],
  ])('%s', (_, command, reply) => {
    expect(() => command.decode(hex(reply))).toThrow(malformed);
  });
});

const ALL: readonly Command<unknown>[] = [
  echo(hex('01')),
  deviceInfo(),
  devicePartNumber(),
  getDevicePubkey(),
  resetDevice(),
  closeSession(),
  getStorageInfo(),
  putOpaque(OPAQUE, hex('00')),
  getOpaque(1),
  putAuthenticationKey(PARAMS, [], KEYS),
  changeAuthenticationKey(1, KEYS),
  putAsymmetricKey(PARAMS, new Uint8Array(32)),
  generateAsymmetricKey(PARAMS),
  getPublicKey(1),
  listObjects(),
  getObjectInfo(1, 'opaque'),
  deleteObject(1, 'opaque'),
  signEddsa(1, hex('')),
  signEcdsa(1, new Uint8Array(32)),
  putWrapKey(WRAP, [], new Uint8Array(16)),
  generateWrapKey(WRAP, []),
  exportWrapped(1, 'opaque', 1),
  importWrapped(1, new Uint8Array(99)),
  getLogEntries(),
  setLogIndex(1),
  setForceAudit('on'),
  getOption('fips-mode'),
  getForceAudit(),
  getCommandAudit(),
  getPseudoRandom(1),
  signAttestationCertificate(1, 0),
  blinkDevice(1),
];

it.each(ALL)('$name reads any bytes, or refuses them as malformed', (command) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (reply) => {
      try {
        command.decode(reply);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedReplyError);
        expect(error).toMatchObject({ what: command.name });
      }
    }),
  );
});

it.each([
  ['Uint8Array', (bytes: Uint8Array) => bytes],
  ['Buffer, whose slice is no copy', (bytes: Uint8Array) => Buffer.from(bytes)],
])('what was read does not change with the buffer it came in: %s', (_, make) => {
  const buffer = make(hex(`2e ${'0b'.repeat(32)}`));
  const { key } = getPublicKey(1).decode(buffer);
  buffer.fill(0);
  expect(key).toEqual(hex('0b'.repeat(32)));
});

it('a reply may lie within a larger buffer', () => {
  const buffer = hex('ffff 0064 ffff');
  expect(generateAsymmetricKey(PARAMS).decode(buffer.subarray(2, 4))).toBe(0x64);
});
