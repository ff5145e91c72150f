/** Keys in a YubiHSM 2, as an operator sees them. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { getPublicKey } from 'yubihsm/commands/asymmetric-key-commands';
import { getObjectInfo, listObjects } from 'yubihsm/commands/object-commands';
import { DeviceError, ObjectNotFoundError } from 'yubihsm/device-errors';
import { formatObjectId } from 'yubihsm/objects/object-id';
import type { ObjectInfo } from 'yubihsm/objects/object-info';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';

/** An asymmetric key and its public half. */
export interface DeviceKey {
  readonly info: ObjectInfo;
  /** 32 bytes of an Ed25519 key; of others what the device gives; `undefined` when it gives none. */
  readonly publicKey: Uint8Array | undefined;
  /** Whether this signer could use it: Ed25519, with sign-eddsa. */
  readonly canSign: boolean;
  /** Whether it can be backed up, which cannot be changed later. */
  readonly isExportable: boolean;
}

/** There is no key of this id, or none in the domains of the authentication key. */
export class DeviceKeyMissingError extends CodedError {
  override readonly name = 'DeviceKeyMissingError';
  readonly code = 'ERR_DEVICE_KEY_MISSING';
  readonly id: number;

  constructor(id: number, options?: ErrorOptions) {
    super(
      `the device shows this authentication key no asymmetric key ${formatObjectId(id)}: it is not there, or in other domains`,
      options,
    );
    this.id = id;
  }
}

/** The key is there, and this signer cannot sign with it. */
export class DeviceKeyUnsuitableError extends CodedError {
  override readonly name = 'DeviceKeyUnsuitableError';
  readonly code = 'ERR_DEVICE_KEY_UNSUITABLE';
  readonly id: number;

  constructor(id: number, reason: string) {
    super(`key ${formatObjectId(id)} of the device cannot be used: ${reason}`);
    this.id = id;
  }
}

/** Every asymmetric key that the session sees, by id. */
export async function readDeviceKeys(
  client: YubiHsmClient,
  options: AbortOptions = {},
): Promise<readonly DeviceKey[]> {
  const listed = await client.run(listObjects({ type: 'asymmetric-key' }), options);
  const keys: DeviceKey[] = [];
  for (const { id } of listed.toSorted((a, b) => a.id - b.id)) {
    // Id 0 is the vendor's own, for attestations.
    if (id !== 0) keys.push(await readDeviceKey(client, id, options));
  }
  return keys;
}

/** @throws {DeviceKeyMissingError} ERR_DEVICE_KEY_MISSING */
export async function readDeviceKey(
  client: YubiHsmClient,
  id: number,
  options: AbortOptions = {},
): Promise<DeviceKey> {
  const info = await infoOf(client, id, options);
  const publicKey = await publicKeyOf(client, id, options);
  return {
    info,
    publicKey,
    canSign: info.algorithm === 'ed25519' && info.capabilities.includes('sign-eddsa'),
    isExportable: info.capabilities.includes('exportable-under-wrap'),
  };
}

/**
 * The public key of an Ed25519 key that may sign.
 *
 * @throws {DeviceKeyUnsuitableError} ERR_DEVICE_KEY_UNSUITABLE
 */
export function signingPublicKey({ info, publicKey, canSign }: DeviceKey): Uint8Array {
  if (info.algorithm !== 'ed25519') {
    throw new DeviceKeyUnsuitableError(info.id, `it is of type ${info.algorithm}, not ed25519`);
  }
  if (!canSign) throw new DeviceKeyUnsuitableError(info.id, 'it lacks sign-eddsa');
  if (publicKey === undefined) {
    throw new DeviceKeyUnsuitableError(info.id, 'the device does not give its public half');
  }
  return publicKey;
}

async function infoOf(
  client: YubiHsmClient,
  id: number,
  options: AbortOptions,
): Promise<ObjectInfo> {
  try {
    return await client.run(getObjectInfo(id, 'asymmetric-key'), options);
  } catch (error) {
    if (error instanceof ObjectNotFoundError) throw new DeviceKeyMissingError(id, { cause: error });
    throw error;
  }
}

/** A key of a kind that has none, or none this device gives, is listed all the same. */
async function publicKeyOf(
  client: YubiHsmClient,
  id: number,
  options: AbortOptions,
): Promise<Uint8Array | undefined> {
  try {
    return (await client.run(getPublicKey(id), options)).key;
  } catch (error) {
    if (error instanceof DeviceError) return undefined;
    throw error;
  }
}
