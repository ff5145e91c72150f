/** The key of a validator that is on its way into a home: brought or made, in a file or in a device. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readKeyFile, writeKeyFile } from '@privval/hsm/file/open-key-file';
import { AnotherKeyError } from '@privval/hsm/provided-key-errors';
import { equalPublicKeys, type PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Floor } from '../guard/sign-state-store.ts';
import { type DeviceKeyRequest, withAbsolutePaths } from '../keyring/device-key-request.ts';
import {
  type DeviceDeps,
  type Devices,
  type GeneratedKey,
  openDevices,
} from '../keyring/devices.ts';
import {
  type DeviceProviderOptions,
  type ProviderOptions,
  providerName,
} from '../keyring/provider-options.ts';
import { InvalidRequestError, type ValidatorRequest } from './validator-request.ts';

/** A validator's key and what it may sign. */
export interface NewKey {
  readonly publicKey: PublicKey;
  readonly floor: Floor;
  /** As `signer.toml` is to name them. */
  readonly providers: readonly ProviderOptions[];
  /** What the operator should know. */
  readonly warnings: readonly string[];
  /** Present when a device made the key just now. */
  readonly generated: GeneratedKey | undefined;
}

/** Where a new key is put, and what its floor follows from. */
export interface NewKeyPlace extends AbortOptions {
  /** The home, or the folder that becomes it. */
  readonly folder: string;
  /** The validator's. */
  readonly name: string;
  /** Throws for a past that does not fit the key. */
  readonly floorOf: (publicKey: PublicKey) => Floor;
}

/** A key that was generated in a device could not be taken back: nothing uses it, and it is still there. */
export class GeneratedKeyLeftError extends CodedError {
  override readonly name = 'GeneratedKeyLeftError';
  readonly code = 'ERR_GENERATED_KEY_LEFT';

  constructor({ where, howToRemove }: GeneratedKey, options: { readonly cause: unknown }) {
    const { cause } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `${reason}. The key that was generated is still in ${where} and nothing uses it: ${howToRemove}`,
      options,
    );
  }
}

/** Reads or makes the key, and writes it under `folder`. Throws what {@link readKeyFile} and {@link writeKeyFile} throw. */
export async function writeFileKey(
  request: ValidatorRequest,
  { folder, name, floorOf, signal }: NewKeyPlace,
): Promise<NewKey> {
  const { passphraseFile } = request;
  using secret = await secretOf(request, { signal });
  const { publicKey } = secret;
  const floor = floorOf(publicKey);
  const keyFile = join('keys', `${name}.json`);
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
  await writeKeyFile(join(folder, keyFile), secret, { passphraseFile, signal });
  return {
    publicKey,
    floor,
    providers: [
      {
        kind: 'file',
        keyFile,
        passphraseFile: passphraseFile === undefined ? undefined : resolve(passphraseFile),
      },
    ],
    warnings: [],
    generated: undefined,
  };
}

async function secretOf(
  { keyFile, passphraseFile, imported }: ValidatorRequest,
  { signal }: AbortOptions,
): Promise<Ed25519SecretKey> {
  if (imported !== undefined) {
    if (imported.readSecret === undefined) throw new InvariantError('an imported key in no place');
    return imported.readSecret({ signal });
  }
  if (keyFile === undefined) return Ed25519SecretKey.generate();
  return (await readKeyFile(keyFile, { passphraseFile, signal })).secret;
}

/**
 * Finds the key in its device, or has the device make it, and looks whether it can be served with
 * what is going to be stored. A key that was made is the caller's to remove, should it not be used.
 *
 * @throws {AnotherKeyError} ERR_ANOTHER_KEY when the standby holds another key (S28).
 * @throws {GeneratedKeyLeftError} ERR_GENERATED_KEY_LEFT
 * @throws what the device does.
 */
export async function openDeviceKey(
  deps: DeviceDeps,
  request: DeviceKeyRequest,
  { name, floorOf, signal }: NewKeyPlace,
): Promise<NewKey> {
  await using devices = await openDevices(deps);
  const asked = withAbsolutePaths(request);
  const { standby } = asked;
  const made =
    asked.generate === undefined
      ? { options: existingProvider(asked), warnings: [], generated: undefined }
      : await devices.generateKey(asked, { label: name, signal });
  // Awaited here: the devices are closed on the way out.
  return await removedOnFailure(made.generated, async () => {
    const publicKey = await publicKeyIn(devices, made.options, { signal });
    const providers: DeviceProviderOptions[] = [made.options];
    if (standby !== undefined) {
      const second = withAbsolutePaths(standby);
      const other = await publicKeyIn(devices, second, { signal });
      if (!equalPublicKeys(other, publicKey)) {
        throw new AnotherKeyError(providerName(second), publicKey, other);
      }
      providers.push(second);
    }
    const floor = floorOf(publicKey);
    return { publicKey, floor, providers, warnings: made.warnings, generated: made.generated };
  });
}

/** The public key in one place of a device, which is open for a moment only. Throws what the device does. */
export async function publicKeyIn(
  devices: Devices,
  options: DeviceProviderOptions,
  wait: AbortOptions,
): Promise<PublicKey> {
  await using provider = await devices.openProvider(options);
  await using key = await provider.openKey(wait);
  return key.publicKey;
}

/** The place of a key that is there already. */
function existingProvider({
  generate,
  standby,
  ...place
}: DeviceKeyRequest): DeviceProviderOptions {
  if (place.kind === 'yubihsm' && place.objectId !== undefined) {
    return { ...place, objectId: place.objectId };
  }
  if (place.kind === 'pkcs11' && place.key !== undefined) return { ...place, key: place.key };
  throw new InvalidRequestError(
    place.kind === 'yubihsm'
      ? 'which key of the device? Give --object-id N, or --generate for a new one'
      : 'which key of the token? Give --key-label LABEL, or --generate for a new one',
  );
}

/**
 * What comes after a key was generated. When it fails, the key goes too.
 *
 * @throws {GeneratedKeyLeftError} ERR_GENERATED_KEY_LEFT when it cannot be removed.
 */
export async function removedOnFailure<T>(
  generated: GeneratedKey | undefined,
  rest: () => Promise<T>,
): Promise<T> {
  if (generated === undefined) return rest();
  try {
    return await rest();
  } catch (cause) {
    if (cause instanceof GeneratedKeyLeftError) throw cause;
    if (!(await isRemoved(generated))) throw new GeneratedKeyLeftError(generated, { cause });
    throw cause;
  }
}

/** An error is the device's answer to the attempt; what led here is the one to tell. */
async function isRemoved({ remove }: GeneratedKey): Promise<boolean> {
  return remove().then(
    () => true,
    () => false,
  );
}
