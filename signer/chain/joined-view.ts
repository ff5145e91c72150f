/** {@link ChainView} of one validator over any number of sources. */
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import { AttendanceBook } from './attendance-book.ts';
import type { ChainNews, ChainSource, FollowerStatus } from './chain-follower.ts';
import type { ChainProgress } from './chain-progress.ts';
import type { Attendance, ChainEvent, ChainView } from './chain-view.ts';
import { walkCommits } from './commit-walk.ts';
import { judgeUpdates, NOTHING_TOLD, settleUpdates, type UpdatesTold } from './judge-updates.ts';
import { NewsHub } from './news-hub.ts';
import { NodeFollower } from './node-follower.ts';
import type { HeaderFacts, NodeRpc, PowerUpdate, SignedHeaderFacts } from './node-rpc.ts';
import { NoSourceError } from './node-rpc-errors.ts';
import { settledBy } from './settling.ts';

/** Items that wait for each reader; then the sources are not read any more. */
const MAX_WAITING = 256;

/** Between attempts to settle a contradiction. */
const RETRY_MS = 500;

/** Collaborators of a {@link JoinedView}. */
export interface JoinedViewDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  /** Of this validator. The view's to write. */
  readonly progress: ChainProgress;
}

/** Whose chain, and what is looked for in it. */
export interface JoinedViewOptions {
  readonly validator: string;
  readonly chainId: string;
  /** Where commits are read from, and whose signatures are looked for; asked each time. */
  readonly floorHeight: () => bigint;
  readonly keys: () => readonly Uint8Array[];
  readonly sources: readonly ChainSource[];
}

/** A source, what follows it, and what takes its news. */
interface Followed {
  readonly source: ChainSource;
  /** Of the source as it is: another URL is another one. */
  readonly id: string;
  readonly follower: NodeFollower;
  readonly pump: Promise<void>;
  readonly stop: AbortController;
}

/**
 * Joins what the sources tell. Its loops end with its dispose: one a source, which takes its news;
 * one that walks the commits; and one for each contradiction, until a header settles it.
 *
 * Readers should subscribe in the turn in which the view was started: what was told before is not
 * told to them.
 */
export class JoinedView implements ChainView {
  readonly validator: string;
  readonly #deps: JoinedViewDeps;
  readonly #options: JoinedViewOptions;
  readonly #events = new NewsHub<ChainEvent>(MAX_WAITING);
  readonly #commits = new NewsHub<SignedHeaderFacts>(MAX_WAITING);
  readonly #attendance = new AttendanceBook();
  readonly #shutdown = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  readonly #unsettled = new Set<bigint>();
  #followed = new Map<string, Followed>();
  #told: UpdatesTold = NOTHING_TOLD;
  #newest: HeaderFacts | undefined;
  #changed = Promise.withResolvers<void>();

  private constructor(deps: JoinedViewDeps, options: JoinedViewOptions) {
    this.validator = options.validator;
    this.#deps = deps;
    this.#options = options;
    this.setSources(options.sources);
    this.#run(this.#readCommits());
  }

  /**
   * Starts following, and returns at once.
   *
   * @throws {InvalidRpcUrlError} ERR_INVALID_RPC_URL
   */
  static start(deps: JoinedViewDeps, options: JoinedViewOptions): JoinedView {
    return new JoinedView(deps, options);
  }

  tip(): bigint | undefined {
    const tip = this.#tip;
    return tip === 0n ? undefined : tip;
  }

  tipTimeMs(): number | undefined {
    return this.#newest?.timeMs;
  }

  events(options: AbortOptions = {}): AsyncIterable<ChainEvent> {
    return this.#events.subscribe(options);
  }

  commits(options: AbortOptions = {}): AsyncIterable<SignedHeaderFacts> {
    return this.#commits.subscribe(options);
  }

  attendance(fromHeight: bigint): readonly Attendance[] {
    return this.#attendance.from(fromHeight);
  }

