/** tmkms: `tmkms.toml`, its soft keys and YubiHSM keys, its state files. */
import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readKeyFile } from '@privval/hsm/file/open-key-file';
import { parseConnectorUrl, parseObjectId, parseSerial } from '../keyring/device-values.ts';
import { DEFAULT_CONNECTOR } from '../keyring/provider-options.ts';
import { ExpandedKeyFound, readTmkmsKey } from './base64-key.ts';
import { chosenChains } from './chosen-chains.ts';
import { type ForeignTable, readTomlTable } from './foreign-table.ts';
import type {
  ForeignKey,
  ForeignSetup,
  ForeignValidator,
  ReadForeignOptions,
} from './foreign-validator.ts';
import { ImportKeyUnusableError } from './import-errors.ts';

/** What its configuration may leave open. */
export interface ReadTmkmsOptions extends ReadForeignOptions {
  /** Where it is started: its relative paths begin there. @default the folder of `tmkms.toml` */
  readonly workdir?: string | undefined;
  /** Where the connector answers, for a device it reached over USB by itself. @default {@link DEFAULT_CONNECTOR} */
  readonly connector?: string | undefined;
  /** The password of the device's authentication key, where it stands in `tmkms.toml` itself. */
  readonly passwordFile?: string | undefined;
}

interface Tmkms {
  readonly config: ForeignTable;
  readonly options: ReadTmkmsOptions;
  /** Makes a path of its configuration absolute. */
  readonly absolute: (path: string) => string;
}

/**
 * @param path `tmkms.toml`, or its folder
 * @throws {ImportConfigError} ERR_IMPORT_CONFIG
 * @throws {ImportKeyUnusableError} ERR_IMPORT_KEY_UNUSABLE
 */
export async function readTmkms(path: string, options: ReadTmkmsOptions): Promise<ForeignSetup> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const source = resolve(isFolder ? join(path, 'tmkms.toml') : path);
  const config = await readTomlTable(source);
  const folder = resolve(options.workdir ?? dirname(source));
  const tmkms: Tmkms = { config, options, absolute: (text) => resolve(folder, text) };
  const chains = config.tables('chain');
  const ids = chains.map((chain) => chain.text('id'));
  const chosen = chosenChains(ids, { path: source, chainId: options.chainId });
  const validators = chains
    .filter((chain) => chosen.includes(chain.text('id')))
    .map((chain) => validatorOf(tmkms, chain));
  return { signer: 'tmkms', source, folder, validators };
}

function validatorOf(tmkms: Tmkms, chain: ForeignTable): ForeignValidator {
  const chainId = chain.text('id');
  const connections = tmkms.config
    .tables('validator')
    .filter((validator) => validator.text('chain_id') === chainId);
  const { key, notes } = keyOf(tmkms, chainId);
  const stateFile = chain.optionalText('state_file') ?? `${chainId}_priv_validator_state.json`;
  const limits = connections.flatMap((connection) => connection.optionalText('max_height') ?? []);
  return {
    chainId,
    nodes: connections.map((connection) => nodeOf(tmkms, connection.text('addr'))),
    key,
    stateFiles: [tmkms.absolute(stateFile)],
    gap: undefined,
    notes: [
      ...notes,
      ...limits.map(
        (height) => `max_height = ${height} is not taken over: this signer would sign above it`,
      ),
    ],
  };
}

function nodeOf({ absolute }: Tmkms, addr: string): string {
  return addr.startsWith('unix://') ? `unix://${absolute(addr.slice('unix://'.length))}` : addr;
}

interface FoundKey {
  readonly key: ForeignKey;
  readonly notes: readonly string[];
}

