/** A small chain of stock nodes: one validator is ours, behind two nodes that share its signer. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { type Clock, systemClock } from '@privval/proto/runtime/clock';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import { addressOf, type CometPublicKey, NodeHome, type SignerFacts } from '../peers/node-home.ts';
import { NodeRpcError } from '../peers/node-rpc.ts';
import type { NodeName } from '../peers/peers.ts';
import { type HeightWaitOptions, StockNode } from '../peers/stock-node.ts';
import { type HeightUpdates, type PowerUpdate, readUpdates } from './chain-reading.ts';
import { landingOf } from './miss-report.ts';

/** Looks for the results of a block that the node has, and the pause between two. */
const MAX_RESULT_ATTEMPTS = 40;
const RESULT_RETRY_MS = 25;

/** What a network needs of the world. */
export interface StockNetworkDeps {
  readonly clock: Clock;
}

/** Which chain to make. */
export interface NetworkHomesOptions {
  readonly node: NodeName;
  readonly chainId: string;
  /**
   * Validators of equal power, ours among them.
   *
   * @default 4
   */
  readonly validators?: number;
  /**
   * Nodes that share our signer.
   *
   * @default 2
   */
  readonly ownNodes?: number;
  /** @default 1000 */
  readonly timeoutCommitMs?: number;
}

/** A node took a transaction and then refused it. */
export class TransactionRefusedError extends CodedError {
  override readonly name = 'TransactionRefusedError';
  readonly code = 'ERR_TRANSACTION_REFUSED';

  constructor(transaction: string, answer: unknown) {
    super(`${transaction} was refused: ${JSON.stringify(answer)}`);
  }
}

/**
 * The homes of a network, before anything runs: the signer is set up with {@link signerAddresses} first.
 * Removed at disposal, after the network.
 */
export class NetworkHomes implements AsyncDisposable {
  readonly chainId: string;
  /** Nodes of ours: one validator, whose signer dials each of them. */
  readonly own: readonly NodeHome[];
  /** Validators with a key file of their own. */
  readonly others: readonly NodeHome[];
  /** The keys of {@link others}: a home itself knows no more than the first key of its genesis. */
  readonly otherKeys: readonly CometPublicKey[];
  readonly #owned: AsyncDisposableStack;

  private constructor(
    chainId: string,
    homes: { readonly own: readonly NodeHome[]; readonly others: readonly NodeHome[] },
    owned: AsyncDisposableStack,
  ) {
    this.chainId = chainId;
    this.own = homes.own;
    this.others = homes.others;
    this.otherKeys = homes.others.map(({ validator }) => validator);
    this.#owned = owned;
  }

  /** Makes all homes, with a configuration that is light on the machine. */
  static async prepare(options: NetworkHomesOptions): Promise<NetworkHomes> {
    const { node, chainId, validators = 4, ownNodes = 2, timeoutCommitMs = 1_000 } = options;
    await using stack = new AsyncDisposableStack();
    const make = async (scheme?: 'tcp'): Promise<NodeHome> => {
      const base = { node, chainId, timeoutCommitMs };
      const home = await NodeHome.prepare(scheme === undefined ? base : { ...base, scheme });
      home.change([
        ['', 'log level', 'error'],
        ['tx_index', 'indexer', 'null'],
        ['mempool', 'size', 100],
      ]);
      return stack.use(home);
    };
    const own: NodeHome[] = [];
    const others: NodeHome[] = [];
    for (let i = 0; i < ownNodes; i++) own.push(await make('tcp'));
    for (let i = 1; i < validators; i++) others.push(await make());
    return new NetworkHomes(chainId, { own, others }, stack.move());
  }

  /** What the signer is told to dial. */
  get signerAddresses(): readonly string[] {
    return this.own.map(({ signerAddress }) => signerAddress);
  }

