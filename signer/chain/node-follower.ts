/** {@link ChainFollower} of one node's RPC. */
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { RandomSource } from '@privval/proto/runtime/random';
import { backOffDelayMs } from '../connection/back-off.ts';
import type {
  ChainFollower,
  ChainNews,
  ChainSource,
  FollowerStatus,
  FollowMode,
} from './chain-follower.ts';
import { EventStream } from './event-stream.ts';
import { HttpNodeRpc } from './http-node-rpc.ts';
import { NewsQueue } from './news-queue.ts';
import type { HeaderFacts, NodeRpc, NodeStatus } from './node-rpc.ts';
import { ForeignNodeError } from './node-rpc-errors.ts';
import { ResultsWalk } from './results-walk.ts';
import { parseRpcUrl, type RpcUrl } from './rpc-url.ts';

/** Without events the node is asked each second. */
const POLL_INTERVAL_MS = 1_000;

/** With events it is asked now and then whether it told of every block. */
const CHECK_INTERVAL_MS = 5_000;

/** A node of another chain is looked at again after this long. */
const FOREIGN_INTERVAL_MS = 60_000;

/** News that wait for the reader. */
const MAX_WAITING = 1_024;

/** Between attempts to reach a source, or its events: with jitter, no longer than the last. */
const BACK_OFF = { minMs: 100, firstMs: 500, maxMs: 10_000 };

/** Headers in one answer. */
const HEADERS = 20n;

/** Collaborators of a {@link NodeFollower}. */
export interface NodeFollowerDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** Whom it follows, and from where on. */
export interface NodeFollowerOptions {
  readonly source: ChainSource;
  readonly chainId: string;
  /** The first block whose updates are told. @default the newest at the first contact */
  readonly updatesFrom?: bigint | undefined;
}

/**
 * Follows one source for ever.
 *
 * Three loops end with the dispose, and with nothing else but a bug: {@link #hear} reaches the
 * source and asks it for its newest height; {@link #listen} keeps a subscription to its events;
 * {@link ResultsWalk} reads the updates of each height, one after the other. A block is told when it is heard of, its updates when they were read.
 */
export class NodeFollower implements ChainFollower {
  readonly rpc: NodeRpc;
  readonly #deps: NodeFollowerDeps;
  readonly #options: NodeFollowerOptions;
  readonly #url: RpcUrl;
  readonly #http: HttpNodeRpc;
  readonly #queue = new NewsQueue<ChainNews>(MAX_WAITING);
  readonly #shutdown = new AbortController();
  readonly #loops: Promise<unknown>;
  readonly #results: ResultsWalk;
  #mode: FollowMode = 'lost';
  #isReached = false;
  #stream: EventStream | undefined;
  #isStale = false;
  #told = 0n;
  #status: NodeStatus | undefined;
  #reconnects = 0;
  #hasBeenReached = false;
  #lastError: FollowerStatus['lastError'];
  #changed = Promise.withResolvers<void>();

