/**
 * Every key `signer.toml` may have, once: the reader, the documentation and their test go by it.
 *
 * A plain table instead of a schema library: loading one takes longer than reaching the first signature may.
 */
import { COMMAND_TIMEOUT_MS, DEFAULT_CONNECTOR } from '../keyring/provider-options.ts';

/**
 * What a value has to be. `id`: a whole number, or one in quotes, decimal or 0x. `milliseconds`,
 * `seconds`, `bytes`: a whole number above 0.
 */
export type ConfigKind =
  | 'text'
  | 'texts'
  | 'flag'
  | 'id'
  | 'milliseconds'
  | 'seconds'
  | 'bytes'
  | readonly string[];

/** One key of one table of `signer.toml`. */
export interface ConfigKey {
  /** Table it is in: `log`, `identity`, `validator` (which is repeated), `validator.grpc` and so on. */
  readonly table: string;
  readonly key: string;
  /** A list of texts is a choice among them. */
  readonly kind: ConfigKind;
  /** The value when the key is absent; `undefined` where absence means something of its own. */
  readonly fallback?: string | number | boolean | readonly string[];
  readonly isRequired?: boolean;
  /** The environment variable that stands above the file. */
  readonly variable?: string;
}

/** How much is logged. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** How it is logged. */
export const LOG_FORMATS = ['json', 'text'] as const;

/** Tables of a key in a YubiHSM 2: the one that signs, and one that takes over (S28). */
export const YUBIHSM_TABLES = ['yubihsm', 'standby_yubihsm'] as const;

/** The same for a key in a PKCS#11 token. */
export const PKCS11_TABLES = ['pkcs11', 'standby_pkcs11'] as const;

function yubiHsmKeys(name: string, parent: string): readonly ConfigKey[] {
  const table = `${parent}.${name}`;
  return [
    name === 'yubihsm'
      ? { table, key: 'connector', kind: 'text', fallback: DEFAULT_CONNECTOR }
      : { table, key: 'connector', kind: 'text', isRequired: true },
    { table, key: 'auth_key', kind: 'id', isRequired: true },
    { table, key: 'password_file', kind: 'text', isRequired: true },
    { table, key: 'object_id', kind: 'id', isRequired: true },
    { table, key: 'serial', kind: 'text' },
    { table, key: 'command_timeout_ms', kind: 'milliseconds', fallback: COMMAND_TIMEOUT_MS },
  ];
}

function pkcs11Keys(name: string, parent: string): readonly ConfigKey[] {
  const table = `${parent}.${name}`;
  return [
    { table, key: 'module', kind: 'text', isRequired: true },
    { table, key: 'token', kind: 'text', isRequired: true },
    { table, key: 'pin_file', kind: 'text', isRequired: true },
    { table, key: 'key_label', kind: 'text' },
    { table, key: 'key_id', kind: 'text' },
    { table, key: 'command_timeout_ms', kind: 'milliseconds', fallback: COMMAND_TIMEOUT_MS },
  ];
}

/** The tables of a key in a device, below the table of what has the key. */
function deviceKeys(parent: string): readonly ConfigKey[] {
  return [
    ...YUBIHSM_TABLES.flatMap((name) => yubiHsmKeys(name, parent)),
    ...PKCS11_TABLES.flatMap((name) => pkcs11Keys(name, parent)),
  ];
}

/** The keys. */
export const CONFIG_KEYS: readonly ConfigKey[] = [
  {
    table: 'log',
    key: 'level',
    kind: LOG_LEVELS,
    fallback: 'info',
    variable: 'PRIVVAL_LOG_LEVEL',
  },
  {
    table: 'log',
    key: 'format',
    kind: LOG_FORMATS,
    fallback: 'json',
    variable: 'PRIVVAL_LOG_FORMAT',
  },
  {
    table: 'identity',
    key: 'key_file',
    kind: 'text',
    fallback: 'identity.json',
    variable: 'PRIVVAL_IDENTITY_KEY_FILE',
  },
  { table: 'validator', key: 'name', kind: 'text', isRequired: true },
  { table: 'validator', key: 'chain_id', kind: 'text', isRequired: true },
  { table: 'validator', key: 'key_file', kind: 'text' },
  { table: 'validator', key: 'passphrase_file', kind: 'text' },
  { table: 'validator', key: 'nodes', kind: 'texts', fallback: [] },
  // Parallel to `nodes`: the i-th belongs to the i-th node; an empty text is a node without one.
  { table: 'validator', key: 'rpc', kind: 'texts', fallback: [] },
  { table: 'validator', key: 'witnesses', kind: 'texts', fallback: [] },
  ...deviceKeys('validator'),
  // Base64 of 32 bytes: which of the keys in the database this is the place of (S35).
  { table: 'validator.rotated_key', key: 'public_key', kind: 'text', isRequired: true },
  { table: 'validator.rotated_key', key: 'key_file', kind: 'text' },
  { table: 'validator.rotated_key', key: 'passphrase_file', kind: 'text' },
  ...deviceKeys('validator.rotated_key'),
  { table: 'validator.grpc', key: 'listen', kind: 'text', isRequired: true },
  { table: 'validator.grpc', key: 'cert', kind: 'text' },
  { table: 'validator.grpc', key: 'key', kind: 'text' },
  { table: 'validator.grpc', key: 'client_ca', kind: 'text' },
  { table: 'validator.grpc', key: 'insecure', kind: 'flag', fallback: false },
  { table: 'http', key: 'listen', kind: 'text', variable: 'PRIVVAL_HTTP_LISTEN' },
  { table: 'http', key: 'public', kind: 'flag', fallback: false },
  { table: 'admin', key: 'listen', kind: 'text' },
  { table: 'admin', key: 'cert', kind: 'text' },
  { table: 'admin', key: 'key', kind: 'text' },
  { table: 'admin', key: 'client_ca', kind: 'text' },
  { table: 'admin', key: 'credentials_file', kind: 'text' },
  { table: 'admin', key: 'two_person', kind: 'flag', fallback: false },
  { table: 'admin', key: 'approval_seconds', kind: 'seconds', fallback: 900 },
  { table: 'audit', key: 'max_bytes', kind: 'bytes', fallback: 1_073_741_824 },
  { table: 'audit', key: 'segment_bytes', kind: 'bytes', fallback: 33_554_432 },
  { table: 'audit', key: 'disk_reserve_bytes', kind: 'bytes', fallback: 268_435_456 },
  { table: 'audit', key: 'checkpoint_seconds', kind: 'seconds', fallback: 3_600 },
];
