/** horcrux v3: `config.yaml`, `*_priv_validator_key.json` (single mode), `*_shard.json` (threshold mode) and `state/`. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readKeyFile } from '@privval/hsm/file/open-key-file';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { chosenChains } from './chosen-chains.ts';
import { type ForeignTable, readYamlTable } from './foreign-table.ts';
import type {
  ForeignKey,
  ForeignSetup,
  ForeignValidator,
  ReadForeignOptions,
} from './foreign-validator.ts';
import { readShardPublicKey } from './horcrux-shard.ts';
import {
  ImportAnotherKeyError,
  ImportChooseChainError,
  ImportConfigError,
  ImportKeyUnusableError,
} from './import-errors.ts';

const SINGLE_KEY = '_priv_validator_key.json';
const SHARD = '_shard.json';
const CLUSTER_STATE = '_priv_validator_state.json';
const SHARE_STATE = '_share_sign_state.json';

/** What one cosigner's folder does not hold. */
export interface ReadHorcruxOptions extends ReadForeignOptions {
  /** The key as it was before it was sharded. */
  readonly keyFile?: string | undefined;
  /** Homes of other cosigners, or copies of them; their `state` is all that is looked at. */
  readonly cosigners?: readonly string[] | undefined;
  /** Whether nodes are named on the command line, where the configuration cannot say whose they are. */
  readonly hasNodes?: boolean | undefined;
}

interface Horcrux {
  readonly config: ForeignTable;
  readonly home: string;
  readonly keyDir: string;
  readonly options: ReadHorcruxOptions;
  /** `undefined` in single mode. */
  readonly cluster: Cluster | undefined;
}

/** How many cosigners there are, and how many of them make a signature. */
interface Cluster {
  readonly threshold: number;
  readonly size: number;
}

/**
 * @param path the home of a cosigner, or `config.yaml` in there
 * @throws {ImportConfigError} ERR_IMPORT_CONFIG
 * @throws {ImportChooseChainError} ERR_IMPORT_CHOOSE_CHAIN
 * @throws {ImportKeyUnusableError} ERR_IMPORT_KEY_UNUSABLE
 */
export async function readHorcrux(
  path: string,
  options: ReadHorcruxOptions,
): Promise<ForeignSetup> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const source = resolve(isFolder ? join(path, 'config.yaml') : path);
  const config = await readYamlTable(source);
  if (config.has('chain-id') || config.has('chain-nodes')) {
    throw config.fault('it is one of horcrux v2: bring it to v3 first (horcrux config migrate)');
  }
  const home = dirname(source);
  const horcrux: Horcrux = {
    config,
    home,
    keyDir: resolve(home, config.optionalText('keyDir') ?? '.'),
    options,
    cluster: clusterOf(config),
  };
  const all = chainsOf(horcrux);
  const chosen = chosenChains(all, { path: home, chainId: options.chainId });
  if (chosen.length > 1) {
    throw new ImportChooseChainError('config.yaml does not say which node is of which chain', all);
  }
  if (all.length > 1 && options.hasNodes !== true) {
    throw config.fault(
      `it does not say which of its nodes are of ${chosen.join()}: name those with --node ADDR`,
    );
  }
  const validators = chosen.map((chainId) => validatorOf(horcrux, chainId));
  return { signer: 'horcrux', source, folder: home, validators };
}

function clusterOf(config: ForeignTable): Cluster | undefined {
  const mode = config.optionalText('signMode') ?? 'threshold';
  if (mode === 'single') return undefined;
  if (mode !== 'threshold') throw config.fault(`${JSON.stringify(mode)} is no signMode`);
  const threshold = config.table('thresholdMode');
  if (threshold === undefined) throw config.fault('thresholdMode is missing');
  const size = threshold.tables('cosigners').length;
  const needed = threshold.wholeNumber('threshold', 1);
  if (needed > size) throw config.fault(`a threshold of ${needed} with ${size} cosigners`);
  return { threshold: needed, size };
}

