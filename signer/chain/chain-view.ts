/**
 * What all sources of one validator's chain tell together (S46), for the rotation, the floor's
 * limits and the page. Pure rules in `judge-updates.ts`; the view owns the followers.
 */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Contradiction } from '../rotation/rotation.ts';
import type { ChainSource, FollowerStatus } from './chain-follower.ts';
import type { HeaderFacts, NodeRpc, PowerUpdate, SignedHeaderFacts } from './node-rpc.ts';

/** What the sources agree on, or not. */
export type ChainEvent =
  | { readonly kind: 'block'; readonly source: ChainSource; readonly header: HeaderFacts }
  /**
   * The updates of a block, once: by the first source that tells them. Silence and being behind by
   * 300 ms or more is no disagreement.
   */
  | {
      readonly kind: 'updates';
      readonly height: bigint;
      readonly updates: readonly PowerUpdate[];
      readonly toldBy: ChainSource;
    }
  /** A later source told another thing of a block. */
  | { readonly kind: 'contradiction'; readonly contradiction: Contradiction }
  /** The next header has shown who was right; `updates` are the true ones. */
  | { readonly kind: 'settled'; readonly height: bigint; readonly updates: readonly PowerUpdate[] };

/** How one of our keys did at a height, as its commit shows. */
export interface Attendance {
  readonly height: bigint;
  /** `absent` only of a canonical commit. `not-in-set`: nothing was to be signed. */
  readonly state: 'signed' | 'nil' | 'absent' | 'not-in-set' | 'unknown';
  readonly publicKey: Uint8Array | undefined;
  /** Of a canonical commit. */
  readonly isFinal: boolean;
}

/** One validator's chain. */
export interface ChainView extends AsyncDisposable {
  readonly validator: string;
  /** Newest height that a configured node or witness tells: S33's tip, an alarm's yardstick. `undefined` while none does. */
  tip(): bigint | undefined;
  /** The newest block's own time: the clock that operators cannot set back. */
  tipTimeMs(): number | undefined;
  events(options?: AbortOptions): AsyncIterable<ChainEvent>;
  /** Commits in order of height, from where the last process stopped, at most 1,000 back (S36). */
  commits(options?: AbortOptions): AsyncIterable<SignedHeaderFacts>;
  /** Of the last 256 heights. */
  attendance(fromHeight: bigint): readonly Attendance[];
  followers(): readonly FollowerStatus[];
  /**
   * Asks one source after the other, nodes first, until one answers: for what is in no event. Never
   * while a node waits for an answer of ours.
   *
   * @throws {NoSourceError} ERR_NO_CHAIN_SOURCE with what the last one said.
   */
  ask<T>(question: (rpc: NodeRpc) => Promise<T>, options?: AbortOptions): Promise<T>;
  /** Sources come and go with `nodes add`, `remove` and reload; the others are not touched. */
  setSources(sources: readonly ChainSource[]): void;
}
