/** The validator updates of every height of one source, one after the other (S46). */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { ChainNews } from './chain-follower.ts';
import type { HeaderFacts, PowerUpdate } from './node-rpc.ts';
import { readUpdates, type UpdatesReaderDeps } from './updates-reader.ts';

/** From so many heights behind on, headers tell where results are worth reading. */
const MANY_HEIGHTS = 1_000n;

/** Headers in one answer. */
const HEADERS = 20n;

/** Updates told by events that wait for their turn: older ones are read instead. */
const MAX_TOLD = 64;

/** Collaborators of a {@link ResultsWalk}. */
export interface ResultsWalkDeps extends UpdatesReaderDeps {
  /** The lowest height the source keeps; 0 where it does not say. */
  readonly earliest: () => bigint;
  readonly tell: (news: ChainNews, options: AbortOptions) => Promise<void>;
}

/** Goes on where it was after every interruption: no height is left out, none comes twice. */
export class ResultsWalk {
  readonly #deps: ResultsWalkDeps;
  readonly #told = new Map<bigint, readonly PowerUpdate[]>();

  constructor(deps: ResultsWalkDeps) {
    this.#deps = deps;
  }

  /** Updates that came with their event: they need not be read. */
  keep(height: bigint, updates: readonly PowerUpdate[]): void {
    this.#told.set(height, updates);
    const [oldest] = this.#told.keys();
    if (this.#told.size > MAX_TOLD && oldest !== undefined) this.#told.delete(oldest);
  }

  /** Walks until it is aborted. `from`: @default the newest height when there is one */
  async walk(from: bigint | undefined, options: AbortOptions): Promise<never> {
    const { tip, untilTip } = this.#deps;
    await untilTip(1n, options);
    for (let next = from ?? tip(); ; ) {
      await untilTip(next, options);
      next = await this.#skipPruned(next, options);
      next =
        tip() - next > MANY_HEIGHTS
          ? await this.#readMany(next, options)
          : await this.#readOne(next, options);
    }
  }

  async #readOne(height: bigint, options: AbortOptions): Promise<bigint> {
    const told = this.#told.get(height);
    this.#told.delete(height);
    const updates = told ?? (await readUpdates(this.#deps, height, options));
    await this.#deps.tell({ kind: 'updates', height, updates }, options);
    return height + 1n;
  }

  /** After a long absence: a block without updates leaves the hash in the next header as it was. */
  async #readMany(first: bigint, options: AbortOptions): Promise<bigint> {
    const headers = await this.#headersFrom(first, options);
    let next = first;
    for (const [index, header] of headers.entries()) {
      const after = headers[index + 1];
      if (after === undefined || header.height !== next || after.height !== next + 1n) break;
      if (equalBytes(header.nextValidatorsHash, after.nextValidatorsHash)) {
        await this.#deps.tell({ kind: 'updates', height: next, updates: [] }, options);
        next += 1n;
      } else next = await this.#readOne(next, options);
    }
    return next === first ? await this.#readOne(first, options) : next;
  }

  /** None when the node does not give them: then the results are read one by one. */
  async #headersFrom(first: bigint, options: AbortOptions): Promise<readonly HeaderFacts[]> {
    try {
      return await this.#deps.rpc.headers(first, first + HEADERS - 1n, options);
    } catch {
      options.signal?.throwIfAborted();
      return [];
    }
  }

  /** What the node has pruned is told once, as not kept. */
  async #skipPruned(next: bigint, options: AbortOptions): Promise<bigint> {
    const earliest = this.#deps.earliest();
    // What is not there yet cannot be pruned, whatever is said.
    if (next >= earliest || earliest > this.#deps.tip()) return next;
    await this.#deps.tell({ kind: 'updates', height: earliest - 1n, updates: undefined }, options);
    return earliest;
  }
}
