/** The flags of `init` and `validators add` that say which key of which device, as the request they stand for. */
import type {
  DeviceKeyRequest,
  Pkcs11KeyRequest,
  YubiHsmCredentials,
  YubiHsmKeyRequest,
} from '../keyring/device-key-request.ts';
import {
  DEFAULT_CONNECTOR,
  type Pkcs11KeyName,
  PROVIDER_KINDS,
  type YubiHsmProviderOptions,
} from '../keyring/provider-options.ts';
import { UsageError } from './context.ts';

/** As the command line has them, ids and addresses already read. */
export interface DeviceFlags {
  readonly provider?: (typeof PROVIDER_KINDS)[number];
  readonly connector?: string;
  readonly authKey?: number;
  readonly passwordFile?: string;
  readonly objectId?: number;
  readonly serial?: string;
  readonly setupAuthKey?: number;
  readonly setupPasswordFile?: string;
  readonly nonExportable?: boolean;
  readonly standbyConnector?: string;
  readonly standbyAuthKey?: number;
  readonly standbyPasswordFile?: string;
  readonly standbyObjectId?: number;
  readonly module?: string;
  readonly token?: string;
  readonly pinFile?: string;
  readonly keyLabel?: string;
  readonly keyId?: string;
  readonly generate?: boolean;
}

/** Which flags mean something with which provider. */
const FLAGS = {
  file: [],
  yubihsm: [
    'connector',
    'authKey',
    'passwordFile',
    'objectId',
    'serial',
    'setupAuthKey',
    'setupPasswordFile',
    'nonExportable',
    'standbyConnector',
    'standbyAuthKey',
    'standbyPasswordFile',
    'standbyObjectId',
    'generate',
  ],
  pkcs11: ['module', 'token', 'pinFile', 'keyLabel', 'keyId', 'generate'],
} as const satisfies Record<(typeof PROVIDER_KINDS)[number], readonly (keyof DeviceFlags)[]>;

/**
 * The key in a device that is meant; `undefined` for a key in a file.
 *
 * @throws {UsageError} ERR_USAGE for flags that are missing, or belong to another provider.
 */
export function deviceFromFlags(flags: DeviceFlags): DeviceKeyRequest | undefined {
  const provider = flags.provider ?? 'file';
  const known: readonly string[] = FLAGS[provider];
  for (const name of [...FLAGS.yubihsm, ...FLAGS.pkcs11]) {
    if (flags[name] === undefined || known.includes(name)) continue;
    const kinds = PROVIDER_KINDS.filter((kind) => FLAGS[kind].some((flag) => flag === name));
    throw new UsageError(`${flagText(name)} goes with --provider ${kinds.join(' or ')}`);
  }
  switch (provider) {
    case 'file':
      return undefined;
    case 'yubihsm':
      return yubiHsmFromFlags(flags);
    case 'pkcs11':
      return pkcs11FromFlags(flags);
  }
}

function yubiHsmFromFlags(flags: DeviceFlags): YubiHsmKeyRequest {
  const { objectId, serial, generate = false, nonExportable = false } = flags;
  if (!generate && objectId === undefined) {
    throw new UsageError('which key? Give --object-id N for one that is there, or --generate');
  }
  const setup = setupFromFlags(flags);
  if (!generate && (setup !== undefined || nonExportable)) {
    throw new UsageError(
      'the key is there already: --setup-auth-key, --setup-password-file and --non-exportable go with --generate',
    );
  }
  const { connector = DEFAULT_CONNECTOR } = flags;
  return {
    kind: 'yubihsm',
    connector,
    authKeyId: needed(flags, 'authKey'),
    passwordFile: needed(flags, 'passwordFile'),
    objectId,
    serial,
    generate: generate ? { setup, isExportable: !nonExportable } : undefined,
    standby: standbyFromFlags(flags, connector),
  };
}

function setupFromFlags(flags: DeviceFlags): YubiHsmCredentials | undefined {
  const { setupAuthKey: authKeyId, setupPasswordFile: passwordFile } = flags;
  if (authKeyId === undefined && passwordFile === undefined) return undefined;
  if (authKeyId === undefined || passwordFile === undefined) {
    throw new UsageError('--setup-auth-key and --setup-password-file belong together');
  }
  return { authKeyId, passwordFile };
}

function standbyFromFlags(
  flags: DeviceFlags,
  connector: string,
): YubiHsmProviderOptions | undefined {
  const given = [
    flags.standbyConnector,
    flags.standbyAuthKey,
    flags.standbyPasswordFile,
    flags.standbyObjectId,
  ];
  if (given.every((flag) => flag === undefined)) return undefined;
  if (flags.generate === true) {
    throw new UsageError(
      'a fresh key is in one device only: make it first, restore it into the second one, then name that in signer.toml',
    );
  }
  const standbyConnector = needed(flags, 'standbyConnector');
  const objectId = flags.standbyObjectId ?? needed(flags, 'objectId');
  if (standbyConnector === connector && objectId === flags.objectId) {
    throw new UsageError(
      'the standby is the same key in the same device: it would go away with it',
    );
  }
  return {
    kind: 'yubihsm',
    connector: standbyConnector,
    authKeyId: needed(flags, 'standbyAuthKey'),
    passwordFile: needed(flags, 'standbyPasswordFile'),
    objectId,
  };
}

function pkcs11FromFlags(flags: DeviceFlags): Pkcs11KeyRequest {
  const { keyLabel, keyId, generate = false } = flags;
  if (keyLabel !== undefined && keyId !== undefined) {
    throw new UsageError('--key-label or --key-id: one of them names the key');
  }
  if (generate && keyId !== undefined) {
    throw new UsageError('a key that is generated is found by its label: give --key-label LABEL');
  }
  if (!generate && keyLabel === undefined && keyId === undefined) {
    throw new UsageError('which key? Give --key-label LABEL for one that is there, or --generate');
  }
  const key: Pkcs11KeyName | undefined =
    keyId !== undefined ? { id: keyId } : keyLabel !== undefined ? { label: keyLabel } : undefined;
  return {
    kind: 'pkcs11',
    module: needed(flags, 'module'),
    token: needed(flags, 'token'),
    pinFile: needed(flags, 'pinFile'),
    key,
    generate: generate ? {} : undefined,
    standby: undefined,
  };
}

function needed<Name extends keyof DeviceFlags>(
  flags: DeviceFlags,
  name: Name,
): NonNullable<DeviceFlags[Name]> {
  const value = flags[name];
  if (value !== undefined) return value;
  throw new UsageError(`--provider ${flags.provider} needs ${flagText(name)}`);
}

/** `authKey` as it is typed. */
function flagText(name: keyof DeviceFlags): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
