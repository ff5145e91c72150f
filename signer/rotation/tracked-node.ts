/** One node's progress through the chain, from its requests and its block events (S41, S42). */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import type { ConnectionHeights, NodeHeights } from '../session/node-heights.ts';
import { judgeKeyRequest } from './node-progress.ts';
import type { RotationStore } from './rotation-store.ts';

/** Longest time for which an answer waits for a block event. The node's own limit is 5 s. */
const HOLD_MS = 500;

/** Collaborators of a {@link TrackedNode}. */
export interface TrackedNodeDeps {
  readonly rotations: Pick<
    RotationStore,
    'armedAt' | 'passedAt' | 'committedHeights' | 'noteCommitted'
  >;
  readonly floorHeight: (validator: string) => bigint;
  readonly clock: Clock;
}

/** Which node. */
export interface TrackedNodeOptions {
  readonly validator: string;
  /** As the configuration has it; its progress is kept by this name. */
  readonly node: string;
}

/** A {@link NodeHeights} that is kept with the rotations. It outlives connections; it has nothing to close. */
export class TrackedNode implements NodeHeights {
  readonly #deps: TrackedNodeDeps;
  readonly #options: TrackedNodeOptions;
  readonly #waiting = new Set<(height: bigint) => void>();
  #events = 0;

  constructor(deps: TrackedNodeDeps, options: TrackedNodeOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** What is proven by this node alone. */
  get committed(): bigint | undefined {
    const { validator, node } = this.#options;
    return this.#deps.rotations.committedHeights(validator).get(node);
  }

  /** Block events so far: whether anybody tells. */
  get events(): number {
    return this.#events;
  }

  connected(): ConnectionHeights {
    return new TrackedConnection(this, this.#deps, this.#options.validator);
  }

  blockCommitted(height: bigint): void {
    this.#events += 1;
    this.prove(height);
    for (const hear of [...this.#waiting]) hear(height);
  }

  /** Takes note of a proof. Never goes down. */
  prove(height: bigint): void {
    const { validator, node } = this.#options;
    if (height > 0n) this.#deps.rotations.noteCommitted(validator, node, height);
  }

  /** Resolves at the first block event at or above `height`, or after the longest wait; rejects on an abort. */
  async untilEvent(height: bigint, { signal }: AbortOptions): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const hear = (at: bigint): void => {
      if (at >= height) resolve();
    };
    const gone = (): void => reject(signal?.reason);
    using limit = this.#deps.clock.deadline(HOLD_MS);
    limit.signal.addEventListener('abort', () => resolve(), { once: true });
    signal?.addEventListener('abort', gone, { once: true });
    this.#waiting.add(hear);
    try {
      await promise;
    } finally {
      this.#waiting.delete(hear);
      signal?.removeEventListener('abort', gone);
    }
  }
}

/** One connection of one node. */
class TrackedConnection implements ConnectionHeights {
  readonly #node: TrackedNode;
  readonly #deps: TrackedNodeDeps;
  readonly #validator: string;
  readonly #eventsBefore: number;
  #signAskedAt: bigint | undefined;
  #wasKeyAsked = false;
  #isContradicted = false;
  /** The height proven when an answer was held last, so that a node without events waits once, not at each request. */
  #heldAt: bigint | undefined;

  constructor(node: TrackedNode, deps: TrackedNodeDeps, validator: string) {
    this.#node = node;
    this.#deps = deps;
    this.#validator = validator;
    this.#eventsBefore = node.events;
  }

  signAsked(height: bigint): void {
    const { committed } = this.#node;
    this.#isContradicted = committed !== undefined && height <= committed;
    this.#signAskedAt = height;
    this.#wasKeyAsked = false;
    this.#node.prove(height - 1n);
  }

  publicKeyAsked(options: AbortOptions): bigint | undefined | Promise<bigint | undefined> {
    const signAskedAt = this.#signAskedAt;
    const wasKeyAsked = this.#wasKeyAsked;
    this.#wasKeyAsked = true;
    // Asked for once a block is committed: the one that was last signed for on this connection.
    if (signAskedAt !== undefined) this.#node.prove(signAskedAt);
    const { nextHeight, holdFor } = this.#judge(wasKeyAsked);
    if (holdFor === undefined || !this.#mayHold(nextHeight)) return nextHeight;
    this.#heldAt = nextHeight ?? 0n;
    return this.#held(holdFor, options);
  }

  async #held(holdFor: bigint, options: AbortOptions): Promise<bigint | undefined> {
    await this.#node.untilEvent(holdFor, options);
    return this.#judge(true).nextHeight;
  }

  /** Where events come they come within milliseconds; where none has come the wait is for nothing. */
  #mayHold(nextHeight: bigint | undefined): boolean {
    return this.#node.events > this.#eventsBefore || this.#heldAt !== (nextHeight ?? 0n);
  }

  #judge(wasKeyAsked: boolean): ReturnType<typeof judgeKeyRequest> {
    const { rotations, floorHeight } = this.#deps;
    return judgeKeyRequest({
      committed: this.#node.committed,
      floorHeight: floorHeight(this.#validator),
      passedAt: rotations.passedAt(this.#validator),
      armedAt: rotations.armedAt(this.#validator),
      signAskedAt: this.#signAskedAt,
      wasKeyAsked,
      isContradicted: this.#isContradicted,
    });
  }
}
