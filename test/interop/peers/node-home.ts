/** The folder of a one-validator chain on a stock node: keys, genesis and configuration, before anything runs. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import {
  type NodeFacts,
  type NodeName,
  nodeFacts,
  peerBinary,
  type SignerScheme,
} from './peers.ts';
import { changeSettings, type Setting } from './settings.ts';

const run = promisify(execFile);

/** A public key as CometBFT writes it in JSON; `value` is base64. */
export interface CometPublicKey {
  readonly type: string;
  readonly value: string;
}

/** What kind of chain to make. */
export interface NodeHomeOptions {
  readonly node: NodeName;
  readonly chainId: string;
  /** How the signer is reached. Without it the node signs with a key file of its own. */
  readonly scheme?: SignerScheme;
  /**
   * The pause after each commit.
   *
   * @default 150
   */
  readonly timeoutCommitMs?: number;
}

/** What is known of the signer only after it was set up with the node's address. */
export interface SignerFacts {
  /** The key that validates; it becomes the only one in genesis. */
  readonly validator: CometPublicKey;
  /** `noise`: the signer's libp2p id, which the node pins. */
  readonly peerId?: string;
  /** `grpc`: where the signer listens, `host:port`, and the files of mutual TLS (plain text without). */
  readonly grpc?: {
    readonly address: string;
    readonly certificateFile?: string;
    readonly keyFile?: string;
    readonly rootFile?: string;
  };
}

/**
 * A home folder under the system's temporary folder; removed at disposal. Nothing runs in it by itself: see
 * `StockNode`. The address for the signer stays the same for the home's life, so that a signer can be set up
 * with it first.
 */
export class NodeHome implements AsyncDisposable {
  readonly facts: NodeFacts;
  readonly chainId: string;
  readonly directory: string;
  readonly scheme: SignerScheme | undefined;
  /** Forty hex digits, and the id that `noise://` knows the same key by (v0.40 only, else empty). */
  readonly nodeId: string;
  readonly peerId: string;
  /** What the signer is told to dial. Empty when the node has its own key, or dials the signer itself (gRPC). */
  readonly signerAddress: string;
  readonly #signerTarget: string;
  #rpcPort = 0;
  #p2pPort = 0;

  private constructor(
    options: NodeHomeOptions,
    directory: string,
    ids: { readonly nodeId: string; readonly peerId: string },
    signerTarget: string,
  ) {
    this.facts = nodeFacts(options.node);
    this.chainId = options.chainId;
    this.scheme = options.scheme;
    this.directory = directory;
    this.nodeId = ids.nodeId;
    this.peerId = ids.peerId;
    this.#signerTarget = signerTarget;
    this.signerAddress = dialAddress(options.scheme, ids.peerId, signerTarget);
  }

  /**
   * Makes the home with the node's own `init`, then changes chain id and configuration.
   *
   * @throws {PeerMissingError} when the node has not been built.
   * @throws {InvariantError} when that version does not know the scheme.
   */
  static async prepare(options: NodeHomeOptions): Promise<NodeHome> {
    const facts = nodeFacts(options.node);
    if (options.scheme !== undefined && !facts.schemes.includes(options.scheme)) {
      throw new InvariantError(`${facts.name} has no ${options.scheme}:// for its signer`);
    }
    const directory = mkdtempSync(join(tmpdir(), 'stock-'));
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => rmSync(directory, { recursive: true, force: true }));

