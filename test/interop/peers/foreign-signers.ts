/** Signers that are not ours, each with a key that the test knows: tmkms, and CometBFT's own SignerServer. */
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { CometPublicKey } from './node-home.ts';
import { PeerProcess } from './peer-process.ts';
import { peerBinary } from './peers.ts';

/** What a foreign signer needs of the world. */
export interface ForeignSignerDeps {
  readonly clock: Clock;
}

/** Whom it signs for. */
export interface ForeignSignerOptions {
  readonly chainId: string;
  /** Where the node listens: `tcp://host:port` or `unix://path`. */
  readonly address: string;
}

/** How the process of a signer is started, again at each restart. */
interface Launch {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** A signer of somebody else's, running from its factory until killed or disposed. */
export class ForeignSigner implements AsyncDisposable {
  /** The key that it signs with. */
  readonly validator: CometPublicKey;
  readonly #deps: ForeignSignerDeps;
  readonly #launch: Launch;
  readonly #directory: string;
  #process: PeerProcess;

  private constructor(
    deps: ForeignSignerDeps,
    launch: Launch,
    owned: { readonly directory: string; readonly process: PeerProcess },
    validator: CometPublicKey,
  ) {
    this.#deps = deps;
    this.#launch = launch;
    this.#directory = owned.directory;
    this.#process = owned.process;
    this.validator = validator;
  }

  /** tmkms with a soft key. It dials again, for ever, when the node goes away. */
  static async tmkms(
    deps: ForeignSignerDeps,
    options: ForeignSignerOptions,
  ): Promise<ForeignSigner> {
    return ForeignSigner.#start(deps, (directory) => {
      const seed = randomBytes(32);
      const config = writeTmkmsHome(directory, seed, options);
      return {
        launch: { title: 'tmkms', command: peerBinary('tmkms'), args: ['start', '-c', config] },
        validator: publicKeyOf(seed),
      };
    });
  }

  /** CometBFT's SignerServer over a FilePV. After the node went away it does not come back by itself. */
  static async filePv(
    deps: ForeignSignerDeps,
    options: ForeignSignerOptions,
  ): Promise<ForeignSigner> {
    return ForeignSigner.#start(deps, (directory) => {
      const seed = randomBytes(32);
      const key = join(directory, 'priv_validator_key.json');
      writeFileSync(key, filePvKeyJson(seed), { mode: 0o600 });
      const state = join(directory, 'priv_validator_state.json');
      const { address, chainId } = options;
      return {
        launch: {
          title: 'filepv-signer',
          command: peerBinary('filepv-signer'),
          args: ['-addr', address, '-chain-id', chainId, '-key', key, '-state', state],
        },
        validator: publicKeyOf(seed),
      };
    });
  }

  static async #start(
    deps: ForeignSignerDeps,
    prepare: (directory: string) => {
      readonly launch: Launch;
      readonly validator: CometPublicKey;
    },
  ): Promise<ForeignSigner> {
    const directory = mkdtempSync(join(tmpdir(), 'foreign-'));
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => rmSync(directory, { recursive: true, force: true }));
    const { launch, validator } = prepare(directory);
    const process = await run(deps, launch, directory);
    cleanup.move();
    return new ForeignSigner(deps, launch, { directory, process }, validator);
  }

  /** Its configuration, key and state: `tmkms.toml`, or the two files of FilePV. */
  get home(): string {
    return this.#directory;
  }

  /** The last lines of its log since it was last started. */
  logs(lines = 60): string {
    return this.#process.logTail(lines);
  }

  /** Kills it as a power cut does. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Ends it if it runs, and runs it again with the same key and state. */
  async restart(): Promise<void> {
    await this.#process.stop();
    this.#process = await run(this.#deps, this.#launch, this.#directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function run(
  deps: ForeignSignerDeps,
  launch: Launch,
  directory: string,
): Promise<PeerProcess> {
  return PeerProcess.start(deps, { ...launch, logPath: join(directory, 'log') });
}

/** Returns the path of the configuration. */
function writeTmkmsHome(
  directory: string,
  seed: Uint8Array,
  options: ForeignSignerOptions,
): string {
  const secrets = join(directory, 'secrets');
  mkdirSync(secrets, { mode: 0o700 });
  const secret = (name: string, bytes: Uint8Array): string => {
    const path = join(secrets, name);
    writeFileSync(path, Buffer.from(bytes).toString('base64'), { mode: 0o600 });
    return path;
  };
  const id = JSON.stringify(options.chainId);
  const text = (value: string): string => JSON.stringify(value);
  const lines = [
    '[[chain]]',
    `id = ${id}`,
    'key_format = { type = "hex" }',
    `state_file = ${text(join(directory, 'state.json'))}`,
    '[[providers.softsign]]',
    `chain_ids = [${id}]`,
    'key_type = "consensus"',
    `path = ${text(secret('consensus.key', seed))}`,
    '[[validator]]',
    `chain_id = ${id}`,
    `addr = ${text(options.address)}`,
    `secret_key = ${text(secret('identity.key', randomBytes(32)))}`,
    'reconnect = true',
  ];
  const path = join(directory, 'tmkms.toml');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

function filePvKeyJson(seed: Uint8Array): string {
  const pub = publicKeyOf(seed);
  const secret = Buffer.concat([seed, Buffer.from(pub.value, 'base64')]).toString('base64');
  return JSON.stringify({
    pub_key: pub,
    priv_key: { type: 'tendermint/PrivKeyEd25519', value: secret },
  });
}

/** The head of a PKCS#8 file with an Ed25519 seed (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

function publicKeyOf(seed: Uint8Array): CometPublicKey {
  const key = Buffer.concat([PKCS8_HEAD, seed]);
  const secret = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(secret).export({ format: 'jwk' });
  if (x === undefined) throw new InvariantError('an Ed25519 key without x');
  const value = Buffer.from(x, 'base64url').toString('base64');
  return { type: 'tendermint/PubKeyEd25519', value };
}
