import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readKeyFile } from '@privval/hsm/file/open-key-file';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import type { ProviderOptions } from '@privval/signer/keyring/provider-options';
import { destroyKey, makeRotationKey } from '@privval/signer/rotation/make-key';
import { expect, test } from 'vitest';
import { FakeDevices } from '../../harness/fake-devices.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const DEPS = { clock: systemClock, logger: silentLogger };

const YUBIHSM: ProviderOptions = {
  kind: 'yubihsm',
  connector: 'http://127.0.0.1:12345',
  authKeyId: 4,
  passwordFile: '/run/pw',
  objectId: 100,
};

const PKCS11: ProviderOptions = {
  kind: 'pkcs11',
  module: '/lib/p11.so',
  token: 'validator',
  pinFile: '/run/pin',
  key: { label: 'main' },
};

function into(home: ScratchFolder, places: readonly ProviderOptions[]) {
  return { home: home.path, validator: 'main', places };
}

test('a key in a file has a name of its own and mode 0600, and is encrypted as the one before it', async () => {
  using home = new ScratchFolder();
  const passphraseFile = home.join('pass');
  writeFileSync(passphraseFile, 'correct horse', { mode: 0o600 });
  const before: ProviderOptions = { kind: 'file', keyFile: home.join('a.json'), passphraseFile };
  const { place } = await makeRotationKey(DEPS, { kind: 'file' }, into(home, [before]));
  const [provider] = place.providers;
  if (provider?.kind !== 'file') throw new Error('no file');
  expect(provider.keyFile).toMatch(/^keys\/main-[0-9a-f]{16}\.json$/);
  const path = home.join(provider.keyFile);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const { secret, isEncrypted } = await readKeyFile(path, { passphraseFile });
  using _ = secret;
  expect(isEncrypted).toBe(true);
  expect(secret.publicKey.bytes).toEqual(place.publicKey);
});

test('a key that nothing came of is taken back', async () => {
  using home = new ScratchFolder();
  const made = await makeRotationKey(DEPS, { kind: 'file' }, into(home, []));
  const [provider] = made.place.providers;
  if (provider?.kind !== 'file') throw new Error('no file');
  const fault = new Error('signer.toml cannot be written');
  const failing = made.withRemoval(async () => {
    throw fault;
  });
  await expect(failing).rejects.toBe(fault);
  expect(existsSync(home.join(provider.keyFile))).toBe(false);
});

test.each([
  { kind: 'yubihsm', before: YUBIHSM },
  { kind: 'pkcs11', before: PKCS11 },
] as const)(
  'a key in a $kind is made in the device that has the one before it',
  async ({ kind, before }) => {
    using home = new ScratchFolder();
    const devices = new FakeDevices();
    const deps = { ...DEPS, devices: devices.open };
    const { place } = await makeRotationKey(deps, { kind }, into(home, [before]));
    expect(place.providers).toMatchObject([
      {
        kind,
        ...(kind === 'yubihsm'
          ? { connector: YUBIHSM.connector, authKeyId: 4 }
          : { token: 'validator' }),
      },
    ]);
    expect(place.publicKey).toHaveLength(32);
    expect(devices.count).toBe(1);
  },
);

test('a device that no key of the validator is in is not guessed', async () => {
  using home = new ScratchFolder();
  for (const kind of ['yubihsm', 'pkcs11'] as const) {
    await expect(makeRotationKey(DEPS, { kind }, into(home, []))).rejects.toMatchObject({
      code: 'ERR_NO_DEVICE_FOR_KEY',
    });
  }
});

test('a destroyed file is gone, the others are as they were, and once more is no fault', async () => {
  using home = new ScratchFolder();
  mkdirSync(home.join('keys'));
  const [keyFile, other] = [home.join('keys', 'a.json'), home.join('keys', 'b.json')];
  for (const path of [keyFile, other]) writeFileSync(path, 'secret', { mode: 0o600 });
  const place = { publicKey: new Uint8Array(32), providers: [{ kind: 'file' as const, keyFile }] };
  await destroyKey(DEPS, place);
  await destroyKey(DEPS, place);
  expect(existsSync(keyFile)).toBe(false);
  expect(readFileSync(other, 'utf8')).toBe('secret');
});

test('a device that keeps its key is told by name', async () => {
  const devices = new FakeDevices();
  const place = { publicKey: new Uint8Array(32), providers: [PKCS11] };
  await expect(destroyKey({ ...DEPS, devices: devices.open }, place)).rejects.toMatchObject({
    code: 'ERR_KEY_NOT_DESTROYED',
    message: expect.stringContaining('"validator"'),
  });
});