  followers(): readonly FollowerStatus[] {
    return [...this.#followed.values()].map(({ follower }) => follower.status());
  }

  async ask<T>(question: (rpc: NodeRpc) => Promise<T>, options: AbortOptions = {}): Promise<T> {
    let cause: unknown;
    for (const rpc of this.#rpcs()) {
      try {
        return await abortable(question(rpc), options);
      } catch (error) {
        options.signal?.throwIfAborted();
        if (error instanceof InvariantError) throw error;
        cause = error;
      }
    }
    throw new NoSourceError(this.validator, { cause });
  }

  setSources(sources: readonly ChainSource[]): void {
    const wanted = new Map(sources.map((source) => [idOf(source), source]));
    for (const [id, followed] of this.#followed) {
      if (!wanted.has(id)) this.#leave(followed);
    }
    // In the order given: it is the one in which they are asked.
    this.#followed = new Map(
      [...wanted].map(([id, source]) => [id, this.#followed.get(id) ?? this.#follow(id, source)]),
    );
    this.#touch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    for (const followed of this.#followed.values()) this.#leave(followed);
    this.#followed.clear();
    this.#events.close();
    this.#commits.close();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    this.#deps.progress.flush();
  }

  #follow(id: string, source: ChainSource): Followed {
    const { clock, random, progress } = this.#deps;
    const { chainId } = this.#options;
    const name = nameOf(source);
    const own = progress.of(name).resultsRead;
    // A source that is new begins where the slowest other one is: what all have told is known.
    const read = own > 0n ? own : this.#slowest();
    const follower = NodeFollower.start(
      { clock, random },
      { source, chainId, updatesFrom: read === 0n ? undefined : read + 1n },
    );
    const stop = new AbortController();
    const pump = this.#take(name, source, follower, { signal: stop.signal });
    this.#run(pump);
    return { source, id, follower, pump, stop };
  }

  /** How far the slowest of the sources that have told anything has come; 0 without any. */
  #slowest(): bigint {
    const read = [...this.#followed.values()]
      .map(({ source }) => this.#deps.progress.of(nameOf(source)).resultsRead)
      .filter((height) => height > 0n);
    return read.reduce((a, b) => (a < b ? a : b), read[0] ?? 0n);
  }

  #leave({ id, follower, pump, stop }: Followed): void {
    this.#followed.delete(id);
    stop.abort();
    this.#run(
      follower[Symbol.asyncDispose]().then(async () => {
        await pump;
      }),
    );
  }

  /** A task whose end is awaited by the dispose. It rejects with a bug only, which ends the process. */
  #run(task: Promise<void>): void {
    const observed = task.finally(() => this.#tasks.delete(observed));
    this.#tasks.add(observed);
  }

