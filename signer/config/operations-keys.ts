/**
 * The keys `signer.toml` gets for running a signer, by table: to become part of `CONFIG_KEYS`, whose
 * test wants each explained in docs/operations.md.
 */
import type { ConfigKey } from './config-keys.ts';

/** As {@link ConfigKey}, with the kinds that are new. */
export interface OperationsKey extends Omit<ConfigKey, 'kind'> {
  /** `bytes`: a whole number of bytes. `seconds`: a whole number above 0. */
  readonly kind: ConfigKey['kind'] | 'bytes' | 'seconds';
}

/** The keys. The place of a rotated key is a repeated table below a validator: `[[validator.rotated_key]]`. */
export const OPERATIONS_KEYS: readonly OperationsKey[] = [
  // Parallel to `nodes`: the i-th belongs to the i-th node; an empty text is a node without one.
  { table: 'validator', key: 'rpc', kind: 'texts', fallback: [] },
  { table: 'validator', key: 'witnesses', kind: 'texts', fallback: [] },
  // Base64 of 32 bytes: which of the keys in the database this is the place of (S35).
  { table: 'validator.rotated_key', key: 'public_key', kind: 'text', isRequired: true },
  { table: 'validator.rotated_key', key: 'key_file', kind: 'text' },
  { table: 'validator.rotated_key', key: 'passphrase_file', kind: 'text' },
  { table: 'http', key: 'listen', kind: 'text' },
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
