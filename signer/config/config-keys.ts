/**
 * Every key `signer.toml` may have, once: the reader, the documentation and their test go by it.
 *
 * A plain table instead of a schema library: loading one takes longer than reaching the first signature may.
 */

/** What a value has to be. */
export type ConfigKind = 'text' | 'texts' | 'flag' | readonly string[];

/** One key of one table of `signer.toml`. */
export interface ConfigKey {
  /** Table it is in: `log`, `identity`, `validator` (which is repeated), `validator.grpc`. */
  readonly table: string;
  readonly key: string;
  /** A list of texts is a choice among them. */
  readonly kind: ConfigKind;
  /** The value when the key is absent; `undefined` where absence means something of its own. */
  readonly fallback?: string | boolean | readonly string[];
  readonly isRequired?: boolean;
  /** The environment variable that stands above the file. */
  readonly variable?: string;
}

/** How much is logged. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** How it is logged. */
export const LOG_FORMATS = ['json', 'text'] as const;

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
  { table: 'validator', key: 'key_file', kind: 'text', isRequired: true },
  { table: 'validator', key: 'passphrase_file', kind: 'text' },
  { table: 'validator', key: 'nodes', kind: 'texts', fallback: [] },
  { table: 'validator.grpc', key: 'listen', kind: 'text', isRequired: true },
  { table: 'validator.grpc', key: 'cert', kind: 'text' },
  { table: 'validator.grpc', key: 'key', kind: 'text' },
  { table: 'validator.grpc', key: 'client_ca', kind: 'text' },
  { table: 'validator.grpc', key: 'insecure', kind: 'flag', fallback: false },
];