function keyOf(tmkms: Tmkms, chainId: string): FoundKey {
  const providers = tmkms.config.table('providers');
  if (providers === undefined) throw tmkms.config.fault('it has no providers');
  const isOurs = (table: ForeignTable): boolean => table.texts('chain_ids').includes(chainId);
  const isConsensus = (kind: string | undefined): boolean => (kind ?? 'consensus') === 'consensus';
  const soft = providers
    .tables('softsign')
    .filter((key) => isOurs(key) && isConsensus(key.optionalText('key_type')));
  const inDevices = providers.tables('yubihsm').flatMap((device) =>
    device
      .tables('keys')
      .filter((key) => isOurs(key) && isConsensus(key.optionalText('type')))
      .map((key) => ({ device, key })),
  );
  const elsewhere = [
    ...providers
      .tables('ledgertm')
      .filter(isOurs)
      .map(() => 'a Ledger'),
    ...providers
      .tables('fortanixdsm')
      .flatMap((account) => account.tables('signing_keys'))
      .filter((key) => isOurs(key) && isConsensus(key.optionalText('type')))
      .map(() => 'Fortanix DSM'),
  ];
  const count = soft.length + inDevices.length + elsewhere.length;
  if (count > 1) {
    throw tmkms.config.fault(`chain ${JSON.stringify(chainId)} has ${count} consensus keys`);
  }
  const [file] = soft;
  if (file !== undefined) return { key: softKey(tmkms, chainId, file), notes: [] };
  const [held] = inDevices;
  if (held !== undefined) return yubiHsmKey(tmkms, chainId, held);
  const [where] = elsewhere;
  if (where === undefined) {
    throw tmkms.config.fault(`chain ${JSON.stringify(chainId)} has no consensus key`);
  }
  throw new ImportKeyUnusableError(
    chainId,
    `it is in ${where}, which this signer does not reach. A key that cannot leave its device stays with tmkms`,
  );
}

function softKey(tmkms: Tmkms, chainId: string, key: ForeignTable): ForeignKey {
  const path = tmkms.absolute(key.text('path'));
  if (key.optionalText('key_format') === 'json') {
    return {
      kind: 'file',
      path,
      open: async (options) => (await readKeyFile(path, options)).secret,
    };
  }
  return {
    kind: 'file',
    path,
    open: async () => {
      const found = readTmkmsKey(path);
      if (!(found instanceof ExpandedKeyFound)) return found;
      throw new ImportKeyUnusableError(
        chainId,
        `${path} holds ${found.bytes} bytes, a key that was expanded already, and no seed follows from it. Import the original (priv_validator_key.json, or the 32 bytes of its seed); or, if it came out of a YubiHSM, use it there (signer hsm keys import, then signer init --provider yubihsm)`,
      );
    },
  };
}

function yubiHsmKey(
  { options, absolute }: Tmkms,
  chainId: string,
  { device, key }: { readonly device: ForeignTable; readonly key: ForeignTable },
): FoundKey {
  const adapter = device.table('adapter');
  const auth = device.table('auth');
  if (adapter === undefined || auth === undefined) {
    throw device.fault('a YubiHSM has no adapter, or no auth');
  }
  const isUsb = adapter.text('type') === 'usb';
  const connector =
    options.connector ?? (isUsb ? DEFAULT_CONNECTOR : connectorOf(adapter.text('addr')));
  const passwordFile = options.passwordFile ?? auth.optionalText('password_file');
  if (passwordFile === undefined) {
    throw new ImportKeyUnusableError(
      chainId,
      `the password of the device's authentication key stands in ${device.path} itself: write it into a file of mode 0600 and name that with --password-file FILE`,
    );
  }
  const serial = device.optionalText('serial_number');
  return {
    key: {
      kind: 'device',
      place: {
        kind: 'yubihsm',
        connector,
        authKeyId: parseObjectId(auth.text('key')),
        passwordFile: options.passwordFile ?? absolute(passwordFile),
        objectId: parseObjectId(key.text('key')),
        serial: serial === undefined ? undefined : parseSerial(serial),
      },
    },
    notes: isUsb
      ? [
          `tmkms reached the device over USB by itself; this signer goes through yubihsm-connector, at ${connector} (--connector URL)`,
        ]
      : [],
  };
}

/** `tcp://127.0.0.1:12345` in tmkms. */
function connectorOf(addr: string): string {
  return parseConnectorUrl(addr.replace(/^(?:tcp:\/\/)?(?!http:)/, 'http://'));
}
