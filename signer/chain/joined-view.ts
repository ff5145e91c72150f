/** {@link ChainView} of one validator over any number of sources. */
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import { AttendanceBook, attendanceIn } from './attendance-book.ts';
import type { ChainNews, ChainSource, FollowerStatus } from './chain-follower.ts';
import type { ChainProgress } from './chain-progress.ts';
import type { Attendance, ChainEvent, ChainView } from './chain-view.ts';
import { findCommit, findSet } from './commit-reader.ts';
import { judgeUpdates, NOTHING_TOLD, settleUpdates, type UpdatesTold } from './judge-updates.ts';
import { NewsHub } from './news-hub.ts';
import { NodeFollower } from './node-follower.ts';
import type {
  HeaderFacts,
  NodeRpc,
  PowerUpdate,
  SetMember,
  SignedHeaderFacts,
} from './node-rpc.ts';
import { NoSourceError } from './node-rpc-errors.ts';
import { provenUpdates } from './set-changes.ts';

/** Items that wait for each reader; then the sources are not read any more. */
const MAX_WAITING = 256;

/** How far back commits are looked at (S36). */
const MAX_COMMITS_BACK = 1_000n;

/** Between attempts to read a commit, or to settle a contradiction. */
const RETRY_MS = 500;

/** Under this name the progress of commits is kept: it is nobody's but the chain's. */
const CHAIN = 'chain';

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
 * {@link #readCommits}; and one for each contradiction, until a header settles it.
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
  #set: { readonly hash: Uint8Array; readonly members: readonly SetMember[] } | undefined;
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
    // A source that is new begins where the others are: what they told is known.
    const read = own > 0n ? own : progress.newest.resultsRead;
    const follower = NodeFollower.start(
      { clock, random },
      { source, chainId, updatesFrom: read === 0n ? undefined : read + 1n },
    );
    const stop = new AbortController();
    const pump = this.#take(name, source, follower, { signal: stop.signal });
    this.#run(pump);
    return { source, id, follower, pump, stop };
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

  /** Until a header shows it: one that every source tells alike, and sets that have its hashes. */
  async #settle(height: bigint, options: AbortOptions): Promise<readonly PowerUpdate[]> {
    for (;;) {
      await this.#until(() => this.#tip > height, options);
      const next = await this.#agreedHeader(height + 1n, options);
      for (const rpc of next === undefined ? [] : this.#rpcs()) {
        const updates = next && (await updatesProvenBy(rpc, next, options));
        if (updates !== undefined) return updates;
      }
      await this.#deps.clock.sleep(RETRY_MS, options);
    }
  }

  /** A header that every source that can be reached tells alike: one that has not come so far is waited for. */
  async #agreedHeader(height: bigint, options: AbortOptions): Promise<HeaderFacts | undefined> {
    const reached = this.#inOrder().filter(isReached);
    const told = await Promise.all(
      reached.map(async ({ follower }) => {
        try {
          return (await follower.rpc.headers(height, height, options))[0];
        } catch {
          options.signal?.throwIfAborted();
          return undefined;
        }
      }),
    );
    const [first] = told;
    if (first === undefined) return undefined;
    const isAgreed = told.every(
      (header) =>
        header !== undefined &&
        equalBytes(header.nextValidatorsHash, first.nextValidatorsHash) &&
        equalBytes(header.validatorsHash, first.validatorsHash),
    );
    return isAgreed ? first : undefined;
  }

  /** Each height twice: as it is at the tip, where a signature shows first, and when it is final. */
  #readCommits(): Promise<void> {
    return this.#untilDisposed(async (options) => {
      await this.#until(() => this.#firstTip > 0n, options);
      for (let height = this.#firstCommit(); ; height++) {
        await this.#until(() => this.#firstTip >= height, options);
        if (height === this.#firstTip) await this.#readCommit(height, false, options);
        for (;;) {
          await this.#until(() => this.#firstTip > height, options);
          if (await this.#readCommit(height, true, options)) break;
          await this.#deps.clock.sleep(RETRY_MS, options);
        }
      }
    });
  }

  #firstCommit(): bigint {
    const tip = this.#firstTip;
    const checked = this.#deps.progress.of(CHAIN).commitsChecked;
    const floor = this.#options.floorHeight();
    const wanted = checked > 0n && checked < floor ? checked + 1n : floor;
    const lowest = tip > MAX_COMMITS_BACK ? tip - MAX_COMMITS_BACK + 1n : 1n;
    const from = wanted > lowest ? wanted : lowest;
    return from < tip ? from : tip;
  }

  /** @returns false when nobody has it now: it is tried again. A commit that nobody keeps is passed over. */
  async #readCommit(height: bigint, isFinal: boolean, options: AbortOptions): Promise<boolean> {
    const found = await findCommit(this.#rpcs(), { height, isFinal }, options);
    if (found.kind === 'silent') return false;
    if (found.kind === 'missing') return isFinal && (await this.#isPruned(height, options));
    const { commit } = found;
    await this.#noteAttendance(commit, options);
    const onHandled = (): void => {
      if (isFinal) this.#deps.progress.note(CHAIN, { commitsChecked: height, tip: this.#tip });
    };
    await this.#commits.put(commit, options, onHandled);
    return true;
  }

  async #isPruned(height: bigint, options: AbortOptions): Promise<boolean> {
    const rpcs = this.#rpcs();
    const told = await Promise.allSettled(rpcs.map((rpc) => rpc.status(options)));
    options.signal?.throwIfAborted();
    return told.every((one) => one.status === 'rejected' || one.value.earliestHeight > height);
  }

  async #noteAttendance(commit: SignedHeaderFacts, options: AbortOptions): Promise<void> {
    const keys = this.#options.keys();
    const noted = attendanceIn(commit, keys, undefined);
    if (noted.state !== 'unknown') {
      this.#attendance.note(noted);
      return;
    }
    if (this.#set === undefined || !equalBytes(this.#set.hash, commit.validatorsHash)) {
      const members = await findSet(this.#rpcs(), commit, options);
      this.#set = members && { hash: commit.validatorsHash, members };
    }
    this.#attendance.note(
      attendanceIn(commit, keys, this.#set && memberOf(this.#set.members, keys)),
    );
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

  /** Of the source that is asked first. */
  get #firstTip(): bigint {
    return this.#inOrder()[0]?.follower.tip ?? 0n;
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

/** The first of our keys that is in a set. */
function memberOf(members: readonly SetMember[], keys: readonly Uint8Array[]): Uint8Array | 'none' {
  const has = (key: Uint8Array): boolean =>
    members.some(({ publicKey }) => publicKey !== undefined && equalBytes(publicKey, key));
  return keys.find(has) ?? 'none';
}

/** Its name in logs, contradictions and the table of progress. Shows no password of a URL. */
export function nameOf(source: ChainSource): string {
  return source.kind === 'node' ? source.node : `witness ${hostOf(source.url)}`;
}

function hostOf(url: string): string {
  return URL.parse(url.replace(/^tcp:/, 'http:'))?.host ?? 'unreadable';
}

async function updatesProvenBy(
  rpc: NodeRpc,
  next: HeaderFacts,
  options: AbortOptions,
): Promise<readonly PowerUpdate[] | undefined> {
  try {
    const [before, after] = await Promise.all([
      rpc.validators(next.height, options),
      rpc.validators(next.height + 1n, options),
    ]);
    if (before === undefined || after === undefined) return undefined;
    return provenUpdates(next, { before, after });
  } catch (error) {
    options.signal?.throwIfAborted();
    if (errorCode(error) === 'ERR_INVARIANT') throw error;
    return undefined;
  }
}
