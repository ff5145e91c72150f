/** The keys that are in use in one YubiHSM 2, held against what is in it. */
import {
  ed25519PublicKey,
  equalPublicKeys,
  type PublicKey,
} from '@privval/proto/crypto/public-key';
import { getPublicKey } from 'yubihsm/commands/asymmetric-key-commands';
import { ObjectNotFoundError } from 'yubihsm/device-errors';
import { formatObjectId } from 'yubihsm/objects/object-id';
import type { RunInSession } from 'yubihsm/session-hooks';
import { AnotherKeyError } from '../provided-key-errors.ts';
import { DeviceKeyMissingError } from '../provisioning/device-key.ts';

/** A key that is open, and what its public half must be. */
export interface ExpectedKey {
  readonly objectId: number;
  readonly publicKey: PublicKey;
}

/** Keys by identity: two validators may have opened the same one. */
export class ExpectedKeys {
  readonly #device: string;
  readonly #keys = new Set<ExpectedKey>();

  /** `device` is its name, for errors. */
  constructor(device: string) {
    this.#device = device;
  }

  add(key: ExpectedKey): void {
    this.#keys.add(key);
  }

  delete(key: ExpectedKey): void {
    this.#keys.delete(key);
  }

  /** @throws {DeviceKeyMissingError} ERR_DEVICE_KEY_MISSING once a check has not found this key. */
  assertStillThere(key: ExpectedKey): void {
    if (!this.#keys.has(key)) throw new DeviceKeyMissingError(key.objectId);
  }

  /**
   * Asks for the public half of each. One that is another is struck off before it is thrown, so that
   * the other keys of the device can be used in the next session.
   *
   * @throws {DeviceKeyMissingError} ERR_DEVICE_KEY_MISSING
   * @throws {AnotherKeyError} ERR_ANOTHER_KEY
   * @throws what `run` throws.
   */
  async check(run: RunInSession): Promise<void> {
    for (const key of [...this.#keys]) {
      const { objectId, publicKey } = key;
      const actual = await publicKeyOf(objectId, run);
      if (actual !== undefined && equalPublicKeys(actual, publicKey)) continue;
      this.#keys.delete(key);
      if (actual === undefined) throw new DeviceKeyMissingError(objectId);
      const name = `${this.#device} key ${formatObjectId(objectId)}`;
      throw new AnotherKeyError(name, publicKey, actual);
    }
  }
}

/** `undefined` when there is none, or one of another type. */
async function publicKeyOf(objectId: number, run: RunInSession): Promise<PublicKey | undefined> {
  try {
    const { algorithm, key } = await run(getPublicKey(objectId));
    return algorithm === 'ed25519' ? ed25519PublicKey(key) : undefined;
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined;
    throw error;
  }
}
