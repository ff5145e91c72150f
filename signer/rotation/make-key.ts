/** Making a rotation's new key where the operator wants it, and destroying an old one where it is. */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { writeKeyFile } from '@privval/hsm/file/open-key-file';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { syncDirectory } from '../guard/floor-mark.ts';
import { publicKeyIn, removedOnFailure } from '../home/new-key.ts';
import type { DeviceKeyRequest } from '../keyring/device-key-request.ts';
import { type DeviceDeps, openDevices } from '../keyring/devices.ts';
import type { KeyPlace } from '../keyring/key-place.ts';
import { type ProviderOptions, providerName } from '../keyring/provider-options.ts';
import type { NewKeyRequest } from './rotation-desk.ts';

/** A key of that kind cannot be made for this validator. */
export class NoDeviceForKeyError extends CodedError {
  override readonly name = 'NoDeviceForKeyError';
  readonly code = 'ERR_NO_DEVICE_FOR_KEY';

  constructor(kind: string) {
    super(
      `no key of this validator is in a ${kind} place, so signer.toml does not say which device is meant: choose another kind`,
    );
  }
}

/** The row says that the key is destroyed, and it is still there. */
export class KeyNotDestroyedError extends CodedError {
  override readonly name = 'KeyNotDestroyedError';
  readonly code = 'ERR_KEY_NOT_DESTROYED';

  constructor(where: string, options?: ErrorOptions) {
    const cause = options?.cause instanceof Error ? `: ${options.cause.message}` : '';
    super(
      `the old key is finished and nothing uses it, but ${where} still has it${cause}. Delete it there by hand, or call finish again`,
      options,
    );
  }
}

/** Where a new key may go. */
export interface NewKeyPlaceOptions extends AbortOptions {
  readonly home: string;
  readonly validator: string;
  /** Of the keys the validator has: a device is found by them. */
  readonly places: readonly ProviderOptions[];
}

/** A key that was made, and how it is taken back as long as nobody knows it. */
export interface MadeRotationKey {
  /** As `signer.toml` is to have it. */
  readonly place: KeyPlace;
  readonly withRemoval: <T>(rest: () => Promise<T>) => Promise<T>;
}

/**
 * Makes a key; it is synced where it is when this resolves.
 *
 * @throws {NoDeviceForKeyError} ERR_NO_DEVICE_FOR_KEY
 * @throws what {@link writeKeyFile} and the devices throw.
 */
export async function makeRotationKey(
  deps: DeviceDeps,
  request: NewKeyRequest,
  options: NewKeyPlaceOptions,
): Promise<MadeRotationKey> {
  if (request.kind === 'file') return makeFile(request, options);
  const { validator, places, signal } = options;
  const label = `${validator}-${hexFromBytes(crypto.getRandomValues(new Uint8Array(4)))}`;
  await using devices = await openDevices(deps);
  const made = await devices.generateKey(deviceRequest(request, places), { label, signal });
  return removedOnFailure(made.generated, async () => {
    const { bytes } = await publicKeyIn(devices, made.options, { signal });
    return {
      place: { publicKey: bytes, providers: [made.options] },
      withRemoval: (rest) => removedOnFailure(made.generated, rest),
    };
  });
}

/** Named by its public key, so that no two have one name. Encrypted as the key before it, unless it is said otherwise. */
async function makeFile(
  { passphraseFile }: Extract<NewKeyRequest, { kind: 'file' }>,
  { home, validator, places, signal }: NewKeyPlaceOptions,
): Promise<MadeRotationKey> {
  const before = places.findLast((place) => place.kind === 'file');
  const passphrase =
    passphraseFile === undefined ? before?.passphraseFile : resolve(passphraseFile);
  using secret = Ed25519SecretKey.generate();
  const { bytes: publicKey } = secret.publicKey;
  const keyFile = join('keys', `${validator}-${hexFromBytes(publicKey).slice(0, 16)}.json`);
  const path = join(home, keyFile);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  await writeKeyFile(path, secret, { passphraseFile: passphrase, signal });
  const provider = { kind: 'file' as const, keyFile, passphraseFile: passphrase };
  return {
    place: { publicKey, providers: [provider] },
    withRemoval: async (rest) => {
      try {
        return await rest();
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      }
    },
  };
}

function deviceRequest(
  request: Exclude<NewKeyRequest, { kind: 'file' }>,
  places: readonly ProviderOptions[],
): DeviceKeyRequest {
  if (request.kind === 'yubihsm') {
    const place = places.findLast((one) => one.kind === 'yubihsm');
    if (place === undefined) throw new NoDeviceForKeyError('yubihsm');
    const { setupAuthKeyId: authKeyId, setupPasswordFile, isNonExportable } = request;
    const setup =
      authKeyId === undefined || setupPasswordFile === undefined
        ? undefined
        : { authKeyId, passwordFile: resolve(setupPasswordFile) };
    const generate = { setup, isExportable: isNonExportable !== true };
    return { ...place, objectId: undefined, generate, standby: undefined };
  }
  const place = places.findLast((one) => one.kind === 'pkcs11');
  if (place === undefined) throw new NoDeviceForKeyError('pkcs11');
  const { keyLabel } = request;
  const key = keyLabel === undefined ? undefined : { label: keyLabel };
  return { ...place, key, generate: {}, standby: undefined };
}

/**
 * Destroys a key for good: its file is removed, its object deleted. A file's blocks may stay on the
 * disk until they are used again; overwriting would not change that on most disks. Repeated:
 * nothing is there any more, which is what was wanted.
 *
 * @throws {KeyNotDestroyedError} ERR_KEY_NOT_DESTROYED
 */
export async function destroyKey(deps: DeviceDeps, { providers }: KeyPlace): Promise<void> {
  for (const provider of providers) {
    try {
      if (provider.kind === 'file') {
        rmSync(provider.keyFile, { force: true });
        syncDirectory(dirname(provider.keyFile));
      } else {
        await using devices = await openDevices(deps);
        if (devices.destroyKey === undefined)
          throw new KeyNotDestroyedError(providerName(provider));
        await devices.destroyKey(provider);
      }
    } catch (cause) {
      if (cause instanceof KeyNotDestroyedError) throw cause;
      throw new KeyNotDestroyedError(providerName(provider), { cause });
    }
  }
}
