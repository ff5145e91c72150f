/** cosmos kms: `kms.yaml`, key files and PKCS#11 keys, and the states it keeps as FilePV does. */
import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UnsupportedKeyTypeError } from '@privval/hsm/file/key-file-errors';
import { parseKeyId } from '../keyring/device-values.ts';
import type { Pkcs11KeyName } from '../keyring/provider-options.ts';
import { readKmsKey } from './base64-key.ts';
import { chosenChains } from './chosen-chains.ts';
import { type ForeignTable, readYamlTable } from './foreign-table.ts';
import type {
  ForeignKey,
  ForeignSetup,
  ForeignValidator,
  ReadForeignOptions,
} from './foreign-validator.ts';
import { ImportKeyUnusableError } from './import-errors.ts';

/** What its configuration may leave open. */
export interface ReadKmsOptions extends ReadForeignOptions {
  /** The token's label, where the configuration has a slot's number. */
  readonly token?: string | undefined;
  /** The user's PIN, where it is in the configuration or in a variable. */
  readonly pinFile?: string | undefined;
}

interface Kms {
  readonly config: ForeignTable;
  readonly options: ReadKmsOptions;
  readonly home: string;
}

/**
 * @param path its home, or `kms.yaml` in there
 * @throws {ImportConfigError} ERR_IMPORT_CONFIG
 * @throws {ImportKeyUnusableError} ERR_IMPORT_KEY_UNUSABLE
 * @throws {UnsupportedKeyTypeError} ERR_KEY_TYPE_UNSUPPORTED
 */
export async function readKms(path: string, options: ReadKmsOptions): Promise<ForeignSetup> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const source = resolve(isFolder ? join(path, 'kms.yaml') : path);
  const config = await readYamlTable(source);
  const kms: Kms = { config, options, home: dirname(source) };
  const chains = config.tables('chains');
  const ids = chains.map((chain) => chain.text('id'));
  const chosen = chosenChains(ids, { path: source, chainId: options.chainId });
  const validators = chains
    .filter((chain) => chosen.includes(chain.text('id')))
    .map((chain) => validatorOf(kms, chain));
  return { signer: 'kms', source, folder: kms.home, validators };
}

function validatorOf(kms: Kms, chain: ForeignTable): ForeignValidator {
  const chainId = chain.text('id');
  const nodes = kms.config
    .tables('validators')
    .filter((validator) => validator.text('chain_id') === chainId)
    .map((validator) => validator.text('addr'));
  const stateFile = chain.optionalText('state_file') ?? join('state', `${chainId}.json`);
  return {
    chainId,
    nodes,
    key: keyOf(kms, chainId),
    stateFiles: [resolve(kms.home, stateFile)],
    gap: undefined,
    notes: nodes.some((node) => node.startsWith('noise://'))
      ? [
          'on noise:// the node names the one signer it takes: put the identity of this one into its priv_validator_laddr, and the old one is shut out',
        ]
      : [],
  };
}

function keyOf(kms: Kms, chainId: string): ForeignKey {
  const keys = kms.config.tables('keys').filter((key) => key.texts('chain_ids').includes(chainId));
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    throw kms.config.fault(`chain ${JSON.stringify(chainId)} has ${keys.length} keys`);
  }
  const backend = key.optionalText('backend') ?? 'file';
  const algorithm = key.optionalText('algorithm') ?? 'ed25519';
  if (algorithm !== 'ed25519') {
    throw new UnsupportedKeyTypeError(`the ${backend} of ${chainId}`, algorithm);
  }
  switch (backend) {
    case 'file': {
      const path = resolve(kms.home, key.text('key_file'));
      return { kind: 'file', path, open: async () => readKmsKey(path) };
    }
    case 'pkcs11':
      return pkcs11Key(kms, chainId, key);
    case 'awskms':
      throw new ImportKeyUnusableError(
        chainId,
        'it is in AWS KMS, which never gives a key away and which this signer does not reach. It stays with cosmos kms, or the validator gets a new key on its chain',
      );
    default:
      throw kms.config.fault(`${JSON.stringify(backend)} is no backend`);
  }
}

function pkcs11Key({ home, options }: Kms, chainId: string, key: ForeignTable): ForeignKey {
  const token = options.token ?? key.optionalText('token_label');
  if (token === undefined) {
    throw new ImportKeyUnusableError(
      chainId,
      "its token is named by the number of a slot, which changes: give the token's label with --token LABEL",
    );
  }
  const pinFile = key.optionalText('pin_file');
  if (options.pinFile === undefined && pinFile === undefined) {
    throw new ImportKeyUnusableError(
      chainId,
      `its PIN is in ${key.path} or in a variable: write it into a file of mode 0600 and name that with --pin-file FILE`,
    );
  }
  return {
    kind: 'device',
    place: {
      kind: 'pkcs11',
      module: resolve(home, key.text('module')),
      token,
      pinFile: options.pinFile ?? resolve(home, pinFile ?? ''),
      key: keyNameOf(key),
    },
  };
}

/** With both, the id: labels are given twice more easily. */
function keyNameOf(key: ForeignTable): Pkcs11KeyName {
  const id = key.optionalText('key_id');
  return id === undefined ? { label: key.text('key_label') } : { id: parseKeyId(`0x${id}`) };
}
