/** Following one source: what its RPC and event stream tell of each block. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { HeaderFacts, PowerUpdate } from './node-rpc.ts';

/** Whose RPC it is: a configured node's, which speaks for that node (S41), or a witness (S46). */
export type ChainSource =
  | { readonly kind: 'node'; readonly node: string; readonly url: string }
  | { readonly kind: 'witness'; readonly url: string };

/** What a source tells, in the order of heights. */
export type ChainNews =
  /** A new block is committed there. As soon as it is heard of: nothing is fetched first (S42 waits for it). */
  | { readonly kind: 'block'; readonly header: HeaderFacts }
  /**
   * The validator updates of a block; told for every height, empty too, none left out and none twice,
   * also over reconnects (S46). `undefined`: the source does not keep them.
   */
  | {
      readonly kind: 'updates';
      readonly height: bigint;
      readonly updates: readonly PowerUpdate[] | undefined;
    }
  | { readonly kind: 'connected'; readonly version: string; readonly tip: bigint }
  | { readonly kind: 'lost'; readonly code: string; readonly text: string };

/** How a follower hears of blocks now. */
export type FollowMode = 'events' | 'polling' | 'lost' | 'refused';

/** For status, doctor, metrics. */
export interface FollowerStatus {
  readonly source: ChainSource;
  readonly mode: FollowMode;
  readonly version: string | undefined;
  readonly tip: bigint | undefined;
  readonly isCatchingUp: boolean;
  readonly reconnects: number;
  readonly lastError:
    | { readonly code: string; readonly text: string; readonly atMs: number }
    | undefined;
}

/**
 * Follows one source for ever: WebSocket subscription; polling every second while that fails;
 * back-off when neither answers. It never gives up, except on a node of another chain, which is
 * `refused` until it says otherwise at a look each minute.
 *
 * Its loop ends with its dispose. It must not hold up the thread: big blocks are not parsed here
 * (the stream it subscribes to carries headers; results are fetched by height, one at a time).
 */
export interface ChainFollower extends AsyncDisposable {
  /**
   * News, to one reader. Bounded: 1,024 wait; a slower reader loses none, for the follower then
   * stops reading its source.
   */
  news(options?: AbortOptions): AsyncIterable<ChainNews>;
  status(): FollowerStatus;
}
