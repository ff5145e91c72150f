/**
 * Our client against the mock device of the Rust crate `yubihsm` 0.42.1, through all that both have.
 *
 * What the mock cannot show, and where it is shown instead (`test/yubihsm/simulator`):
 * - its status page has no `status=OK`, and DeviceInfo, Echo and GetDevicePubkey work in a session only;
 * - asymmetric authentication, ChangeAuthenticationKey and attestations do not exist in it;
 * - capabilities, domains and their errors: it checks none, and a session never expires;
 * - the log: always empty, and SetLogIndex does nothing;
 * - the content of wrapped objects: it has a format of its own, and of an Ed25519 key it exports the
 *   public half, so that what comes back is another key. Wrapping is shown with other objects here;
 * - malformed requests, a wrong password after AuthenticateSession, creating over an existing id: it panics;
 * - its error for a key of the wrong type is "invalid command", where a device says something else.
 */
import { createPublicKey, verify } from 'node:crypto';
import { systemClock } from '@privval/proto/runtime/clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';
import {
  generateAsymmetricKey,
  getPublicKey,
  putAsymmetricKey,
  signEcdsa,
  signEddsa,
} from 'yubihsm/commands/asymmetric-key-commands';
import { putAuthenticationKey } from 'yubihsm/commands/authentication-key-commands';
import type { Command } from 'yubihsm/commands/command';
import {
  blinkDevice,
  deviceInfo,
  echo,
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
  setCommandAudit,
  setForceAudit,
} from 'yubihsm/commands/option-commands';
import { compactSecp256k1Signature } from 'yubihsm/commands/secp256k1';
import {
  exportWrapped,
  generateWrapKey,
  importWrapped,
  putWrapKey,
} from 'yubihsm/commands/wrap-commands';
import { HttpConnector } from 'yubihsm/connector/http-connector';
import type { ObjectParams } from 'yubihsm/objects/object-params';
import { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { RFC_8032 } from '../yubihsm/known-bytes.ts';
import { YubiHsmMock } from './peers/yubihsm-mock.ts';

const utf8 = new TextEncoder();

let mock: YubiHsmMock;

beforeAll(async () => {
  mock = await YubiHsmMock.start({ clock: systemClock });
});

afterAll(async () => {
  await mock[Symbol.asyncDispose]();
});

/** A session, and a way to run commands in it. */
async function open(authKeyId = 1, password = 'password', url = mock.url) {
  await using stack = new AsyncDisposableStack();
  const connector = stack.use(HttpConnector.open({}, { url }));
  const client = stack.use(
    await YubiHsmClient.open(
      { connector },
      { authKeyId, credentials: { kind: 'password', password: utf8.encode(password) } },
    ),
  );
  const owned = stack.move();
  return {
    run: <Reply>(command: Command<Reply>): Promise<Reply> => client.run(command),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

let nextId = 0x100;

/** An object that is not there yet: the mock ends when one is created twice. */
function newObject(params: Partial<ObjectParams>): ObjectParams {
  nextId += 1;
  return {
    id: nextId,
    label: `object ${nextId}`,
    domains: [1],
    capabilities: [],
    algorithm: 'ed25519',
    ...params,
  };
}

/** RFC 8410's and RFC 5480's wrapping of a public key as the device gives it. */
function keyObject(algorithm: 'ed25519' | 'ecp256' | 'eck256', key: Uint8Array) {
  const prefix = {
    ed25519: '302a300506032b6570032100',
    ecp256: '3059301306072a8648ce3d020106082a8648ce3d03010703420004',
    eck256: '3056301006072a8648ce3d020106052b8104000a03420004',
  }[algorithm];
  const spki = Buffer.concat([Buffer.from(prefix, 'hex'), key]);
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}

describe('sessions', () => {
  it('echo what they are sent, of any length, for many messages', async () => {
    await using hsm = await open();
    for (let length = 0; length < 130; length++) {
      const data = Uint8Array.from({ length }, (_, i) => i);
      expect(await hsm.run(echo(data))).toEqual(data);
    }
    const longest = new Uint8Array(2021).fill(7);
    expect(await hsm.run(echo(longest))).toEqual(longest);
  });

  it('may be several at a time', async () => {
    await using first = await open();
    await using second = await open();
    await using third = await open();
    for (const hsm of [second, first, third, first]) {
      expect(await hsm.run(echo(utf8.encode('hi')))).toEqual(utf8.encode('hi'));
    }
  });

  it('open with an authentication key that we made', async () => {
    const { id, label, domains } = newObject({});
    await using admin = await open();
    const keys = authenticationKeysFromPassword(utf8.encode('ein Wort mit Ünderung'));
    expect(
      await admin.run(
        putAuthenticationKey({ id, label, domains, capabilities: ['sign-eddsa'] }, [], {
          kind: 'symmetric',
          ...keys,
        }),
      ),
    ).toBe(id);
    await using hsm = await open(id, 'ein Wort mit Ünderung');
    expect(await hsm.run(echo(utf8.encode('hi')))).toEqual(utf8.encode('hi'));
  });

  it('do not open with a wrong password', async () => {
    await using connector = HttpConnector.open({}, { url: mock.url });
    const credentials = { kind: 'password', password: utf8.encode('passwort') } as const;
    // The mock breaks at an AuthenticateSession that is wrong; a device frees the session by it.
    const options = { authKeyId: 1, credentials, checkBeforeAuthenticating: true };
    await expect(YubiHsmClient.open({ connector }, options)).rejects.toMatchObject({
      code: 'ERR_YUBIHSM_WRONG_CREDENTIALS',
    });
  });
});

describe('the device', () => {
  it('says what it is', async () => {
    await using hsm = await open();
    const info = await hsm.run(deviceInfo());
    expect(info).toMatchObject({
      version: { major: 2, minor: 0, patch: 0 },
      serial: '0123456789',
      logTotal: 62,
      logUsed: 62,
    });
    expect(info.algorithms).toHaveLength(47);
    expect(info.algorithms).not.toContainEqual(expect.stringMatching(/^algorithm-/));
    expect(await hsm.run(getStorageInfo())).toEqual({
      totalRecords: 256,
      freeRecords: 256,
      totalPages: 1024,
      freePages: 1024,
      pageSizeBytes: 126,
    });
  });

  it('gives random bytes, and blinks', async () => {
    await using hsm = await open();
    const [one, other] = [await hsm.run(getPseudoRandom(64)), await hsm.run(getPseudoRandom(64))];
    expect(one).toHaveLength(64);
    expect(one).not.toEqual(other);
    await hsm.run(blinkDevice(1));
  });

  it('has options', async () => {
    await using hsm = await open();
    expect(await hsm.run(getForceAudit())).toBe('off');
    await hsm.run(setForceAudit('on'));
    expect(await hsm.run(getForceAudit())).toBe('on');
    await hsm.run(setForceAudit('off'));
    const settingOf = async (code: number) =>
      (await hsm.run(getCommandAudit())).find((audit) => audit.code === code);
    expect(await settingOf(0x6a)).toEqual({ code: 0x6a, name: 'SignEddsa', setting: 'on' });
    await hsm.run(setCommandAudit([{ code: 0x6a, setting: 'off' }]));
    expect(await settingOf(0x6a)).toMatchObject({ setting: 'off' });
  });

  it('has a log, which is empty here', async () => {
    await using hsm = await open();
    expect(await hsm.run(getLogEntries())).toEqual({
      unloggedBoots: 0,
      unloggedAuthentications: 0,
      entries: [],
    });
    await hsm.run(setLogIndex(1));
  });

  it('is new again after a reset', async () => {
    await using other = await YubiHsmMock.start({ clock: systemClock });
    {
      await using hsm = await open(1, 'password', other.url);
      await hsm.run(generateAsymmetricKey(newObject({})));
      expect(await hsm.run(listObjects())).toHaveLength(2);
      await hsm.run(resetDevice());
    }
    await using hsm = await open(1, 'password', other.url);
    expect(await hsm.run(listObjects())).toEqual([
      { type: 'authentication-key', id: 1, sequence: 1 },
    ]);
  });
});

describe('objects', () => {
  it('are described as we made them', async () => {
    await using hsm = await open();
    const params = newObject({
      label: 'vierzig Bytes genau, mit einem Ü darin.'.padEnd(39, '.'),
      domains: [1, 7, 16],
      capabilities: ['sign-eddsa', 'exportable-under-wrap'],
    });
    expect(await hsm.run(generateAsymmetricKey(params))).toBe(params.id);
    expect(await hsm.run(getObjectInfo(params.id, 'asymmetric-key'))).toEqual({
      ...params,
      type: 'asymmetric-key',
      delegatedCapabilities: [],
      // A device has 96 here.
      lengthBytes: 32,
      sequence: 1,
      origin: 'generated',
    });
  });

  it('the first of which is the authentication key of a new device', async () => {
    await using hsm = await open();
    expect(await hsm.run(getObjectInfo(1, 'authentication-key'))).toMatchObject({
      label: 'DEFAULT AUTHKEY CHANGE THIS ASAP',
      algorithm: 'aes128-yubico-authentication',
      origin: 'imported',
    });
  });

  it('are listed by each filter', async () => {
    await using hsm = await open();
    const params = newObject({
      label: 'to be found',
      domains: [9],
      capabilities: ['sign-ecdsa'],
      algorithm: 'eck256',
    });
    const { id, label, domains, capabilities, algorithm } = params;
    await hsm.run(generateAsymmetricKey(params));
    const found = [{ type: 'asymmetric-key', id, sequence: 1 }];
    const type = 'asymmetric-key';
    expect(await hsm.run(listObjects({ label }))).toEqual(found);
    expect(await hsm.run(listObjects({ type, id }))).toEqual(found);
    expect(await hsm.run(listObjects({ type, domains }))).toEqual(found);
    expect(
      await hsm.run(listObjects({ type, capabilities, algorithm, label, id, domains })),
    ).toEqual(found);
    expect(await hsm.run(listObjects({ type: 'hmac-key' }))).toEqual([]);
    expect(await hsm.run(listObjects())).toEqual(expect.arrayContaining(found));
  });

  it('of bytes come back', async () => {
    await using hsm = await open();
    const params = newObject({ algorithm: 'opaque-data' });
    const data = Uint8Array.from({ length: 1900 }, (_, i) => i);
    expect(await hsm.run(putOpaque(params, data))).toBe(params.id);
    expect(await hsm.run(getOpaque(params.id))).toEqual(data);
  });

  it('that are deleted are not found, and the session goes on', async () => {
    await using hsm = await open();
    const { id } = newObject({});
    await hsm.run(generateAsymmetricKey(newObject({ id })));
    await hsm.run(deleteObject(id, 'asymmetric-key'));
    const notFound = { code: 'ERR_YUBIHSM_OBJECT_NOT_FOUND' };
    await expect(hsm.run(deleteObject(id, 'asymmetric-key'))).rejects.toMatchObject(notFound);
    await expect(hsm.run(getObjectInfo(id, 'asymmetric-key'))).rejects.toMatchObject(notFound);
    await expect(hsm.run(getPublicKey(id))).rejects.toMatchObject(notFound);
    await expect(hsm.run(signEddsa(id, new Uint8Array(1)))).rejects.toMatchObject(notFound);
    expect(await hsm.run(echo(utf8.encode('hi')))).toEqual(utf8.encode('hi'));
  });
});

describe('signatures', () => {
  it.each(RFC_8032)('RFC 8032 $name, by a key that we put there', async (vector) => {
    await using hsm = await open();
    const { id } = newObject({});
    const { seed, publicKey, message, signature } = vector;
    const params = newObject({ id, capabilities: ['sign-eddsa'] });
    expect(await hsm.run(putAsymmetricKey(params, seed))).toBe(id);
    expect(await hsm.run(getPublicKey(id))).toEqual({ algorithm: 'ed25519', key: publicKey });
    expect(await hsm.run(signEddsa(id, message))).toEqual(signature);
    expect(await hsm.run(getObjectInfo(id, 'asymmetric-key'))).toMatchObject({
      origin: 'imported',
    });
  });

  it('Ed25519 by a key of its own, up to the longest message of old firmware', async () => {
    await using hsm = await open();
    const params = newObject({ capabilities: ['sign-eddsa'] });
    await hsm.run(generateAsymmetricKey(params));
    const { key } = await hsm.run(getPublicKey(params.id));
    for (const length of [0, 1, 111, 192, 2019]) {
      const message = new Uint8Array(length).fill(length);
      const signature = await hsm.run(signEddsa(params.id, message));
      expect(verify(null, message, keyObject('ed25519', key), signature)).toBe(true);
    }
  });

  it.each(['ecp256', 'eck256'] as const)('ECDSA over a digest, %s', async (algorithm) => {
    await using hsm = await open();
    const params = newObject({ algorithm, capabilities: ['sign-ecdsa'] });
    await hsm.run(generateAsymmetricKey(params));
    const { key } = await hsm.run(getPublicKey(params.id));
    const publicKey = keyObject(algorithm, key);
    const message = utf8.encode('a message');
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', message));
    for (let i = 0; i < 16; i++) {
      const der = await hsm.run(signEcdsa(params.id, digest));
      expect(verify('sha256', message, publicKey, der)).toBe(true);
      if (algorithm === 'eck256') {
        const compact = compactSecp256k1Signature(der);
        const asked = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
        expect(verify('sha256', message, asked, compact)).toBe(true);
      }
    }
  });

  it('are not given by a key of another type', async () => {
    await using hsm = await open();
    const params = newObject({ algorithm: 'ecp256' });
    await hsm.run(generateAsymmetricKey(params));
    await expect(hsm.run(signEddsa(params.id, new Uint8Array(1)))).rejects.toMatchObject({
      code: 'ERR_YUBIHSM_INVALID_COMMAND',
    });
  });
});

describe('wrapping', () => {
  const capabilities = ['export-wrapped', 'import-wrapped'] as const;

  it.each([
    ['aes128-ccm-wrap', 16],
    ['aes256-ccm-wrap', 32],
  ] as const)('brings objects out and back: %s', async (algorithm, length) => {
    await using hsm = await open();
    const wrapKey = newObject({ algorithm, capabilities });
    await hsm.run(putWrapKey(wrapKey, ['exportable-under-wrap'], new Uint8Array(length).fill(3)));
    const data = newObject({ algorithm: 'opaque-data', capabilities: ['exportable-under-wrap'] });
    await hsm.run(putOpaque(data, utf8.encode('to be kept')));
    const blob = await hsm.run(exportWrapped(wrapKey.id, 'opaque', data.id));
    await hsm.run(deleteObject(data.id, 'opaque'));
    const restored = { type: 'opaque', id: data.id };
    expect(await hsm.run(importWrapped(wrapKey.id, blob))).toEqual(restored);
    expect(await hsm.run(getOpaque(data.id))).toEqual(utf8.encode('to be kept'));
    expect(await hsm.run(getObjectInfo(data.id, 'opaque'))).toMatchObject({
      origin: 'imported-then-wrapped',
      label: data.label,
    });
  });

  it('restores a key that signs as before', async () => {
    await using hsm = await open();
    const wrapKey = newObject({ algorithm: 'aes256-ccm-wrap', capabilities });
    await hsm.run(generateWrapKey(wrapKey, ['sign-ecdsa', 'exportable-under-wrap']));
    const params = newObject({
      algorithm: 'ecp256',
      capabilities: ['sign-ecdsa', 'exportable-under-wrap'],
    });
    await hsm.run(generateAsymmetricKey(params));
    const before = await hsm.run(getPublicKey(params.id));
    const blob = await hsm.run(exportWrapped(wrapKey.id, 'asymmetric-key', params.id));
    await hsm.run(deleteObject(params.id, 'asymmetric-key'));
    await hsm.run(importWrapped(wrapKey.id, blob));
    expect(await hsm.run(getPublicKey(params.id))).toEqual(before);
    expect(await hsm.run(getObjectInfo(params.id, 'asymmetric-key'))).toMatchObject({
      origin: 'generated-then-wrapped',
    });
  });
});

it('the mock lived through it', () => {
  expect(mock.log()).not.toContain('panicked');
});
