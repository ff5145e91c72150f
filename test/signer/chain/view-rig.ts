/** A view of a chain over nodes on loopback, with time that stands still, and what it has told. */

import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { silentLogger } from '@privval/proto/runtime/logger';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { ChainSource } from '@privval/signer/chain/chain-follower';
import { ChainProgress } from '@privval/signer/chain/chain-progress';
import type { ChainEvent } from '@privval/signer/chain/chain-view';
import { JoinedView, nameOf } from '@privval/signer/chain/joined-view';
import { FakeRpc } from '../../harness/fake-rpc.ts';
import type { FakeChain } from '../../harness/fake-rpc-chain.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { SqliteHomeTables } from '../../harness/sqlite-home-tables.ts';
import { keyOf } from './follower-rig.ts';

const VALIDATOR = 'val';

/** Tables of a home with the validator. */
export function tablesOfHome(): SqliteHomeTables {
  return new SqliteHomeTables([
    { name: VALIDATOR, chainId: 'followed' as ChainId, publicKey: keyOf(1) },
  ]);
}

/** Events in short. */
export function tellEvent(event: ChainEvent): string {
  switch (event.kind) {
    case 'block':
      return `block ${event.header.height} by ${nameOf(event.source)}`;
    case 'updates':
    case 'settled': {
      const updates = event.updates.map(
        ({ publicKey, power }) => `${hexFromBytes(publicKey).slice(0, 2)}=${power}`,
      );
      return `${event.kind} ${event.height} ${updates.join()}`.trimEnd();
    }
    case 'contradiction':
      return `contradiction ${event.contradiction.height} of ${Object.keys(event.contradiction.told).join()}`;
  }
}

/** How a view is started. */
export interface ViewRigOptions {
  readonly chains: readonly FakeChain[];
  readonly tables?: SqliteHomeTables;
  readonly floorHeight?: bigint;
  readonly keys?: readonly Uint8Array[];
  readonly before?: (rpcs: readonly FakeRpc[]) => void | Promise<void>;
}

/** The first RPC is a node's, the others are witnesses'. */
export class ViewRig implements AsyncDisposable {
  readonly rpcs: readonly FakeRpc[];
  readonly clock: ManualClock = new ManualClock();
  readonly view: JoinedView;
  readonly events: string[] = [];
  readonly commits: string[] = [];
  readonly #stop = new AbortController();
  readonly #reading: Promise<unknown>;

  private constructor(rpcs: readonly FakeRpc[], tables: SqliteHomeTables, options: ViewRigOptions) {
    this.rpcs = rpcs;
    this.view = JoinedView.start(
      {
        clock: this.clock,
        random: { uniform: () => 0 },
        logger: silentLogger,
        progress: ChainProgress.open(tables, VALIDATOR),
      },
      {
        validator: VALIDATOR,
        chainId: 'followed',
        floorHeight: () => options.floorHeight ?? 0n,
        keys: () => options.keys ?? [keyOf(1)],
        sources: rpcs.map(sourceOf),
      },
    );
    this.#reading = Promise.allSettled([this.#readEvents(), this.#readCommits()]);
  }

  static async start(options: ViewRigOptions): Promise<ViewRig> {
    const rpcs: FakeRpc[] = [];
    for (const chain of options.chains) rpcs.push(await FakeRpc.listen(chain));
    await options.before?.(rpcs);
    return new ViewRig(rpcs, options.tables ?? tablesOfHome(), options);
  }

  async until(line: string | (() => boolean), stepMs = 0): Promise<void> {
    const isSo =
      typeof line === 'string'
        ? () => this.events.includes(line) || this.commits.includes(line)
        : line;
    while (!isSo()) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!isSo() && stepMs > 0) await this.clock.advance(stepMs);
    }
  }

  /** All sources' events come. */
  async untilFollowing(): Promise<void> {
    await this.until(() => this.view.followers().every(({ mode }) => mode === 'events'));
  }

  only(kind: ChainEvent['kind']): readonly string[] {
    return this.events.filter((line) => line.startsWith(kind));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.view[Symbol.asyncDispose]();
    await this.#reading;
    for (const rpc of this.rpcs) await rpc[Symbol.asyncDispose]();
  }

  async #readEvents(): Promise<void> {
    for await (const event of this.view.events({ signal: this.#stop.signal })) {
      this.events.push(tellEvent(event));
    }
  }

  async #readCommits(): Promise<void> {
    for await (const { height, isCanonical } of this.view.commits({ signal: this.#stop.signal })) {
      this.commits.push(`commit ${height}${isCanonical ? ' final' : ''}`);
    }
  }
}

/** The source that a rig makes of its RPCs. */
export function sourceOf(rpc: FakeRpc, index: number): ChainSource {
  return index === 0
    ? { kind: 'node', node: 'tcp://node:1', url: rpc.url }
    : { kind: 'witness', url: rpc.url };
}
