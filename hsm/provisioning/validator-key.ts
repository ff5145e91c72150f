/** A validator's key, made in a YubiHSM 2 by the rights of one authentication key for another that serves. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { generateAsymmetricKey } from 'yubihsm/commands/asymmetric-key-commands';
import { deviceInfo } from 'yubihsm/commands/device-commands';
import { deleteObject } from 'yubihsm/commands/object-commands';
import { formatObjectId } from 'yubihsm/objects/object-id';
import { assertMaySign, rightsWarnings } from '../yubihsm-provider/signing-rights.ts';
import type { YubiHsmDevice } from '../yubihsm-provider/yubihsm-device.ts';
import { makeKey } from './free-key-id.ts';

/** Longest label of an object, in bytes (hsm.md 3.1). */
const MAX_LABEL_LENGTH = 40;

/** The authentication key may not make a key that the serving one could use. Nothing was made. */
export class MayNotGenerateError extends CodedError {
  override readonly name = 'MayNotGenerateError';
  readonly code = 'ERR_DEVICE_MAY_NOT_GENERATE';

  constructor(authKeyId: number, reason: string) {
    super(
      `authentication key ${formatObjectId(authKeyId)} cannot make the key: ${reason}; name one that can with --setup-auth-key and --setup-password-file`,
    );
  }
}

/** What is to be made, by whom and for whom. */
export interface ValidatorKeyRequest extends AbortOptions {
  /** Opened with the authentication key that will sign. */
  readonly serving: YubiHsmDevice;
  /** Opened with the one that makes the key; the same device, and maybe the same authentication key. */
  readonly setup: YubiHsmDevice;
  /** @default one that is free */
  readonly id?: number | undefined;
  /** Cut to the 40 bytes an object's label has; ASCII. */
  readonly label: string;
  /** Whether it can be backed up under a wrap key. That cannot be changed later. */
  readonly isExportable: boolean;
}

/** What was made. */
export interface ValidatorKey {
  readonly serial: string;
  readonly id: number;
  /** What an operator should change about the authentication key that serves, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Has the device make an Ed25519 key in all domains that both authentication keys have.
 *
 * @throws {MayNotGenerateError} ERR_DEVICE_MAY_NOT_GENERATE
 * @throws {AuthKeyUnsuitableError} ERR_DEVICE_AUTH_KEY_UNSUITABLE
 * @throws what the device throws.
 */
export async function generateValidatorKey(request: ValidatorKeyRequest): Promise<ValidatorKey> {
  const { serving, setup, id, label, isExportable, signal } = request;
  const { serial } = await serving.run(deviceInfo(), { signal });
  const reader = await serving.ownRights({ signal });
  // Found out later, it would leave a key that may not even be deletable.
  assertMaySign(reader);
  const maker = serving === setup ? reader : await setup.ownRights({ signal });
  if (!maker.capabilities.includes('generate-asymmetric-key')) {
    throw new MayNotGenerateError(maker.id, 'it lacks generate-asymmetric-key');
  }
  const domains = reader.domains.filter((domain) => maker.domains.includes(domain));
  if (domains.length === 0) {
    throw new MayNotGenerateError(
      maker.id,
      `it has no domain in common with authentication key ${formatObjectId(reader.id)}, which is to sign`,
    );
  }
  const capabilities = isExportable
    ? (['sign-eddsa', 'exportable-under-wrap'] as const)
    : (['sign-eddsa'] as const);
  const params = {
    label: label.slice(0, MAX_LABEL_LENGTH),
    domains,
    capabilities,
    algorithm: 'ed25519',
  } as const;
  const generate = (free: number) => generateAsymmetricKey({ ...params, id: free });
  const made = await makeKey(setup, id, generate, { signal });
  const warnings = rightsWarnings({
    authKey: reader,
    hasFactoryPassword: undefined,
    forceAudit: undefined,
  });
  return { serial, id: made, warnings };
}

/** Deletes a key for good: for one that was made and has never been used. @throws what the device throws. */
export async function removeValidatorKey(
  device: YubiHsmDevice,
  id: number,
  options: AbortOptions = {},
): Promise<void> {
  await device.run(deleteObject(id, 'asymmetric-key'), options);
}
