/** A stock node at work on its chain: start it, kill it, start it again, and ask it what was committed. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type AbortOptions, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { NodeHome, SignerFacts } from './node-home.ts';
import { NodeRpc, NodeRpcError } from './node-rpc.ts';
import { PeerExitedError, PeerProcess } from './peer-process.ts';
import { peerBinary } from './peers.ts';

/** How often the RPC is asked while something is awaited. */
const POLL_MS = 40;
/** How often a start is tried when another process took a port in between. */
const START_ATTEMPTS = 8;

/** What a stock node needs of the world. */
export interface StockNodeDeps {
  readonly clock: Clock;
}

/** Which chain, and who signs. */
export interface StockNodeOptions {
  /** Stays the caller's, who disposes it after the node. */
  readonly home: NodeHome;
  /** Needed when the home has a scheme for a signer. */
  readonly signer?: SignerFacts;
  /**
   * Whether genesis and the signer's address are in the home already, written for a network of several.
   *
   * @default false
   */
  readonly prepared?: boolean;
  /**
   * How long the node may take until its RPC answers.
   *
   * @default 30000
   */
  readonly startTimeoutMs?: number;
}

/** What a test wants to know of a height. */
export interface HeightFacts {
  readonly height: bigint;
  /** The round in which it was committed. */
  readonly round: number;
  /** Whether our validator's precommit for the block is in the commit. */
  readonly signed: boolean;
  /** Base64, and as the vote has it; both `null` when not signed. */
  readonly signature: string | null;
  readonly timestamp: string | null;
}

/** The node did not get there in time. The message carries the end of its log. */
export class NodeDeadlineError extends CodedError {
  override readonly name = 'NodeDeadlineError';
  readonly code = 'ERR_NODE_DEADLINE';

  constructor(wait: { readonly what: string; readonly log: string }, options?: ErrorOptions) {
    super(`${wait.what}; the node's log ends:\n${wait.log}`, options);
  }
}

/** Waiting for a height: the limit is in milliseconds. */
export interface HeightWaitOptions extends AbortOptions {
  /** @default 60000 */
  readonly timeoutMs?: number;
}

/**
 * One stock node with the built-in key-value application, running from {@link StockNode.start} until stopped,
 * killed or disposed; {@link StockNode.restart} runs it again in the same home.
 */
export class StockNode implements AsyncDisposable {
  readonly home: NodeHome;
  readonly #deps: StockNodeDeps;
  readonly #startTimeoutMs: number;
  #process: PeerProcess;

  private constructor(deps: StockNodeDeps, options: StockNodeOptions, process: PeerProcess) {
    this.#deps = deps;
    this.home = options.home;
    this.#startTimeoutMs = options.startTimeoutMs ?? 30_000;
    this.#process = process;
  }

  /**
   * Runs the node and returns when its RPC answers. A node waits 3 s for its signer and then ends, so the
   * signer has to be dialing `home.signerAddress` already.
   *
   * @throws {PeerExitedError} when the node ends instead, as it does without its signer.
   * @throws {NodeDeadlineError} when its RPC does not answer in time.
   */
  static async start(deps: StockNodeDeps, options: StockNodeOptions): Promise<StockNode> {
    const { home, signer, prepared = false } = options;
    if (!prepared && (home.scheme === undefined) !== (signer === undefined)) {
      // With its own key after all, the node would pass every test of the signer.
      throw new InvariantError('a signer goes with a home that has a scheme for it');
    }
    if (!prepared && signer !== undefined) home.useSigner(signer);
    const timeoutMs = options.startTimeoutMs ?? 30_000;
    return new StockNode(deps, options, await launch(deps, home, timeoutMs));
  }

  /** The node's RPC; the URL may change with a restart. */
  get rpc(): NodeRpc {
    return new NodeRpc(this.home.rpcUrl);
  }

  /** Whether the node's process is alive. */
  get running(): boolean {
    return this.#process.running;
  }

  /** The last lines that the node wrote since it was last started. */
  logs(lines = 60): string {
    return this.#process.logTail(lines);
  }

  /** The newest height that the node has committed. */
  async height(options: AbortOptions = {}): Promise<bigint> {
    return (await this.rpc.status(options)).height;
  }

