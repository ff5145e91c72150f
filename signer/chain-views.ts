/** The chains of a signer's validators: a view and a witness for each that has an RPC. */

import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import type { AuditLog } from './audit/audit-log.ts';
import type { ChainSource } from './chain/chain-follower.ts';
import { ChainProgress } from './chain/chain-progress.ts';
import type { ChainView } from './chain/chain-view.ts';
import { JoinedView, nameOf } from './chain/joined-view.ts';
import { countedTip } from './chain/known-tip.ts';
import { ChainWitness, reasonOfProof } from './chain/watch-chain.ts';
import { printNodeAddress } from './connection/node-address.ts';
import type { StoredControlDesk } from './controls/control-desk.ts';
import type { HomeTables } from './guard/home-transaction.ts';
import type { SignStateStore } from './guard/sign-state-store.ts';
import type { ValidatorOptions } from './signer-validator.ts';

/** Collaborators of {@link ChainViews}. */
export interface ChainViewsDeps {
  readonly store: Pick<SignStateStore, 'floor'> & HomeTables;
  readonly audit: Pick<AuditLog, 'holdsPrecommit' | 'adoptedFloor'>;
  readonly controls: Pick<StoredControlDesk, 'freezeByWitness'>;
  /** Every key of a validator, retired and staged ones too. */
  readonly keysOf: (validator: string) => readonly Uint8Array[];
  /** A block is committed on a configured node: in the turn in which it was heard of (S41). */
  readonly onBlock: (validator: string, node: string, height: bigint) => void;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
}

/** One validator's. */
interface Watched {
  readonly view: JoinedView;
  readonly witness: ChainWitness;
  readonly telling: Promise<void>;
}

/**
 * Follows the chain of every validator with an RPC, from the first RPC it gets to the end. RPC that is
 * gone, slow or lying never stops signing: all it can do is prove that somebody else signs (S36).
 */
export class ChainViews implements AsyncDisposable {
  readonly #deps: ChainViewsDeps;
  readonly #watched = new Map<string, Watched>();
  readonly #shutdown = new AbortController();
  readonly #onStart: (view: ChainView, validator: string) => void;

  private constructor(deps: ChainViewsDeps, onStart: (view: ChainView, validator: string) => void) {
    this.#deps = deps;
    this.#onStart = onStart;
  }

  /** Begins to follow. `onStart` hears of each view in the turn in which it starts: what is told before is told to nobody. */
  static start(
    deps: ChainViewsDeps,
    validators: readonly ValidatorOptions[],
    onStart: (view: ChainView, validator: string) => void = () => undefined,
  ): ChainViews {
    const views = new ChainViews(deps, onStart);
    for (const validator of validators) views.setSources(validator);
    return views;
  }

  /** `undefined` for a validator that never had an RPC. */
  of(validator: string): ChainView | undefined {
    return this.#watched.get(validator)?.view;
  }

  /** The tip as far as it counts for the floor's limits (S33): asked within the floor's transaction. */
  tipOf(validator: string): bigint | undefined {
    const told = this.#watched.get(validator)?.view.tip();
    return told === undefined
      ? undefined
      : countedTip(told, this.#deps.store.floor(validator).height);
  }

  /** The RPCs as they are configured now; those that stay are not touched. */
  setSources(validator: ValidatorOptions): void {
    const sources = sourcesOf(validator);
    const there = this.#watched.get(validator.name);
    if (there !== undefined) there.view.setSources(sources);
    else if (sources.length > 0) this.#watched.set(validator.name, this.#watch(validator, sources));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await Promise.all(
      [...this.#watched.values()].map(async ({ view, witness, telling }) => {
        await witness[Symbol.asyncDispose]();
        await view[Symbol.asyncDispose]();
        await telling;
      }),
    );
  }

  #watch({ name, chainId }: ValidatorOptions, sources: readonly ChainSource[]): Watched {
    const { store, audit, controls, keysOf, clock, random, logger } = this.#deps;
    const view = JoinedView.start(
      { clock, random, logger, progress: ChainProgress.open(store, name) },
      {
        validator: name,
        chainId,
        floorHeight: () => store.floor(name).height,
        keys: () => keysOf(name),
        sources,
      },
    );
    const witness = ChainWitness.start(
      {
        commits: (options) => view.commits(options),
        floor: () => store.floor(name),
        keys: () => keysOf(name),
        audit,
        freeze: (proof) =>
          controls.freezeByWitness(name, {
            reason: reasonOfProof(proof),
            raiseFloorTo: proof.height,
            seen: {
              height: String(proof.height),
              round: proof.round,
              source: sources.map(nameOf).join(', '),
              finding: proof.finding,
            },
          }),
        logger,
      },
      { validator: name, chainId },
    );
    const telling = this.#tell(view, name);
    this.#onStart(view, name);
    return { view, witness, telling };
  }

  /** Tells whoever tracks the nodes, of blocks only. */
  async #tell(view: ChainView, validator: string): Promise<void> {
    const { signal } = this.#shutdown;
    try {
      for await (const event of view.events({ signal })) {
        if (event.kind !== 'block' || event.source.kind !== 'node') continue;
        this.#deps.onBlock(validator, event.source.node, event.header.height);
      }
    } catch (error) {
      if (!signal.aborted || error instanceof InvariantError) throw error;
    }
  }
}

/** A node's RPC speaks for that node; the others are witnesses (S46). */
export function sourcesOf({ nodes, rpcs = [], witnesses = [] }: ValidatorOptions): ChainSource[] {
  const ofNodes = nodes.flatMap((address, at): ChainSource[] => {
    const url = rpcs[at];
    return url === undefined ? [] : [{ kind: 'node', node: printNodeAddress(address), url }];
  });
  return [...ofNodes, ...witnesses.map((url): ChainSource => ({ kind: 'witness', url }))];
}
