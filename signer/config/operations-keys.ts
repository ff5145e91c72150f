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
  // Base64 of 32 bytes: which of the keys in the database this is the place of (S35).
  { table: 'validator.rotated_key', key: 'public_key', kind: 'text', isRequired: true },
  { table: 'validator.rotated_key', key: 'key_file', kind: 'text' },
  { table: 'validator.rotated_key', key: 'passphrase_file', kind: 'text' },
];