  /** The RPC of each node of ours, in the order of {@link signerAddresses}. */
  get rpcUrls(): readonly string[] {
    return this.own.map(({ rpcUrl }) => rpcUrl);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

/** All nodes running, each the other's persistent peer. Its homes stay the caller's. */
export class StockNetwork implements AsyncDisposable {
  /** Our nodes, in the order of their homes. */
  readonly own: readonly StockNode[];
  readonly others: readonly StockNode[];
  /** Upper-case hex, of the validator behind {@link control}. */
  readonly controlAddress: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    nodes: { readonly own: readonly StockNode[]; readonly others: readonly StockNode[] },
    controlAddress: string,
    owned: AsyncDisposableStack,
  ) {
    this.own = nodes.own;
    this.others = nodes.others;
    this.controlAddress = controlAddress;
    this.#owned = owned;
  }

  /** Writes the genesis, starts all nodes at once, and returns when each answers. The signer is dialing already. */
  static async start(
    deps: StockNetworkDeps,
    network: { readonly homes: NetworkHomes; readonly signer: SignerFacts },
  ): Promise<StockNetwork> {
    const { homes, signer } = network;
    const [first] = homes.others;
    const [controlKey] = homes.otherKeys;
    if (first === undefined || controlKey === undefined)
      throw new InvariantError('a network of one validator is a node');
    const validators = [signer.validator, ...homes.otherKeys];
    const all = [...homes.own, ...homes.others];
    for (const home of homes.own) home.expectSigner(signer);
    const addresses = all.map((home) => home.p2pAddress);
    // The last one written is the one whose genesis the others are made from.
    for (const home of [...all.filter((other) => other !== first), first]) {
      const peers = addresses.filter((address) => address !== home.p2pAddress);
      home.joinNetwork(first, validators, peers);
    }
    await using stack = new AsyncDisposableStack();
    const launch = async (home: NodeHome): Promise<StockNode> =>
      stack.use(await StockNode.start(deps, { home, prepared: true }));
    const started = await Promise.allSettled(all.map(launch));
    const nodes = started.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
    const own = nodes.slice(0, homes.own.length);
    const others = nodes.slice(own.length);
    return new StockNetwork({ own, others }, addressOf(controlKey), stack.move());
  }

  /** The validator that ours is measured against: it is never stopped. */
  get control(): StockNode {
    const [first] = this.others;
    if (first === undefined) throw new InvariantError('a network of one validator is a node');
    return first;
  }

  /** The node of ours by its number. */
  ownNode(index: number): StockNode {
    const node = this.own[index];
    if (node === undefined) throw new InvariantError(`no node ${index} of ours`);
    return node;
  }

  /** Waits until the control node has committed `height`, and returns the height it is at. */
  async waitForHeight(height: bigint, options: HeightWaitOptions = {}): Promise<bigint> {
    return this.control.waitForHeight(height, options);
  }

  /** Waits for `count` more blocks. */
  async moreBlocks(count: bigint, options: HeightWaitOptions = {}): Promise<bigint> {
    return this.waitForHeight((await this.control.height(options)) + count, options);
  }

  /**
   * Hands a transaction to the control node, which passes it on.
   *
   * @throws {TransactionRefusedError} when the node does not take it.
   */
  async broadcast(transaction: string, options: AbortOptions = {}): Promise<void> {
    const hex = Buffer.from(transaction).toString('hex');
    const path = `/broadcast_tx_sync?tx=0x${hex}`;
    const answer = await this.control.rpc.call<{ readonly code: number }>(path, options);
    if (answer.code !== 0) throw new TransactionRefusedError(transaction, answer);
  }

  /**
   * Waits until the new key's power and the end of the old key's are both in blocks after `from`, and gives the height
   * from which the new key signs. Keys in base64.
   */
  async waitForActivation(
    oldKey: string,
    newKey: string,
    from: bigint,
    options: HeightWaitOptions = {},
  ): Promise<bigint> {
    const seen: HeightUpdates[] = [];
    for (let height = from + 1n; ; height += 1n) {
      await this.waitForHeight(height, options);
      seen.push({ height, updates: await this.#updatesOf(height, options) });
      const { activationHeight } = landingOf(seen, oldKey, newKey);
      if (activationHeight !== undefined) return activationHeight;
    }
  }

  /** A node tells of a block some milliseconds before it has its results. */
  async #updatesOf(height: bigint, options: HeightWaitOptions): Promise<readonly PowerUpdate[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await readUpdates(this.control.rpc, height, options);
      } catch (error) {
        const isEarly = error instanceof NodeRpcError && error.message.includes('could not find');
        if (!isEarly || attempt === MAX_RESULT_ATTEMPTS) throw error;
        await systemClock.sleep(RESULT_RETRY_MS);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}