/** No configuration of horcrux names a chain: the names of its files do. */
function chainsOf({ keyDir, home, cluster }: Horcrux): readonly string[] {
  const keys = namesWith(keyDir, cluster === undefined ? SINGLE_KEY : SHARD);
  // A copy without its shard still has the states.
  const states = [CLUSTER_STATE, SHARE_STATE].flatMap((end) => namesWith(join(home, 'state'), end));
  return [...new Set([...keys, ...states])].sort();
}

function namesWith(folder: string, end: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(end) && name.length > end.length)
      .map((name) => name.slice(0, -end.length));
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return [];
    throw new ImportConfigError(
      { path: folder, reason: `it cannot be read (${errorCode(cause)})` },
      { cause },
    );
  }
}

function validatorOf(horcrux: Horcrux, chainId: string): ForeignValidator {
  const { config, home, options, cluster } = horcrux;
  const homes = [home, ...(options.cosigners ?? []).map((folder) => resolve(folder))];
  return {
    chainId,
    nodes: config.tables('chainNodes').map((node) => node.text('privValAddr')),
    key: cluster === undefined ? singleKey(horcrux, chainId) : wholeKey(horcrux, chainId),
    stateFiles: homes.flatMap((folder) => stateFiles(folder, chainId)),
    gap: cluster === undefined ? undefined : gapOf(cluster, homes, chainId),
    notes: [],
  };
}

function stateFiles(home: string, chainId: string): readonly string[] {
  return [CLUSTER_STATE, SHARE_STATE].map((end) => join(home, 'state', `${chainId}${end}`));
}

function singleKey({ keyDir, options }: Horcrux, chainId: string): ForeignKey {
  const path = resolve(options.keyFile ?? join(keyDir, `${chainId}${SINGLE_KEY}`));
  return { kind: 'file', path, open: async (wait) => (await readKeyFile(path, wait)).secret };
}

/**
 * Shards are shares of an expanded key. Put together they give its scalar, from which neither the
 * seed nor the other half of the expanded key follows; and whoever gathers them in one place has
 * given up what they were made for. So the original is what is imported.
 */
function wholeKey({ keyDir, options }: Horcrux, chainId: string): ForeignKey {
  if (options.keyFile === undefined) {
    throw new ImportKeyUnusableError(
      chainId,
      'it is in shards, and no key that this signer could hold follows from them: give the priv_validator_key.json that was sharded, with --key-file FILE. Its history comes from the states of the cosigners',
    );
  }
  const path = resolve(options.keyFile);
  const shard = join(keyDir, `${chainId}${SHARD}`);
  return {
    kind: 'file',
    path,
    open: async (wait) => {
      const { secret } = await readKeyFile(path, wait);
      try {
        const expected = readShardPublicKey(shard);
        if (expected !== undefined && !equalBytes(expected, secret.publicKey.bytes)) {
          throw new ImportAnotherKeyError(path, shard);
        }
        return secret;
      } catch (error) {
        secret[Symbol.dispose]();
        throw error;
      }
    },
  };
}

/**
 * A signature takes `threshold` cosigners, each of which writes down its part. Only among any
 * `size - threshold + 1` of them is there surely one that took part in the last one.
 */
function gapOf(
  { threshold, size }: Cluster,
  homes: readonly string[],
  chainId: string,
): string | undefined {
  const needed = size - threshold + 1;
  const found = new Set(
    homes.flatMap((home) => {
      const file = join(home, 'state', `${chainId}${SHARE_STATE}`);
      return statSync(file, { throwIfNoEntry: false }) === undefined ? [] : [realpathSync(file)];
    }),
  ).size;
  if (found >= needed) return undefined;
  return `the share_sign_state.json of ${found} of ${size} cosigners ${found === 1 ? 'is' : 'are'} here, and with a threshold of ${threshold} the last signature may be unknown to fewer than ${needed} of them. Copy the home of another cosigner here, without its shard, and name it with --cosigner DIR`;
}