  async #take(
    name: string,
    source: ChainSource,
    follower: NodeFollower,
    options: AbortOptions,
  ): Promise<void> {
    try {
      for await (const news of follower.news(options)) {
        await this.#handle(name, source, news, options);
      }
    } catch (error) {
      if (options.signal?.aborted !== true || error instanceof InvariantError) throw error;
    }
  }

  async #handle(
    name: string,
    source: ChainSource,
    news: ChainNews,
    options: AbortOptions,
  ): Promise<void> {
    const { logger } = this.#deps;
    const fields = { validator: this.validator, source: name };
    // A tip may have grown, and one that is lost is not the first to be asked any more.
    this.#touch();
    switch (news.kind) {
      case 'connected':
        logger.info({ ...fields, version: news.version, tip: news.tip }, 'following the chain');
        return;
      case 'lost':
        logger.warn({ ...fields, code: news.code, reason: news.text }, 'not following the chain');
        return;
      case 'block':
        if (this.#newest === undefined || news.header.height > this.#newest.height) {
          this.#newest = news.header;
        }
        await this.#events.put({ kind: 'block', source, header: news.header }, options);
        return;
      case 'updates':
        await this.#judge(name, source, news, options);
        return;
    }
  }

  async #judge(
    name: string,
    source: ChainSource,
    { height, updates }: Extract<ChainNews, { readonly kind: 'updates' }>,
    options: AbortOptions,
  ): Promise<void> {
    const { logger, progress } = this.#deps;
    const fields = { validator: this.validator, source: name, height };
    const onHandled = (): void => progress.note(name, { resultsRead: height, tip: this.#tip });
    if (updates === undefined) {
      logger.warn(fields, 'this source does not keep the validator updates of a block');
      onHandled();
      return;
    }
    const { known, verdict } = judgeUpdates(this.#told, { source: name, height, updates });
    this.#told = known;
    switch (verdict.kind) {
      case 'first':
        await this.#events.put(
          { kind: 'updates', height, updates, toldBy: source },
          options,
          onHandled,
        );
        return;
      case 'contradicts': {
        const { contradiction } = verdict;
        logger.error({ ...fields, told: contradiction.told }, 'sources contradict each other');
        await this.#events.put({ kind: 'contradiction', contradiction }, options, onHandled);
        this.#settleLater(height);
        return;
      }
      case 'refuted':
        logger.error(fields, 'this source tells what a header has shown to be wrong');
        onHandled();
        return;
      case 'known':
        onHandled();
        return;
    }
  }

  #settleLater(height: bigint): void {
    if (this.#unsettled.has(height)) return;
    this.#unsettled.add(height);
    this.#run(
      this.#untilDisposed(async (options) => {
        const updates = await this.#settle(height, options);
        this.#told = settleUpdates(this.#told, height, updates);
        this.#unsettled.delete(height);
        await this.#events.put({ kind: 'settled', height, updates }, options);
      }),
    );
  }

  /** By those that can be reached: one that is gone says nothing. */
  async #settle(height: bigint, options: AbortOptions): Promise<readonly PowerUpdate[]> {
    for (;;) {
      await this.#until(() => this.#tip > height, options);
      const rpcs = this.#inOrder().filter(isReached);
      const updates = await settledBy(
        rpcs.map(({ follower }) => follower.rpc),
        height + 1n,
        options,
      );
      if (updates !== undefined) return updates;
      await this.#deps.clock.sleep(RETRY_MS, options);
    }
  }

  #readCommits(): Promise<void> {
    const { clock, progress } = this.#deps;
    const { floorHeight, keys } = this.#options;
    const walk = {
      clock,
      progress,
      attendance: this.#attendance,
      sources: () => this.#inOrder().map(({ follower }) => follower),
      until: (isSo: () => boolean, wait: AbortOptions) => this.#until(isSo, wait),
      floorHeight,
      keys,
      deliver: (commit: SignedHeaderFacts, wait: AbortOptions, onHandled: () => void) =>
        this.#commits.put(commit, wait, onHandled),
    };
    return this.#untilDisposed((options) => walkCommits(walk, options));
  }

  /** Those that are reached first, nodes before witnesses, as they are configured. */
  #inOrder(): readonly Followed[] {
    const rank = (one: Followed): number =>
      (isReached(one) ? 0 : 2) + (one.source.kind === 'node' ? 0 : 1);
    return [...this.#followed.values()].toSorted((a, b) => rank(a) - rank(b));
  }

  #rpcs(): readonly NodeRpc[] {
    return this.#inOrder().map(({ follower }) => follower.rpc);
  }

  /** Told by anybody: one that lies far ahead leads nothing here but the limits, which count it with care. */
  get #tip(): bigint {
    let tip = 0n;
    for (const { follower } of this.#followed.values()) if (follower.tip > tip) tip = follower.tip;
    return tip;
  }

  async #untilDisposed(loop: (options: AbortOptions) => Promise<void>): Promise<void> {
    const { signal } = this.#shutdown;
    try {
      await loop({ signal });
    } catch (error) {
      if (!signal.aborted || error instanceof InvariantError) throw error;
    }
  }

  async #until(isSo: () => boolean, options: AbortOptions): Promise<void> {
    while (!isSo()) await abortable(this.#changed.promise, options);
  }

  #touch(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function isReached({ follower }: Followed): boolean {
  return follower.mode === 'events' || follower.mode === 'polling';
}

function idOf(source: ChainSource): string {
  return `${nameOf(source)} ${source.url}`;
}

/** Its name in logs, contradictions and the table of progress. Shows no password of a URL. */
export function nameOf(source: ChainSource): string {
  return source.kind === 'node' ? source.node : `witness ${hostOf(source.url)}`;
}

function hostOf(url: string): string {
  return URL.parse(url.replace(/^tcp:/, 'http:'))?.host ?? 'unreadable';
}
