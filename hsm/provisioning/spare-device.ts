/** A second device, into which a backup is restored to see that it is one. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { getObjectInfo, listObjects } from 'yubihsm/commands/object-commands';
import { importWrapped } from 'yubihsm/commands/wrap-commands';
import type { Capability } from 'yubihsm/objects/capability';
import { formatObjectId } from 'yubihsm/objects/object-id';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { readPassphraseFile } from '../file/secret-file.ts';
import { type DeviceIdentity, isSameDevice, readIdentity } from './device-identity.ts';
import { readDeviceKey, signingPublicKey } from './device-key.ts';
import {
  connectDevice,
  type DeviceAccess,
  type DevicePlace,
  type DeviceSessionDeps,
  openSession,
} from './device-session.ts';
import { signCheckMessages } from './sign-check-messages.ts';

/** Whether a backup is good is not known, or it is known to be bad. */
export class BackupUnverifiedError extends CodedError {
  override readonly name = 'BackupUnverifiedError';
  readonly code = 'ERR_BACKUP_UNVERIFIED';

  constructor(reason: string, options?: ErrorOptions) {
    super(`the backup cannot be verified on the second device: ${reason}`, options);
  }
}

/** The second device, and who may do what there. */
export interface SpareOptions extends DeviceAccess {
  /** Who signs there, where the first may import and not sign, as the operator's key. */
  readonly signer: { readonly authKeyId: number; readonly passwordFile: string } | undefined;
  /** The wrap key there. */
  readonly wrapKeyId: number;
}

/** An open second device, which was found able to do what it is wanted for. */
export class SpareDevice implements AsyncDisposable {
  readonly serial: string;
  readonly #deps: DeviceSessionDeps;
  readonly #wrapKeyId: number;
  readonly #importer: YubiHsmClient;
  readonly #signer: YubiHsmClient;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    deps: DeviceSessionDeps,
    opened: {
      readonly serial: string;
      readonly wrapKeyId: number;
      readonly importer: YubiHsmClient;
      readonly signer: YubiHsmClient;
      readonly resources: AsyncDisposableStack;
    },
  ) {
    this.#deps = deps;
    this.serial = opened.serial;
    this.#wrapKeyId = opened.wrapKeyId;
    this.#importer = opened.importer;
    this.#signer = opened.signer;
    this.#resources = opened.resources;
  }

  /**
   * Opens the device and looks at everything that could be in the way, before there is anything to
   * verify. `keyId` undefined: not known yet.
   *
   * @throws {BackupUnverifiedError} ERR_BACKUP_UNVERIFIED
   * @throws what connector and device do.
   */
  static async open(
    deps: DeviceSessionDeps,
    options: SpareOptions &
      AbortOptions & { readonly primary: DeviceIdentity; readonly keyId: number | undefined },
  ): Promise<SpareDevice> {
    const { signal, wrapKeyId, keyId } = options;
    await using resources = new AsyncDisposableStack();
    const connector = resources.use(await connectDevice(deps, options.connector));
    const place: DevicePlace = { ...deps, connector, signal };
    const importer = resources.use(await openBy(place, options));
    const identity = await readIdentity(importer, { signal });
    const { serial } = identity;
    if (isSameDevice(identity, options.primary)) {
      throw new BackupUnverifiedError(`it is the same device, ${serial}`);
    }
    await requireRight(importer, options.authKeyId, 'import-wrapped');
    const wrapKeys = await importer.run(listObjects({ type: 'wrap-key', id: wrapKeyId }));
    if (wrapKeys.length === 0) {
      const name = formatObjectId(wrapKeyId);
      throw new BackupUnverifiedError(
        `it has no wrap key ${name}: set it up with the same recovery phrase (signer hsm setup --restore)`,
      );
    }
    if (keyId !== undefined) {
      const keys = await importer.run(listObjects({ type: 'asymmetric-key', id: keyId }));
      if (keys.length > 0) throw alreadyThere(keyId);
    }
    const { signer: by } = options;
    const signer = by === undefined ? importer : resources.use(await openBy(place, by));
    await requireRight(signer, (by ?? options).authKeyId, 'sign-eddsa');
    return new SpareDevice(deps, {
      serial,
      wrapKeyId,
      importer,
      signer,
      resources: resources.move(),
    });
  }

  /**
   * Restores the backup, which stays there; compares the public key; has the key sign a check
   * message (S27).
   *
   * @throws {BackupUnverifiedError} ERR_BACKUP_UNVERIFIED
   */
  async verify(
    blob: Uint8Array,
    { publicKey, signal }: AbortOptions & { readonly publicKey: Uint8Array },
  ): Promise<void> {
    try {
      const restored = await this.#importer.run(importWrapped(this.#wrapKeyId, blob), { signal });
      const key = await readDeviceKey(this.#importer, restored.id, { signal });
      if (!equalBytes(signingPublicKey(key), publicKey)) {
        throw new BackupUnverifiedError(
          `what was restored there is another key (${formatObjectId(restored.id)}): do not rely on this backup`,
        );
      }
      await signCheckMessages(
        { client: this.#signer, clock: this.#deps.clock },
        { keyId: restored.id, publicKey, count: 1, signal },
      );
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof BackupUnverifiedError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BackupUnverifiedError(reason, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

async function openBy(
  place: DevicePlace,
  { authKeyId, passwordFile }: Omit<DeviceAccess, 'connector'>,
): Promise<YubiHsmClient> {
  using password = readPassphraseFile(passwordFile);
  return openSession(place, { authKeyId, password }, { signal: place.signal });
}

async function requireRight(
  client: YubiHsmClient,
  authKeyId: number,
  right: Capability,
): Promise<void> {
  const { capabilities } = await client.run(getObjectInfo(authKeyId, 'authentication-key'));
  if (capabilities.includes(right)) return;
  throw new BackupUnverifiedError(
    `authentication key ${formatObjectId(authKeyId)} there lacks ${right}${right === 'sign-eddsa' ? ': name another one for the test signature' : ''}`,
  );
}

function alreadyThere(keyId: number): BackupUnverifiedError {
  return new BackupUnverifiedError(
    `it has a key ${formatObjectId(keyId)} already, and restoring never overwrites`,
  );
}
