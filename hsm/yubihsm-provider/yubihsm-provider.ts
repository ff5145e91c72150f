/** Keys out of a YubiHSM 2, as validators get them. */
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { getPublicKey } from 'yubihsm/commands/asymmetric-key-commands';
import { getObjectInfo } from 'yubihsm/commands/object-commands';
import { formatObjectId } from 'yubihsm/objects/object-id';
import type { ObjectInfo } from 'yubihsm/objects/object-info';
import type { KeyProvider } from '../key-provider.ts';
import { DeviceKeyMissingError, DeviceKeyUnsuitableError } from '../provisioning/device-key.ts';
import type { SigningKey } from '../signing-key.ts';
import { assertMaySign } from './signing-rights.ts';
import type { YubiHsmDevice } from './yubihsm-device.ts';
import { YubiHsmFaultError } from './yubihsm-fault.ts';
import { YubiHsmKey } from './yubihsm-key.ts';

/** For one signature, from dispatch on (S28). */
const COMMAND_TIMEOUT_MS = 700;

/** In line before that, below the 5 s that a node waits (S28). */
const QUEUE_TIMEOUT_MS = 4_000;

/** Collaborators of a {@link YubiHsmProvider}. */
export interface YubiHsmProviderDeps {
  /** Shared with the other keys of the device, and not the provider's to close. */
  readonly device: YubiHsmDevice;
  readonly clock: Clock;
}

/** Which key, and its limits. */
export interface YubiHsmProviderOptions {
  /** Of the asymmetric key, 1 to 65534. */
  readonly objectId: number;
  /** One signature, from dispatch on. @default 700 */
  readonly commandTimeoutMs?: number | undefined;
  /** In line before that. @default 4000 */
  readonly queueTimeoutMs?: number | undefined;
}

/** One key of one device. */
export class YubiHsmProvider implements KeyProvider {
  /** `yubihsm http://127.0.0.1:12345 key 0x0064`. */
  readonly name: string;
  readonly #device: YubiHsmDevice;
  readonly #clock: Clock;
  readonly #options: YubiHsmProviderOptions;
  /** The session there was when the key was closed last: the next opening wants another (S29). */
  #lastSession: number | undefined;

  constructor(deps: YubiHsmProviderDeps, options: YubiHsmProviderOptions) {
    this.#device = deps.device;
    this.#clock = deps.clock;
    this.#options = options;
    this.name = `${deps.device.name} key ${formatObjectId(options.objectId)}`;
  }

  /**
   * The self-test of S26, in a session that is a new one when the key was open before.
   *
   * @throws {DeviceKeyMissingError} ERR_DEVICE_KEY_MISSING
   * @throws {DeviceKeyUnsuitableError} ERR_DEVICE_KEY_UNSUITABLE: of another type, or without sign-eddsa.
   * @throws {AuthKeyUnsuitableError} ERR_DEVICE_AUTH_KEY_UNSUITABLE
   * @throws what the device throws.
   */
  async openKey(options: AbortOptions = {}): Promise<SigningKey> {
    options.signal?.throwIfAborted();
    const device = this.#device;
    const { objectId, commandTimeoutMs = COMMAND_TIMEOUT_MS } = this.#options;
    const { queueTimeoutMs = QUEUE_TIMEOUT_MS } = this.#options;
    await device.leaveSession(this.#lastSession, options);
    const info = await this.#keyInfo(options);
    if (info.algorithm !== 'ed25519') {
      throw new DeviceKeyUnsuitableError(objectId, `it is of type ${info.algorithm}, not ed25519`);
    }
    if (!info.capabilities.includes('sign-eddsa')) {
      throw new DeviceKeyUnsuitableError(objectId, 'it lacks sign-eddsa');
    }
    const authKey = await device.ownRights(options);
    assertMaySign(authKey);
    const { algorithm, key } = await device.run(getPublicKey(objectId), options);
    if (algorithm !== 'ed25519') {
      throw new DeviceKeyUnsuitableError(objectId, `its public half is of type ${algorithm}`);
    }
    await device.warnOfRights(authKey, options);
    const onClose = (): void => {
      this.#lastSession = device.sessions;
    };
    return new YubiHsmKey(
      { device, clock: this.#clock },
      { objectId, publicKey: ed25519PublicKey(key), commandTimeoutMs, queueTimeoutMs, onClose },
    );
  }

  /** The device stays open: it is shared. */
  async [Symbol.asyncDispose](): Promise<void> {}

  async #keyInfo(options: AbortOptions): Promise<ObjectInfo> {
    const { objectId } = this.#options;
    try {
      return await this.#device.run(getObjectInfo(objectId, 'asymmetric-key'), options);
    } catch (error) {
      const isMissing =
        error instanceof YubiHsmFaultError && error.code === 'ERR_YUBIHSM_OBJECT_NOT_FOUND';
      throw isMissing ? new DeviceKeyMissingError(objectId, { cause: error }) : error;
    }
  }
}
