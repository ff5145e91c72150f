/** A node that holds its key itself: `priv_validator_key.json` and `priv_validator_state.json`, alone or in its home. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readKeyFile } from '@privval/hsm/file/open-key-file';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { parseNodeAddress, printEndpoint } from '../connection/node-address.ts';
import { type ForeignTable, readTomlTable } from './foreign-table.ts';
import type { ForeignSetup, ReadForeignOptions } from './foreign-validator.ts';
import { ImportConfigError } from './import-errors.ts';

const KEY_NAME = 'priv_validator_key.json';
const STATE_NAME = 'priv_validator_state.json';

/** Genesis files with an exported state are larger, and take their time; then the chain id is typed. */
const MAX_GENESIS_BYTES = 64 * 1024 * 1024;

/** Where the pieces are, and what else the node's configuration says. */
interface Pieces {
  readonly keyFile: string;
  readonly stateFiles: readonly string[];
  readonly genesis: string | undefined;
  readonly laddr: string | undefined;
}

/**
 * @param path a node's home, a folder with the two files in it, or the key file
 * @throws {ImportConfigError} ERR_IMPORT_CONFIG
 */
export async function readFilePv(path: string, options: ReadForeignOptions): Promise<ForeignSetup> {
  const source = resolve(path);
  const stats = statSync(source, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new ImportConfigError({ path: source, reason: 'there is no such file or folder' });
  }
  const pieces = stats.isDirectory() ? await inFolder(source) : besideKey(source);
  const { keyFile, stateFiles, laddr } = pieces;
  const chainId = options.chainId ?? chainIdOf(pieces, source);
  const node = laddr === undefined ? undefined : nodeListeningAt(laddr);
  return {
    signer: 'filepv',
    source,
    folder: stats.isDirectory() ? source : dirname(source),
    validators: [
      {
        chainId,
        nodes: node === undefined ? [] : [node],
        key: {
          kind: 'file',
          path: keyFile,
          open: async (wait) => (await readKeyFile(keyFile, wait)).secret,
        },
        stateFiles,
        gap: undefined,
        notes: [],
      },
    ],
  };
}

async function inFolder(folder: string): Promise<Pieces> {
  const configFile = join(folder, 'config', 'config.toml');
  if (existsSync(configFile)) return inHome(folder, await readTomlTable(configFile));
  if (existsSync(join(folder, KEY_NAME))) return besideKey(join(folder, KEY_NAME));
  if (existsSync(join(folder, 'config', KEY_NAME))) {
    return besideKey(join(folder, 'config', KEY_NAME));
  }
  throw new ImportConfigError({
    path: folder,
    reason: `it is no home of a node (no config/config.toml) and has no ${KEY_NAME}`,
  });
}

/** v0.35 writes dashes, and has a table of its own; every other version has it all at the top. */
function inHome(home: string, config: ForeignTable): Pieces {
  const dashed = config.table('priv-validator');
  const keyFile =
    dashed?.optionalText('key-file') ?? config.optionalText('priv_validator_key_file');
  const stateFile =
    dashed?.optionalText('state-file') ?? config.optionalText('priv_validator_state_file');
  const genesis = config.optionalText('genesis_file') ?? config.optionalText('genesis-file');
  return {
    keyFile: resolve(home, keyFile ?? join('config', KEY_NAME)),
    stateFiles: [resolve(home, stateFile ?? join('data', STATE_NAME))],
    genesis: resolve(home, genesis ?? join('config', 'genesis.json')),
    laddr: dashed?.optionalText('laddr') ?? config.optionalText('priv_validator_laddr'),
  };
}

/** The state lies beside the key, or where the home around the key would have it. */
function besideKey(keyFile: string): Pieces {
  const folder = dirname(keyFile);
  const isInHome = basename(folder) === 'config';
  return {
    keyFile,
    stateFiles: [
      join(folder, STATE_NAME),
      ...(isInHome ? [join(dirname(folder), 'data', STATE_NAME)] : []),
    ],
    genesis: isInHome ? join(folder, 'genesis.json') : undefined,
    laddr: undefined,
  };
}

function chainIdOf({ genesis }: Pieces, source: string): string {
  const size =
    genesis === undefined ? undefined : statSync(genesis, { throwIfNoEntry: false })?.size;
  if (genesis === undefined || size === undefined || size > MAX_GENESIS_BYTES) {
    throw new ImportConfigError({
      path: source,
      reason: 'nothing here says which chain this key signs for: give --chain-id ID',
    });
  }
  const chainId = readChainId(genesis);
  if (typeof chainId === 'string') return chainId;
  throw new ImportConfigError({
    path: genesis,
    reason: 'it names no chain: give --chain-id ID',
  });
}

function readChainId(genesis: string): unknown {
  try {
    return JSON.parse(readFileSync(genesis, 'utf8'))?.chain_id;
  } catch (cause) {
    const reason = `it cannot be read (${errorCode(cause)}): give --chain-id ID`;
    throw new ImportConfigError({ path: genesis, reason }, { cause });
  }
}

/**
 * Where to dial a node that listens at `laddr`, taken to be on this machine when it listens
 * everywhere. `undefined` where that does not follow: noise:// names the signer's id there, not the
 * node's, and a gRPC node dials.
 */
function nodeListeningAt(laddr: string): string | undefined {
  if (/^(?:noise|grpc):/.test(laddr)) return undefined;
  const address = parseNodeAddress(laddr);
  if (address.scheme !== 'tcp') return laddr;
  const { host, port } = address;
  if (host === '0.0.0.0') return `tcp://127.0.0.1:${port}`;
  if (host === '::') return `tcp://[::1]:${port}`;
  return `tcp://${printEndpoint(address)}`;
}
