/** A key in a device as `init` and `validators add` ask for it: there already, or to be generated. */
import { resolve } from 'node:path';
import type {
  DeviceProviderOptions,
  Pkcs11KeyName,
  Pkcs11ProviderOptions,
  YubiHsmProviderOptions,
} from './provider-options.ts';

/** An authentication key of a YubiHSM, and where its password is. */
export interface YubiHsmCredentials {
  readonly authKeyId: number;
  readonly passwordFile: string;
}

/** How a key is generated in a YubiHSM. */
export interface YubiHsmGeneration {
  /** Who may generate it; used once and not stored. @default the credentials that serve */
  readonly setup: YubiHsmCredentials | undefined;
  /** Whether it can be backed up under a wrap key. That cannot be changed later. */
  readonly isExportable: boolean;
}

/** A key in a YubiHSM 2. Paths start at the working directory. */
export interface YubiHsmKeyRequest extends Omit<YubiHsmProviderOptions, 'objectId'> {
  /** `undefined`: one that is free, for the key that is generated. */
  readonly objectId: number | undefined;
  /** Present when there is no key yet. */
  readonly generate: YubiHsmGeneration | undefined;
  readonly standby: DeviceProviderOptions | undefined;
}

/** A key in a PKCS#11 token. Paths start at the working directory. */
export interface Pkcs11KeyRequest extends Omit<Pkcs11ProviderOptions, 'key'> {
  /** `undefined`: the key that is generated is labelled with the validator's name. */
  readonly key: Pkcs11KeyName | undefined;
  /** Present when there is no key yet. */
  readonly generate: Pkcs11Generation | undefined;
  readonly standby: DeviceProviderOptions | undefined;
}

/** How a key is generated in a PKCS#11 token: there is nothing to choose. */
export type Pkcs11Generation = Readonly<Record<string, never>>;

/** A key in a device. */
export type DeviceKeyRequest = YubiHsmKeyRequest | Pkcs11KeyRequest;

/** The same with paths that mean the same file wherever `serve` is started. */
export function withAbsolutePaths<Request extends DeviceKeyRequest | DeviceProviderOptions>(
  request: Request,
): Request {
  return request.kind === 'yubihsm'
    ? { ...request, passwordFile: resolve(request.passwordFile) }
    : { ...request, module: resolve(request.module), pinFile: resolve(request.pinFile) };
}
