/**
 * Commands run on the simulated device, whose own code reads and writes the same bytes: what the mock
 * device of test/interop does not have.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { readAttestation } from 'yubihsm/attestation/attestation';
import { verifyAttestation } from 'yubihsm/attestation/verify-attestation';
import { generateP256PrivateKey, p256PublicKey } from 'yubihsm/channel/p256';
import {
  generateAsymmetricKey,
  getPublicKey,
  putAsymmetricKey,
  signAttestationCertificate,
  signEddsa,
} from 'yubihsm/commands/asymmetric-key-commands';
import {
  changeAuthenticationKey,
  putAuthenticationKey,
} from 'yubihsm/commands/authentication-key-commands';
import {
  deviceInfo,
  devicePartNumber,
  echo,
  getDevicePubkey,
  getStorageInfo,
  resetDevice,
} from 'yubihsm/commands/device-commands';
import { getLogEntries, setLogIndex } from 'yubihsm/commands/log-commands';
import { getObjectInfo, listObjects } from 'yubihsm/commands/object-commands';
import { getOpaque } from 'yubihsm/commands/opaque-commands';
import { getCommandAudit, setCommandAudit, setForceAudit } from 'yubihsm/commands/option-commands';
import { exportWrapped, importWrapped, putWrapKey } from 'yubihsm/commands/wrap-commands';
import type { Credentials } from 'yubihsm/credentials';
import { type LogAnchor, verifyLogChain } from 'yubihsm/log/log-chain';
import type { ObjectParams } from 'yubihsm/objects/object-params';
import { decodeEd25519Body, ed25519BodyFromSeed } from 'yubihsm/wrap/ed25519-body';
import { unwrapObject, wrapObject } from 'yubihsm/wrap/wrap-cipher';
import { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { MemoryConnector } from '../../harness/memory-connector.ts';
import { RFC_8032 } from '../known-bytes.ts';

const PASSWORD: Credentials = { kind: 'password', password: Buffer.from('password') };
const WRAP_KEY = new Uint8Array(32).fill(0x77);

const KEY: ObjectParams = {
  id: 0x64,
  label: 'validator',
  domains: [1, 2],
  capabilities: ['sign-eddsa', 'exportable-under-wrap'],
  algorithm: 'ed25519',
};

let connector: MemoryConnector;

beforeEach(() => {
  connector = MemoryConnector.fromFactory();
});

function open(authKeyId = 1, credentials = PASSWORD): Promise<YubiHsmClient> {
  return YubiHsmClient.open({ connector }, { authKeyId, credentials });
}

async function putBackupKey(client: YubiHsmClient): Promise<void> {
  const params = {
    ...KEY,
    id: 1,
    label: 'backups',
    capabilities: ['export-wrapped', 'import-wrapped'],
    algorithm: 'aes256-ccm-wrap',
  } as const;
  await client.run(putWrapKey(params, ['sign-eddsa', 'exportable-under-wrap'], WRAP_KEY));
}

describe('authentication keys', () => {
  const NEW_KEY = { id: 5, label: 'new', domains: [1], capabilities: [] } as const;

  it('of two AES keys are made, and changed by whoever has them', async () => {
    const symmetric = (byte: number) => ({
      kind: 'symmetric' as const,
      encKey: new Uint8Array(16).fill(byte),
      macKey: new Uint8Array(16).fill(byte + 1),
    });
    await using admin = await open();
    const params = { ...NEW_KEY, capabilities: ['change-authentication-key'] } as const;
    expect(await admin.run(putAuthenticationKey(params, ['sign-eddsa'], symmetric(1)))).toBe(5);
    expect(await admin.run(getObjectInfo(5, 'authentication-key'))).toMatchObject({
      capabilities: ['change-authentication-key'],
      delegatedCapabilities: ['sign-eddsa'],
      algorithm: 'aes128-yubico-authentication',
    });
    {
      await using own = await open(5, { ...symmetric(1), kind: 'keys' });
      expect(await own.run(changeAuthenticationKey(5, symmetric(9)))).toBe(5);
    }
    await expect(open(5, { ...symmetric(1), kind: 'keys' })).rejects.toMatchObject({
      code: 'ERR_YUBIHSM_WRONG_CREDENTIALS',
    });
    await using changed = await open(5, { ...symmetric(9), kind: 'keys' });
    expect(await changed.run(echo(Buffer.from('hi')))).toEqual(new Uint8Array(Buffer.from('hi')));
  });

  it('of P-256 open sessions with the device whose key is known', async () => {
    await using admin = await open();
    const devicePublicKey = await admin.runPlain(getDevicePubkey());
    const privateKey = generateP256PrivateKey((count) => new Uint8Array(count).fill(0x42));
    const publicKey = p256PublicKey(privateKey);
    await admin.run(putAuthenticationKey(NEW_KEY, [], { kind: 'asymmetric', publicKey }));
    await using own = await open(5, { kind: 'asymmetric', privateKey, devicePublicKey });
    expect(await own.run(getObjectInfo(5, 'authentication-key'))).toMatchObject({
      algorithm: 'ec-p256-yubico-authentication',
    });
  });
});

describe('backups', () => {
  it('hold what follows from the seed, and open without the device', async () => {
    await using client = await open();
    await putBackupKey(client);
    const [{ seed, publicKey } = { seed: WRAP_KEY, publicKey: WRAP_KEY }] = RFC_8032;
    await client.run(putAsymmetricKey(KEY, seed));
    const object = unwrapObject(
      WRAP_KEY,
      await client.run(exportWrapped(1, 'asymmetric-key', KEY.id)),
    );
    const { body, ...header } = object;
    expect(header).toEqual({
      ...KEY,
      wrapAlgorithm: 'aes256-ccm-wrap',
      type: 'asymmetric-key',
      sequence: 0,
      origin: 'imported',
    });
    expect(body).toEqual(ed25519BodyFromSeed(seed));
    expect(decodeEd25519Body(body).publicKey).toEqual(publicKey);
  });

  it.each(RFC_8032)('made without the device give it a key that signs: $name', async (vector) => {
    await using client = await open();
    await putBackupKey(client);
    const blob = wrapObject(WRAP_KEY, {
      ...KEY,
      wrapAlgorithm: 'aes256-ccm-wrap',
      type: 'asymmetric-key',
      sequence: 0,
      origin: 'generated',
      body: ed25519BodyFromSeed(vector.seed),
    });
    expect(await client.run(importWrapped(1, blob))).toEqual({
      type: 'asymmetric-key',
      id: KEY.id,
    });
    expect(await client.run(signEddsa(KEY.id, vector.message))).toEqual(vector.signature);
    expect(await client.run(getObjectInfo(KEY.id, 'asymmetric-key'))).toMatchObject({
      ...KEY,
      origin: 'generated-then-wrapped',
    });
  });
});

it('an attestation of a key verifies down to the device', async () => {
  await using client = await open();
  await client.run(generateAsymmetricKey(KEY));
  const { key } = await client.run(getPublicKey(KEY.id));
  const attestation = await client.run(signAttestationCertificate(KEY.id, 0));
  const ca = await client.run(getOpaque(0));
  const { serial, version } = await client.deviceInfo();
  expect(verifyAttestation({ attestation, intermediates: [], ca }, key)).toMatchObject({
    kind: 'verified',
    attestation: {
      serial,
      firmware: version,
      objectId: KEY.id,
      label: KEY.label,
      domains: KEY.domains,
      capabilities: KEY.capabilities,
      origin: 'generated',
    },
  });
  expect(readAttestation(attestation).publicKey).toEqual(key);
});

it('a log that is drained again and again is whole, from its first entry on', async () => {
  await using client = await open();
  const audits = await client.run(getCommandAudit());
  await client.run(setCommandAudit([{ code: 0x6a, setting: 'on' }]));
  await client.run(setForceAudit('on'));
  await client.run(generateAsymmetricKey(KEY));
  let anchor: LogAnchor | undefined;
  let signatures = 0;
  const numbers: number[] = [];
  for (let reading = 0; reading < 8; reading++) {
    for (let i = 0; i < 20; i++) await client.run(signEddsa(KEY.id, Uint8Array.of(i)));
    const { entries } = await client.run(getLogEntries());
    const verdict = verifyLogChain(anchor, entries);
    expect(verdict.breaks).toEqual([]);
    numbers.push(...verdict.fresh.map(({ number }) => number));
    signatures += verdict.fresh.filter(({ commandName }) => commandName === 'SignEddsa').length;
    anchor = verdict.anchor;
    if (anchor !== undefined) await client.run(setLogIndex(anchor.number));
  }
  expect(signatures).toBe(160);
  expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  expect(audits.find(({ name }) => name === 'SignEddsa')?.setting).toBe('off');
});

it('the device is described, page by page, also before there is a session', async () => {
  await using client = await open();
  const info = await client.run(deviceInfo());
  expect(info).toMatchObject({ serial: '0007550140', logTotal: 62 });
  expect(await client.runPlain(deviceInfo())).toEqual(info);
  expect(await client.run(devicePartNumber())).toMatch(/^[\x21-\x7e]+$/);
  const { totalRecords, freeRecords } = await client.run(getStorageInfo());
  expect(freeRecords).toBeLessThan(totalRecords);
});

it('a list has what matches any of the capabilities and any of the domains', async () => {
  await using client = await open();
  await client.run(generateAsymmetricKey(KEY));
  const ids = async (filter: Parameters<typeof listObjects>[0]) =>
    (await client.run(listObjects({ type: 'asymmetric-key', ...filter }))).map(({ id }) => id);
  expect(await ids({ capabilities: ['sign-eddsa', 'sign-ecdsa'] })).toContain(KEY.id);
  expect(await ids({ capabilities: ['sign-ecdsa'] })).not.toContain(KEY.id);
  expect(await ids({ domains: [2, 16] })).toContain(KEY.id);
  expect(await ids({ domains: [16] })).not.toContain(KEY.id);
  expect(await ids({ label: 'validator' })).toEqual([KEY.id]);
  expect(await ids({ algorithm: 'ed25519', id: KEY.id })).toEqual([KEY.id]);
});

it('a device that was reset has nothing but the key of its factory', async () => {
  {
    await using client = await open();
    await client.run(generateAsymmetricKey(KEY));
    await client.run(resetDevice());
  }
  await using client = await open();
  expect(await client.run(listObjects({ type: 'asymmetric-key', id: KEY.id }))).toEqual([]);
  expect(await client.run(getObjectInfo(1, 'authentication-key'))).toMatchObject({
    label: 'DEFAULT AUTHKEY CHANGE THIS ASAP',
    sequence: 0,
    origin: 'imported',
  });
});
