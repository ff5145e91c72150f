/** The stock programs that the interop tests run against: where they are, and how the nodes differ. */
import { createHash } from 'node:crypto';
import { accessSync, constants, globSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';

/** A stock node, by program and version. */
export type NodeName =
  | 'tendermint-0.34.24'
  | 'tendermint-0.35.9'
  | 'cometbft-0.37.18'
  | 'cometbft-0.38.25'
  | 'cometbft-0.39.4'
  | 'cometbft-0.40.0'
  | 'cometbft-1.0.1';

/** Anything that `build.sh` builds, by the name it has there. */
export type PeerName =
  | NodeName
  | 'tm-signer-harness'
  | 'tmkms'
  | 'oracle'
  | 'filepv-signer'
  | 'yubihsm-mock'
  | 'yubihsm-rust'
  | 'yubihsm-python';

/** How a node meets its signer. On all but `grpc` the node listens and the signer dials. */
export type SignerScheme = 'tcp' | 'unix' | 'noise' | 'grpc';

/** What differs between stock nodes, as far as the tests care. */
export interface NodeFacts {
  readonly name: NodeName;
  /** The privval messages it speaks: `cometbft-v1` has other fields in the answer with the key. */
  readonly wire: 'tendermint' | 'cometbft-v1';
  readonly schemes: readonly SignerScheme[];
  /** Where the address for the signer is configured: table (empty for the head of the file) and key. */
  readonly signerAddress: { readonly table: string; readonly key: string };
  /** Joins the words of a configuration key, as in `timeout_commit`. */
  readonly keyJoint: '_' | '-';
  /** Arguments that make a home, besides `--home`. */
  readonly init: readonly string[];
  /** Arguments that run the node with its built-in application, besides `--home`. */
  readonly start: readonly string[];
  /** Whether its votes have extensions, and it asks for a second signature. */
  readonly voteExtensions: boolean;
  /** The longest message body that it reads from a signer. */
  readonly readLimitBytes: number;
}

const UNDERSCORED = {
  wire: 'tendermint',
  schemes: ['tcp', 'unix'],
  signerAddress: { table: '', key: 'priv_validator_laddr' },
  keyJoint: '_',
  init: ['init'],
  start: ['start', '--proxy_app', 'kvstore'],
  voteExtensions: false,
  readLimitBytes: 10_240,
} as const satisfies Omit<NodeFacts, 'name'>;

/** All stock nodes, oldest first. Read from their sources and measured. */
export const STOCK_NODES: readonly NodeFacts[] = [
  { ...UNDERSCORED, name: 'tendermint-0.34.24' },
  {
    ...UNDERSCORED,
    name: 'tendermint-0.35.9',
    schemes: ['tcp', 'unix', 'grpc'],
    signerAddress: { table: 'priv-validator', key: 'laddr' },
    keyJoint: '-',
    init: ['init', 'validator'],
    start: ['start', '--proxy-app', 'kvstore'],
  },
  { ...UNDERSCORED, name: 'cometbft-0.37.18' },
  { ...UNDERSCORED, name: 'cometbft-0.38.25', voteExtensions: true },
  { ...UNDERSCORED, name: 'cometbft-0.39.4', voteExtensions: true },
  {
    ...UNDERSCORED,
    name: 'cometbft-0.40.0',
    schemes: ['tcp', 'unix', 'noise'],
    voteExtensions: true,
    readLimitBytes: 1_056_218,
  },
  { ...UNDERSCORED, name: 'cometbft-1.0.1', wire: 'cometbft-v1', voteExtensions: true },
];

/** The facts about one stock node. */
export function nodeFacts(name: NodeName): NodeFacts {
  const facts = STOCK_NODES.find((node) => node.name === name);
  if (facts === undefined) throw new InvariantError(`no stock node is called ${name}`);
  return facts;
}

/** A peer has not been built. Run `bash test/interop/peers/build.sh`. */
export class PeerMissingError extends CodedError {
  override readonly name = 'PeerMissingError';
  readonly code = 'ERR_PEER_MISSING';
  readonly peer: string;

  constructor(missing: { readonly peer: string; readonly path: string }, options?: ErrorOptions) {
    const { peer, path } = missing;
    super(
      `${peer} is not at ${path}: build it with 'bash test/interop/peers/build.sh ${peer}'`,
      options,
    );
    this.peer = peer;
  }
}

/** Where `build.sh` puts the program of each peer; a peer of a module of ours has its content's hash in the path. */
const LAYOUT: Readonly<Record<PeerName, { folder: string; binary: string; module?: string }>> = {
  'tendermint-0.34.24': {
    folder: 'tendermint-0.34.24',
    binary: 'tendermint',
    module: 'tendermint-0.34',
  },
  'tendermint-0.35.9': {
    folder: 'tendermint-0.35.9',
    binary: 'tendermint',
    module: 'tendermint-0.35',
  },
  'tm-signer-harness': {
    folder: 'tm-signer-harness-0.34.24',
    binary: 'tm-signer-harness',
    module: 'tendermint-0.34',
  },
  'cometbft-0.37.18': { folder: 'cometbft-0.37.18', binary: 'cometbft' },
  'cometbft-0.38.25': { folder: 'cometbft-0.38.25', binary: 'cometbft' },
  'cometbft-0.39.4': { folder: 'cometbft-0.39.4', binary: 'cometbft' },
  'cometbft-0.40.0': { folder: 'cometbft-0.40.0', binary: 'cometbft' },
  'cometbft-1.0.1': { folder: 'cometbft-1.0.1', binary: 'cometbft' },
  tmkms: { folder: 'tmkms-0.15.0', binary: 'tmkms' },
  oracle: { folder: 'oracle-0.38.25', binary: 'oracle', module: '../oracle' },
  'filepv-signer': {
    folder: 'filepv-signer-0.38.25',
    binary: 'filepv-signer',
    module: '../oracle',
  },
  'yubihsm-mock': {
    folder: 'yubihsm-mock-0.42.1',
    binary: 'yubihsm-mock',
    module: '../yubihsm-mock',
  },
  'yubihsm-rust': {
    folder: 'yubihsm-rust-0.42.1',
    binary: 'yubihsm-rust',
    module: '../yubihsm-rust',
  },
  'yubihsm-python': {
    folder: 'yubihsm-python-3.1.2',
    binary: 'bin/python',
    module: '../yubihsm-python',
  },
};

/**
 * The path of a peer's program.
 *
 * @throws {PeerMissingError} when it has not been built, or not from the sources as they are now.
 */
export function peerBinary(name: PeerName): string {
  const { folder, binary, module } = LAYOUT[name];
  const hash = module === undefined ? '' : `-${hashOfModule(join(import.meta.dirname, module))}`;
  const path = join(peerCache(), `${folder}${hash}`, binary);
  try {
    accessSync(path, constants.X_OK);
  } catch (cause) {
    throw new PeerMissingError({ peer: name, path }, { cause });
  }
  return path;
}

/** The cache folder, as `build.sh --print-dir` prints it. */
export function peerCache(): string {
  const { PRIVVAL_PEER_CACHE: own, XDG_CACHE_HOME: user } = process.env;
  return own || join(user || join(homedir(), '.cache'), 'privval-peers');
}

/** `hash_of` of build.sh: sha256 over the output of sha256sum for each file, sorted by its bytes. */
function hashOfModule(directory: string): string {
  const sources = [
    '*.go',
    'go.mod',
    'go.sum',
    '*.rs',
    'Cargo.toml',
    'Cargo.lock',
    'requirements.txt',
  ];
  const files = globSync(
    sources.map((name) => `**/${name}`),
    { cwd: directory },
  ).sort();
  const lines = files.map((file) => `${sha256(readFileSync(join(directory, file)))}  ${file}\n`);
  return sha256(lines.join('')).slice(0, 12);
}

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}
