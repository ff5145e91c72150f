/** Where a validator's key is, out of its tables: one place, or two that hold the same key (S28). */
import { resolve } from 'node:path';
import {
  parseConnectorUrl,
  parseKeyId,
  parseObjectId,
  parseSerial,
} from '../keyring/device-values.ts';
import {
  type DeviceProviderOptions,
  isSamePlace,
  type Pkcs11KeyName,
  type Pkcs11ProviderOptions,
  type ProviderOptions,
  type YubiHsmProviderOptions,
} from '../keyring/provider-options.ts';
import type { ConfigTable } from './config-table.ts';

/**
 * The provider that signs, then its standby, where there is one.
 *
 * @throws {ConfigValueError} ERR_CONFIG_VALUE
 */
export function readProviders(table: ConfigTable, home: string): readonly ProviderOptions[] {
  const keyFile = table.optionalText('key_file');
  const yubihsm = table.child('yubihsm');
  const pkcs11 = table.child('pkcs11');
  const named = [keyFile, yubihsm, pkcs11].filter((source) => source !== undefined).length;
  if (named === 0) {
    throw table.fault(
      'key_file',
      'is missing, and so are [validator.yubihsm] and [validator.pkcs11]: there is no key to sign with',
    );
  }
  if (named > 1) {
    throw table.fault(
      keyFile === undefined ? 'pkcs11' : 'key_file',
      'contradicts another source of the key: name one of key_file, [validator.yubihsm] and [validator.pkcs11]',
    );
  }
  const primary = readPrimary(table, home, { keyFile, yubihsm, pkcs11 });
  const standby = readStandby(table, home);
  if (standby === undefined) return [primary];
  const place = standby.kind === 'yubihsm' ? 'standby_yubihsm' : 'standby_pkcs11';
  if (primary.kind === 'file') {
    throw table.fault(place, 'has nothing to stand by for: a key in a file does not go away');
  }
  if (isSamePlace(primary, standby)) {
    throw table.fault(place, 'is the same key in the same device: it would go away with it');
  }
  return [primary, standby];
}

interface PrimarySource {
  readonly keyFile: string | undefined;
  readonly yubihsm: ConfigTable | undefined;
  readonly pkcs11: ConfigTable | undefined;
}

function readPrimary(
  table: ConfigTable,
  home: string,
  { keyFile, yubihsm, pkcs11 }: PrimarySource,
): ProviderOptions {
  const passphraseFile = table.optionalText('passphrase_file');
  if (keyFile !== undefined) {
    return {
      kind: 'file',
      keyFile: resolve(home, keyFile),
      passphraseFile: passphraseFile === undefined ? undefined : resolve(home, passphraseFile),
    };
  }
  if (passphraseFile !== undefined) {
    throw table.fault('passphrase_file', 'belongs to a key_file, and there is none');
  }
  if (yubihsm !== undefined) return readYubiHsm(yubihsm, home);
  if (pkcs11 !== undefined) return readPkcs11(pkcs11, home);
  throw table.fault('key_file', 'is missing');
}

function readStandby(table: ConfigTable, home: string): DeviceProviderOptions | undefined {
  const yubihsm = table.child('standby_yubihsm');
  const pkcs11 = table.child('standby_pkcs11');
  if (yubihsm !== undefined && pkcs11 !== undefined) {
    throw table.fault('standby_pkcs11', 'is a second standby: there is one at most');
  }
  if (yubihsm !== undefined) return readYubiHsm(yubihsm, home);
  return pkcs11 === undefined ? undefined : readPkcs11(pkcs11, home);
}

function readYubiHsm(table: ConfigTable, home: string): YubiHsmProviderOptions {
  const serial = table.optionalText('serial');
  return {
    kind: 'yubihsm',
    connector: table.parsed('connector', parseConnectorUrl),
    authKeyId: table.parsedId('auth_key', parseObjectId),
    passwordFile: resolve(home, table.text('password_file')),
    objectId: table.parsedId('object_id', parseObjectId),
    serial: serial === undefined ? undefined : table.parsed('serial', parseSerial),
    commandTimeoutMs: table.number('command_timeout_ms'),
  };
}

function readPkcs11(table: ConfigTable, home: string): Pkcs11ProviderOptions {
  return {
    kind: 'pkcs11',
    module: resolve(home, table.text('module')),
    token: table.text('token'),
    pinFile: resolve(home, table.text('pin_file')),
    key: readKeyName(table),
    commandTimeoutMs: table.number('command_timeout_ms'),
  };
}

function readKeyName(table: ConfigTable): Pkcs11KeyName {
  const label = table.optionalText('key_label');
  const id = table.optionalText('key_id');
  if (label !== undefined && id !== undefined) {
    throw table.fault('key_id', 'contradicts key_label: one of them names the key');
  }
  if (label !== undefined) return { label };
  if (id !== undefined) return { id: table.parsed('key_id', parseKeyId) };
  throw table.fault('key_label', 'is missing, and so is key_id: nothing says which key it is');
}
