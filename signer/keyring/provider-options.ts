/** Where a validator's key is, as `signer.toml` says it. Data only: nothing here knows how a device is reached. */

/** How long a device may take for one signature, from its dispatch on, unless it is said otherwise (S28). */
export const COMMAND_TIMEOUT_MS = 700;

/** Where a connector listens unless it is told otherwise. */
export const DEFAULT_CONNECTOR = 'http://127.0.0.1:12345';

/** The kinds of places a key can be in. */
export const PROVIDER_KINDS = ['file', 'yubihsm', 'pkcs11'] as const;

/** A key in a file, which becomes a key in this process's memory. */
export interface FileProviderOptions {
  readonly kind: 'file';
  /** FilePV JSON or our encrypted format. */
  readonly keyFile: string;
  readonly passphraseFile?: string | undefined;
}

/** A key in a YubiHSM 2. */
export interface YubiHsmProviderOptions {
  readonly kind: 'yubihsm';
  /** Where the connector answers: `http://127.0.0.1:12345`. */
  readonly connector: string;
  /** Id of the authentication key, 1 to 65534. */
  readonly authKeyId: number;
  readonly passwordFile: string;
  /** Id of the signing key, 1 to 65534. */
  readonly objectId: number;
  /** Ten digits: the only device that is taken. @default whichever is plugged in */
  readonly serial?: string | undefined;
  /** @default {@link COMMAND_TIMEOUT_MS} */
  readonly commandTimeoutMs?: number | undefined;
}

/** How a key is found in a PKCS#11 token. */
export type Pkcs11KeyName =
  | { readonly label: string }
  /** CKA_ID: an even number of hexadecimal digits. */
  | { readonly id: string };

/** A key in a PKCS#11 token. */
export interface Pkcs11ProviderOptions {
  readonly kind: 'pkcs11';
  /** The vendor's library. */
  readonly module: string;
  /** The token's label. */
  readonly token: string;
  readonly pinFile: string;
  readonly key: Pkcs11KeyName;
  /** @default {@link COMMAND_TIMEOUT_MS} */
  readonly commandTimeoutMs?: number | undefined;
}

/** A key in a device, whichever kind. */
export type DeviceProviderOptions = YubiHsmProviderOptions | Pkcs11ProviderOptions;

/** A place a key can be in. */
export type ProviderOptions = FileProviderOptions | DeviceProviderOptions;

/** A node gives up after 5 s: an answer is on its way before that. */
const ANSWER_LIMIT_MS = 4_400;

/**
 * For how long a request waits for a device that has just gone: a little longer than the fifth
 * attempt to open it takes, which comes 3.0 s after the first (S26); but a signature made then, slow
 * as its device may be, must still be in time.
 */
export function graceMs(providers: readonly ProviderOptions[]): number {
  const deadlines = providers.map((place) =>
    place.kind === 'file' ? 0 : (place.commandTimeoutMs ?? COMMAND_TIMEOUT_MS),
  );
  return Math.max(0, Math.min(3_500, ANSWER_LIMIT_MS - Math.max(...deadlines)));
}

/** What to call it before it is opened: in messages and status. Never a secret. */
export function providerName(options: ProviderOptions): string {
  switch (options.kind) {
    case 'file':
      return `file ${options.keyFile}`;
    case 'yubihsm':
      return `yubihsm ${options.connector} key ${objectIdText(options.objectId)}`;
    case 'pkcs11':
      return `pkcs11 ${JSON.stringify(options.token)} key ${keyNameText(options.key)}`;
  }
}

/** As YubiHSM tools print ids: `0x0064`. */
export function objectIdText(id: number): string {
  return `0x${id.toString(16).padStart(4, '0')}`;
}

/** Label or id of a PKCS#11 key. */
export function keyNameText(key: Pkcs11KeyName): string {
  return 'label' in key ? JSON.stringify(key.label) : `with id 0x${key.id}`;
}

/** Whether two are one key in one place: a standby there would be none. */
export function isSamePlace(a: ProviderOptions, b: ProviderOptions): boolean {
  if (a.kind === 'yubihsm' && b.kind === 'yubihsm') {
    return a.connector === b.connector && a.objectId === b.objectId;
  }
  if (a.kind === 'pkcs11' && b.kind === 'pkcs11') {
    return (
      a.module === b.module && a.token === b.token && keyNameText(a.key) === keyNameText(b.key)
    );
  }
  return a.kind === 'file' && b.kind === 'file' && a.keyFile === b.keyFile;
}
