/** A follower of a node on loopback, with time that stands still, and what it has told so far. */

import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { ChainNews, ChainSource } from '@privval/signer/chain/chain-follower';
import { NodeFollower } from '@privval/signer/chain/node-follower';
import { FakeRpc, type FakeRpcOptions } from '../../harness/fake-rpc.ts';
import { FakeChain, type FakePower } from '../../harness/fake-rpc-chain.ts';
import { ManualClock } from '../../harness/manual-clock.ts';

/** 32 bytes, all the same. */
export function keyOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

/** A chain of one validator with `blocks` blocks. */
export function chainOf(
  blocks: number,
  members: readonly FakePower[] = [{ publicKey: keyOf(1), power: 10n }],
): FakeChain {
  const chain = new FakeChain({ chainId: 'followed', members });
  chain.addBlocks(blocks - Number(chain.tip));
  return chain;
}

/** News in short: `block 5`, `updates 5 07=3`, `connected 5`. */
export function told(news: ChainNews): string {
  switch (news.kind) {
    case 'block':
      return `block ${news.header.height}`;
    case 'updates': {
      const updates = news.updates?.map(
        ({ publicKey, power }) => `${hexFromBytes(publicKey).slice(0, 2)}=${power}`,
      );
      return `updates ${news.height} ${updates?.join() ?? 'unknown'}`.trimEnd();
    }
    case 'connected':
      return `connected ${news.tip}`;
    case 'lost':
      return `lost ${news.code}`;
  }
}

/** Everything of one followed node. */
export class FollowerRig implements AsyncDisposable {
  readonly chain: FakeChain;
  readonly rpc: FakeRpc;
  readonly clock: ManualClock = new ManualClock();
  readonly follower: NodeFollower;
  readonly news: string[] = [];
  readonly #stop = new AbortController();
  #changed = Promise.withResolvers<void>();

  private constructor(
    chain: FakeChain,
    rpc: FakeRpc,
    options: { readonly updatesFrom?: bigint | undefined; readonly chainId?: string },
  ) {
    this.chain = chain;
    this.rpc = rpc;
    const source: ChainSource = { kind: 'node', node: 'tcp://node:1', url: rpc.url };
    this.follower = NodeFollower.start(
      { clock: this.clock, random: { uniform: () => 0 } },
      { source, chainId: options.chainId ?? 'followed', updatesFrom: options.updatesFrom },
    );
  }

  static async start(
    chain: FakeChain,
    options: FakeRpcOptions & {
      readonly updatesFrom?: bigint;
      readonly chainId?: string;
      readonly before?: (rpc: FakeRpc) => void | Promise<void>;
      readonly isRead?: boolean;
    } = {},
  ): Promise<FollowerRig> {
    const rpc = await FakeRpc.listen(chain, options);
    await options.before?.(rpc);
    const rig = new FollowerRig(chain, rpc, options);
    if (options.isRead !== false) rig.read();
    return rig;
  }

  /** Begins to read the news. */
  read(): void {
    void this.#read();
  }

  /** Resolves once all of `lines` have been told, each at least once; time passes meanwhile if `stepMs` is given. */
  async until(line: string | (() => boolean), stepMs = 0): Promise<void> {
    const isSo = typeof line === 'string' ? () => this.news.includes(line) : line;
    while (!isSo()) {
      await Promise.race([this.#changed.promise, new Promise((resolve) => setImmediate(resolve))]);
      if (!isSo() && stepMs > 0) await this.clock.advance(stepMs);
    }
  }

  /** The news of one kind, in order. */
  only(kind: ChainNews['kind']): readonly string[] {
    return this.news.filter((line) => line.startsWith(kind));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.follower[Symbol.asyncDispose]();
    await this.rpc[Symbol.asyncDispose]();
  }

  async #read(): Promise<void> {
    try {
      for await (const news of this.follower.news({ signal: this.#stop.signal })) {
        this.news.push(told(news));
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }
}