  /**
   * Waits until the node has committed `height`, and returns the height it is at.
   *
   * @throws {NodeDeadlineError} when it is not there in time.
   * @throws {PeerExitedError} when the node ends.
   */
  async waitForHeight(height: bigint, options: HeightWaitOptions = {}): Promise<bigint> {
    const timeoutMs = options.timeoutMs ?? 60_000;
    using deadline = this.#deps.clock.deadline(timeoutMs);
    const signal = anySignal(options.signal, deadline.signal);
    let reached = 0n;
    try {
      for (;;) {
        reached = await this.#process.whileRunning(this.height({ signal }));
        if (reached >= height) return reached;
        await this.#deps.clock.sleep(POLL_MS, { signal });
      }
    } catch (cause) {
      if (!deadline.signal.aborted || options.signal?.aborted) throw cause;
      const what = `${this.home.facts.name} is at ${reached}, not ${height}, after ${timeoutMs} ms`;
      throw new NodeDeadlineError({ what, log: this.logs() }, { cause });
    }
  }

  /** What was committed at a height that the node has. */
  async facts(height: bigint, options: AbortOptions = {}): Promise<HeightFacts> {
    const commit = await this.rpc.commit(height, options);
    const address = this.home.validatorAddress;
    const own = commit.signatures.find(
      (signature) => signature.flag === 'commit' && signature.validatorAddress === address,
    );
    return {
      height,
      round: commit.round,
      signed: own !== undefined,
      signature: own?.signature ?? null,
      timestamp: own?.timestamp ?? null,
    };
  }

  /** {@link facts} of all heights from `first` to `last`, both included. */
  async factsBetween(
    first: bigint,
    last: bigint,
    options: AbortOptions = {},
  ): Promise<readonly HeightFacts[]> {
    const all: HeightFacts[] = [];
    for (let height = first; height <= last; height += 1n) {
      all.push(await this.facts(height, options));
    }
    return all;
  }

  /** Ends the node as a supervisor does: asks it, and kills it after 5 s. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** Kills the node as a power cut does. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Runs the stopped node again, or stops it first; returns when its RPC answers. Throws as `start` does. */
  async restart(): Promise<void> {
    await this.#process.stop();
    this.#process = await launch(this.#deps, this.home, this.#startTimeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

async function launch(
  deps: StockNodeDeps,
  home: NodeHome,
  timeoutMs: number,
): Promise<PeerProcess> {
  for (let attempt = 1; ; attempt += 1) {
    if (home.socketPath !== undefined) rmSync(home.socketPath, { force: true });
    const node = await PeerProcess.start(deps, {
      title: home.facts.name,
      command: peerBinary(home.facts.name),
      args: [...home.facts.start, '--home', home.directory],
      logPath: join(home.directory, 'node.log'),
    });
    try {
      await node.whileRunning(untilReady(deps, node, home, timeoutMs));
      return node;
    } catch (error) {
      await node.kill();
      const portTaken =
        error instanceof PeerExitedError && node.output().includes('address already in use');
      if (!portTaken || attempt === START_ATTEMPTS) throw error;
      // The port for the signer has to stay: whoever took it for a moment gets time to leave.
      await home.moveToFreePorts();
      await deps.clock.sleep(250);
    }
  }
}

async function untilReady(
  deps: StockNodeDeps,
  node: PeerProcess,
  home: NodeHome,
  timeoutMs: number,
): Promise<void> {
  using deadline = deps.clock.deadline(timeoutMs);
  const { signal } = deadline;
  const rpc = new NodeRpc(home.rpcUrl);
  try {
    while (node.running) {
      if (await answers(rpc, home, { signal })) return;
      await deps.clock.sleep(POLL_MS, { signal });
    }
  } catch (cause) {
    const what = `the RPC of ${home.facts.name} does not answer after ${timeoutMs} ms`;
    throw new NodeDeadlineError({ what, log: node.logTail() }, { cause });
  }
  // It ended: whoever started this wait says so with the log.
  await node.ended();
}

/** Whether it is this home's node that answers there, and not a stranger on its port. */
async function answers(rpc: NodeRpc, home: NodeHome, options: AbortOptions): Promise<boolean> {
  try {
    return (await rpc.status(options)).nodeId === home.nodeId;
  } catch (error) {
    if (error instanceof NodeRpcError) return false;
    throw error;
  }
}