    const binary = peerBinary(facts.name);
    await run(binary, [...facts.init, '--home', directory]);
    const show = async (...flags: string[]): Promise<string> => {
      const { stdout } = await run(binary, ['show-node-id', ...flags, '--home', directory]);
      return stdout.trim();
    };
    const ids = {
      nodeId: await show(),
      peerId: facts.schemes.includes('noise') ? await show('--libp2p') : '',
    };
    const target =
      options.scheme === 'unix' ? join(directory, 'signer.sock') : `127.0.0.1:${await freePort()}`;
    const home = new NodeHome(options, directory, ids, target);
    home.#writeGenesis({ ...home.#readGenesis(), chain_id: options.chainId });
    home.change([
      ['p2p', 'pex', false],
      ['p2p', 'addr book strict', false],
      ['p2p', 'allow duplicate ip', true],
      ['consensus', 'timeout commit', `${options.timeoutCommitMs ?? 150}ms`],
    ]);
    await home.moveToFreePorts();
    cleanup.move();
    return home;
  }

  /** The socket file on `unix`, which a stock node leaves behind and then stumbles over. */
  get socketPath(): string | undefined {
    return this.scheme === 'unix' ? this.#signerTarget : undefined;
  }

  get rpcUrl(): string {
    return `http://127.0.0.1:${this.#rpcPort}`;
  }

  /** `id@host:port`, for the `persistentPeers` of another node. */
  get p2pAddress(): string {
    return `${this.nodeId}@127.0.0.1:${this.#p2pPort}`;
  }

  /** The public key of the validator in genesis. */
  get validator(): CometPublicKey {
    const [first] = this.#readGenesis().validators;
    if (first === undefined) throw new InvariantError('a genesis without a validator');
    return first.pub_key;
  }

  /** The address of {@link validator}, upper-case hex, as commits name it. */
  get validatorAddress(): string {
    return addressOf(this.validator);
  }

  /** Takes new ports for RPC and P2P: the old ones turned out to be taken. */
  async moveToFreePorts(): Promise<void> {
    this.#rpcPort = await freePort();
    this.#p2pPort = await freePort();
    this.change([
      ['rpc', 'laddr', `tcp://127.0.0.1:${this.#rpcPort}`],
      ['p2p', 'laddr', `tcp://127.0.0.1:${this.#p2pPort}`],
    ]);
  }

  /** Makes the signer's key the validator, and tells the node where its signer is. */
  useSigner(signer: SignerFacts): void {
    const genesis = this.#readGenesis();
    const validators = genesis.validators.map((validator) => ({
      ...validator,
      address: addressOf(signer.validator),
      pub_key: signer.validator,
    }));
    this.#writeGenesis({ ...genesis, validators });
    this.expectSigner(signer);
  }

  /** Tells the node where its signer is, and leaves genesis alone. */
  expectSigner(signer: SignerFacts): void {
    const { table, key } = this.facts.signerAddress;
    const values: SettingWords[] = [[table, key, this.#listenAddress(signer)]];
    const { grpc } = signer;
    if (this.scheme === 'grpc' && grpc?.certificateFile !== undefined) {
      values.push(
        [table, 'client certificate file', grpc.certificateFile],
        [table, 'client key file', grpc.keyFile ?? ''],
        [table, 'root ca file', grpc.rootFile ?? ''],
      );
    }
    this.change(values);
  }

  /** Joins the chain of another home: the same genesis, and that node as a persistent peer. */
  join(other: NodeHome): void {
    this.#writeGenesis(other.#readGenesis());
    this.change([['p2p', 'persistent peers', other.p2pAddress]]);
  }

  /** Starts from the genesis of another home with these validators instead, each of power 10, and with these peers. */
  joinNetwork(
    genesisOf: NodeHome,
    validators: readonly CometPublicKey[],
    peers: readonly string[],
  ): void {
    const genesis = genesisOf.#readGenesis();
    const members = validators.map((key, index) => ({
      address: addressOf(key),
      pub_key: key,
      power: '10',
      name: `v${index}`,
    }));
    this.#writeGenesis({ ...genesis, validators: members });
    this.change([['p2p', 'persistent peers', peers.join(',')]]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #listenAddress(signer: SignerFacts): string {
    switch (this.scheme) {
      case undefined:
        return '';
      case 'grpc':
        return `grpc://${signer.grpc?.address ?? ''}`;
      case 'noise':
        return `noise://${signer.peerId ?? ''}@${this.#signerTarget}`;
      case 'tcp':
      case 'unix':
        return this.signerAddress;
    }
  }

  /** Changes values of the node's configuration; the words of a key are joined by blanks here. */
  change(values: readonly SettingWords[]): void {
    const settings = values.map(
      ([table, key, value]): Setting => ({
        table,
        key: key.replaceAll(' ', this.facts.keyJoint),
        value,
      }),
    );
    changeSettings(join(this.directory, 'config', 'config.toml'), settings);
  }

  #readGenesis(): Genesis {
    return JSON.parse(readFileSync(this.#genesisPath, 'utf8')) as Genesis;
  }

  #writeGenesis(genesis: Genesis): void {
    writeFileSync(this.#genesisPath, JSON.stringify(genesis));
  }

  get #genesisPath(): string {
    return join(this.directory, 'config', 'genesis.json');
  }
}

/** What is read or changed of a genesis file; the rest is carried over. */
interface Genesis {
  readonly chain_id: string;
  readonly validators: readonly { readonly address: string; readonly pub_key: CometPublicKey }[];
}

function dialAddress(scheme: SignerScheme | undefined, peerId: string, target: string): string {
  switch (scheme) {
    case undefined:
    case 'grpc':
      return '';
    case 'noise':
      return `noise://${peerId}@${target}`;
    case 'tcp':
    case 'unix':
      return `${scheme}://${target}`;
  }
}

/** Table, key with blanks where the version has its joint, value. */
export type SettingWords = readonly [table: string, key: string, value: string | number | boolean];

/** Upper-case hex of the first 20 bytes of the key's SHA-256, as for Ed25519 in all versions. */
export function addressOf(key: CometPublicKey): string {
  const hash = createHash('sha256').update(Buffer.from(key.value, 'base64')).digest();
  return hash.subarray(0, 20).toString('hex').toUpperCase();
}

/** A port on loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  if (address === null || typeof address === 'string') {
    throw new InvariantError('a TCP server without a port');
  }
  return address.port;
}