  private constructor(deps: NodeFollowerDeps, options: NodeFollowerOptions) {
    const { source, chainId } = options;
    this.#deps = deps;
    this.#options = options;
    this.#url = parseRpcUrl(source.url);
    this.#http = new HttpNodeRpc(deps, { url: source.url, chainId });
    this.rpc = this.#http;
    this.#results = new ResultsWalk({
      rpc: this.rpc,
      clock: deps.clock,
      tip: () => this.tip,
      earliest: () => this.#status?.earliestHeight ?? 0n,
      untilTip: (height, wait) => this.#until(() => this.tip >= height, wait),
      tell: (news, wait) => this.#tell(news, wait),
    });
    const read = (wait: AbortOptions): Promise<void> =>
      this.#results.walk(options.updatesFrom, wait);
    this.#loops = Promise.all([this.#hear(), this.#listen(), this.#untilDisposed(read)]);
  }

  /**
   * Starts, and returns at once.
   *
   * @throws {InvalidRpcUrlError} ERR_INVALID_RPC_URL
   */
  static start(deps: NodeFollowerDeps, options: NodeFollowerOptions): NodeFollower {
    return new NodeFollower(deps, options);
  }

  news(options: AbortOptions = {}): AsyncIterable<ChainNews> {
    return this.#queue.read(options);
  }

  status(): FollowerStatus {
    const { source } = this.#options;
    return {
      source: { ...source, url: this.#url.shown },
      mode: this.#mode,
      version: this.#status?.version,
      tip: this.tip === 0n ? undefined : this.tip,
      isCatchingUp: this.#status?.isCatchingUp ?? false,
      reconnects: this.#reconnects,
      lastError: this.#lastError,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.#loops;
    this.#http[Symbol.dispose]();
    this.#queue.close();
  }

  /** How it hears of blocks now. */
  get mode(): FollowMode {
    return this.#mode;
  }

  /** The newest height it has told of; 0 while there is none. */
  get tip(): bigint {
    const latest = this.#status?.latestHeight ?? 0n;
    return latest > this.#told ? latest : this.#told;
  }

  /** A loop until the dispose: its own end is no fault, a bug is passed on. */
  async #untilDisposed(loop: (options: AbortOptions) => Promise<void>): Promise<void> {
    const { signal } = this.#shutdown;
    try {
      await loop({ signal });
    } catch (error) {
      if (!signal.aborted || error instanceof InvariantError) throw error;
    }
  }

  #hear(): Promise<void> {
    return this.#untilDisposed(async (options) => {
      for (let failures = 0; ; ) {
        try {
          await this.#ask(options);
          failures = 0;
          const intervalMs = this.#stream === undefined ? POLL_INTERVAL_MS : CHECK_INTERVAL_MS;
          await this.#pause(intervalMs, options);
        } catch (error) {
          options.signal?.throwIfAborted();
          const delayMs = await this.#missed(error, failures, options);
          failures += 1;
          await this.#deps.clock.sleep(delayMs, options);
        }
      }
    });
  }

  /** Asks for the newest height, and tells what the events have not. */
  async #ask(options: AbortOptions): Promise<void> {
    const status = await this.rpc.status(options);
    const heard = this.#told;
    // Heard of neither at the last look nor since: the events do not come any more.
    const isMissing = this.#stream !== undefined && (this.#status?.latestHeight ?? 0n) > heard;
    this.#status = status;
    if (!this.#isReached) {
      this.#isReached = true;
      if (this.#hasBeenReached) this.#reconnects += 1;
      this.#hasBeenReached = true;
      this.#setMode();
      await this.#tell(
        { kind: 'connected', version: status.version, tip: status.latestHeight },
        options,
      );
    }
    this.#touch();
    if (isMissing) this.#isStale = true;
    if (this.#stream === undefined || isMissing) await this.#tellHeaders(status, options);
  }

  /** Of many at once only the newest twenty are told: their updates are read all the same. */
  async #tellHeaders({ latestHeight }: NodeStatus, options: AbortOptions): Promise<void> {
    if (latestHeight <= this.#told) return;
    const oldest = latestHeight - HEADERS + 1n;
    const first = this.#told === 0n ? latestHeight : this.#told + 1n;
    const from = first > oldest ? first : oldest;
    for (const header of await this.rpc.headers(from, latestHeight, options)) {
      await this.#tellBlock(header, options);
    }
  }

  /** @returns how long to wait until the next attempt. */
  async #missed(error: unknown, failures: number, options: AbortOptions): Promise<number> {
    this.#note(error);
    if (error instanceof ForeignNodeError) {
      this.#mode = 'refused';
      this.#isStale = true;
      this.#touch();
      await this.#lost(error, options);
      return FOREIGN_INTERVAL_MS;
    }
    // Events that come are enough; what is wrong with the rest is in the status.
    if (this.#stream === undefined) await this.#lost(error, options);
    return backOffDelayMs(failures, this.#deps.random, BACK_OFF);
  }

  async #lost(error: unknown, options: AbortOptions): Promise<void> {
    const wasReached = this.#isReached;
    this.#isReached = false;
    this.#setMode();
    this.#touch();
    if (!wasReached) return;
    const { code, text } = this.#note(error);
    await this.#tell({ kind: 'lost', code, text }, options);
  }

  #listen(): Promise<void> {
    return this.#untilDisposed(async (options) => {
      for (let failures = 0; ; ) {
        await this.#until(() => this.#isReached, options);
        try {
          await this.#follow(options, () => {
            failures = 0;
          });
        } catch (error) {
          options.signal?.throwIfAborted();
          this.#note(error);
          if (error instanceof ForeignNodeError) await this.#missed(error, 0, options);
        }
        await this.#deps.clock.sleep(
          backOffDelayMs(failures, this.#deps.random, BACK_OFF),
          options,
        );
        failures += 1;
      }
    });
  }

  /** One subscription, to its end. */
  async #follow(options: AbortOptions, onEvent: () => void): Promise<void> {
    await using stream = await EventStream.open(this.#deps, this.#url, options);
    this.#stream = stream;
    this.#isStale = false;
    this.#setMode();
    try {
      // What was committed between the last look and the subscription is in no event.
      this.#touch();
      const ended = new AbortController();
      const events = this.#takeEvents(
        stream,
        { signal: AbortSignal.any([ended.signal, ...signals(options)]) },
        onEvent,
      );
      try {
        await Promise.race([events, this.#until(() => this.#isStale, { signal: ended.signal })]);
      } finally {
        ended.abort();
        await Promise.allSettled([events]);
      }
    } finally {
      this.#stream = undefined;
      this.#setMode();
      // Polling begins at once.
      this.#touch();
    }
  }

  async #takeEvents(
    stream: EventStream,
    options: AbortOptions,
    onEvent: () => void,
  ): Promise<void> {
    for await (const { header, updates } of stream.headers(options)) {
      onEvent();
      const { chainId } = this.#options;
      if (header.chainId !== chainId) {
        const chains = { expected: chainId, found: header.chainId };
        throw new ForeignNodeError(this.#url.shown, chains);
      }
      if (updates !== undefined) this.#results.keep(header.height, updates);
      await this.#tellBlock(header, options);
    }
  }

  async #tellBlock(header: HeaderFacts, options: AbortOptions): Promise<void> {
    if (header.height <= this.#told) return;
    this.#told = header.height;
    this.#touch();
    await this.#tell({ kind: 'block', header }, options);
  }

  async #tell(news: ChainNews, options: AbortOptions): Promise<void> {
    await this.#queue.put(news, options);
  }

  #setMode(): void {
    if (this.#stream !== undefined) this.#mode = 'events';
    else if (this.#isReached) this.#mode = 'polling';
    else if (this.#mode !== 'refused') this.#mode = 'lost';
  }

  #note(error: unknown): NonNullable<FollowerStatus['lastError']> {
    if (error instanceof InvariantError) throw error;
    this.#lastError = {
      code: errorCode(error),
      text: error instanceof Error ? error.message : String(error),
      atMs: this.#deps.clock.now(),
    };
    return this.#lastError;
  }

  async #until(isSo: () => boolean, options: AbortOptions): Promise<void> {
    while (!isSo()) await abortable(this.#changed.promise, options);
  }

  /** Until the time is over, or the events have come or gone. */
  async #pause(ms: number, options: AbortOptions): Promise<void> {
    const before = this.#stream;
    const woken = new AbortController();
    const signal = AbortSignal.any([woken.signal, ...signals(options)]);
    const slept = this.#deps.clock.sleep(ms, { signal });
    try {
      await Promise.race([slept, this.#until(() => this.#stream !== before, { signal })]);
    } finally {
      woken.abort();
      await Promise.allSettled([slept]);
    }
  }

  #touch(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function signals({ signal }: AbortOptions): readonly AbortSignal[] {
  return signal === undefined ? [] : [signal];
}
