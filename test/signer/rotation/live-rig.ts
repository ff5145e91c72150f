/** A real signer in a made home, one scripted node, and a chain that tells what a test says. */
import { addressFromPublicKey } from '@privval/proto/crypto/public-key';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import { systemClock } from '@privval/proto/runtime/clock';
import { parseChainId } from '@privval/proto/types/chain-id';
import type { Vote } from '@privval/proto/types/vote';
import type { ChainEvent } from '@privval/signer/chain/chain-view';
import type { NodeRpc, SetMember } from '@privval/signer/chain/node-rpc';
import { readConfig } from '@privval/signer/config/config';
import { createHome } from '@privval/signer/home/create-home';
import type { Act } from '@privval/signer/http/access';
import { Signer } from '@privval/signer/signer';
import { FakeChainView } from '../../harness/fake-chain-view.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import {
  type ScriptedConnection,
  ScriptedNode,
  scriptedVote,
} from '../../harness/scripted-node.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';

export const ACT: Act = { name: 'rotation', by: 'local' };
export const CHAIN_ID = 'chain-a';

const SOURCE = { kind: 'witness', url: 'http://127.0.0.1:1' } as const;

/** One validator of 10 in a set of 40; `keys` has the public keys that the test met, first the first. */
export class LiveRig implements AsyncDisposable {
  readonly home: string;
  readonly node: ScriptedNode;
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly view: FakeChainView = new FakeChainView('main');
  /** The set that every height has. */
  set: readonly SetMember[] = [];
  #signer: Signer | undefined;
  readonly #folder: ScratchFolder;

  private constructor(folder: ScratchFolder, node: ScriptedNode) {
    this.#folder = folder;
    this.home = folder.join('home');
    this.node = node;
    const rpc: Partial<NodeRpc> = {
      url: SOURCE.url,
      validators: async () => this.set,
      evidenceParams: async () => ({ maxAgeBlocks: 100n, maxAgeMs: 1_000, keyTypes: ['ed25519'] }),
      status: async () => ({
        chainId: CHAIN_ID,
        version: '0.40.0',
        latestHeight: this.view.newest?.height ?? 1n,
        latestTimeMs: 0,
        earliestHeight: 1n,
        isCatchingUp: false,
      }),
    };
    this.view.rpc = rpc as NodeRpc;
    this.view.statuses = [
      {
        source: SOURCE,
        mode: 'events',
        version: '0.40.0',
        tip: 1n,
        isCatchingUp: false,
        reconnects: 0,
        lastError: undefined,
      },
    ];
  }

  static async make(): Promise<LiveRig> {
    const folder = new ScratchFolder();
    const path = folder.join('node.sock');
    const node = await ScriptedNode.listen({ chainId: CHAIN_ID, transport: 'unix', path });
    const rig = new LiveRig(folder, node);
    await createHome(
      { clock: systemClock, logger: rig.logger },
      {
        home: rig.home,
        validator: { name: 'main', chainId: parseChainId(CHAIN_ID), nodes: [node.address] },
      },
    );
    return rig;
  }

  /** Starts the signer, as `serve` does; with a chain unless it is said otherwise. */
  async start({ hasChain = true }: { readonly hasChain?: boolean } = {}): Promise<Signer> {
    const config = readConfig(this.home, { environment: {} });
    this.#signer = await Signer.start(
      { clock: systemClock, random: new SeededRandom(1), logger: this.logger },
      { home: this.home, identityFile: config.identityFile, validators: config.validators },
    );
    if (hasChain) this.#signer.follow('main', this.view);
    const key = this.#signer.statusOf('main').publicKey;
    if (this.set.length === 0) this.set = [member(key, 10n)];
    return this.#signer;
  }

  async stop(): Promise<void> {
    await this.#signer?.[Symbol.asyncDispose]();
    this.#signer = undefined;
  }

  /** A block; its updates, if it has any. */
  async block(
    height: number,
    updates: readonly { readonly key: Uint8Array; readonly power: number }[] = [],
  ): Promise<void> {
    this.view.newest = { height: BigInt(height), timeMs: height * 1_000 };
    const header = {
      chainId: CHAIN_ID,
      height: BigInt(height),
      timeMs: height * 1_000,
      validatorsHash: new Uint8Array(32),
      nextValidatorsHash: new Uint8Array(32),
    };
    const told: ChainEvent[] = [
      { kind: 'block', source: SOURCE, header },
      {
        kind: 'updates',
        height: BigInt(height),
        updates: updates.map(({ key, power }) => ({ publicKey: key, power: BigInt(power) })),
        toldBy: SOURCE,
      },
    ];
    for (const event of told) await this.view.tell(event);
    // What is asked of the chain beside its events is answered by then.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.node[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

export function member(publicKey: Uint8Array, power: bigint): SetMember {
  const key = { type: 'ed25519', bytes: publicKey } as const;
  return { address: addressFromPublicKey(key), publicKey, key, power };
}

/** A vote as a node asks for it whose key is `key`. */
export function voteBy(key: Uint8Array, height: number, type: Vote['type'] = 'prevote'): Vote {
  const validatorAddress = addressFromPublicKey({ type: 'ed25519', bytes: key });
  return { ...scriptedVote({ height: BigInt(height), type }), validatorAddress };
}

/** The key that a public-key request is answered with. */
export async function askKey(connection: ScriptedConnection): Promise<Uint8Array> {
  const response = await connection.publicKey();
  if (response.kind !== 'public-key' || 'error' in response) throw new Error(response.kind);
  return response.publicKey.bytes;
}

/** The vote of an answer, or the text of its refusal. */
export function outcomeOf(response: PrivvalResponse): Vote | string {
  if (response.kind !== 'signed-vote') throw new Error(response.kind);
  return 'error' in response ? response.error.description : response.vote;
}
