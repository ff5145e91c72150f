/** One connection to one node, from the first request to the end of the connection. */
import { encodeFrame, FrameReader } from '@privval/proto/codec/delimited';
import {
  MAX_REPLY_BYTES,
  MAX_REQUEST_BYTES,
  type PrivvalRequest,
} from '@privval/proto/privval/messages';
import type { PrivValidator } from '@privval/proto/privval/priv-validator';
import { decodeRequest } from '@privval/proto/privval/request-codec';
import { encodeResponse } from '@privval/proto/privval/response-codec';
import { abortable } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainId } from '@privval/proto/types/chain-id';
import { answer } from './answer.ts';
import { type Dialect, dialectAfter } from './dialect.ts';
import type { ConnectionHeights } from './node-heights.ts';

/** The connection's limits are looked at no less often than this; a late find costs at most as much. */
const WATCH_INTERVAL_MS = 1_000;

/** Collaborators of a {@link Session}. */
export interface SessionDeps {
  /** The connection after its handshake. The session owns it. */
  readonly stream: ByteStream;
  readonly privValidator: PrivValidator;
  /** What this connection proves of its node's height (S41). @default nothing is known */
  readonly heights?: ConnectionHeights | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Limits of a {@link Session}. */
export interface SessionOptions {
  /** The chain the validator signs for. */
  readonly chainId: ChainId;
  /** What is known of the node's version before it has asked anything. @default 'unknown' */
  readonly dialect?: Dialect | undefined;
  /**
   * Silence after which a connection in use is given up. A node in use pings each 3.33 s, so its
   * end is half-open (spec/privval.md 3.7); 0 never gives up. @default 10000
   */
  readonly idleLimitMs?: number | undefined;
  /**
   * Silence allowed before the first request. A node may park a connection behind another one for
   * as long as that one lives, without a word (spec/privval.md 3.8), and one that is given up costs
   * the node an attempt when it turns to it at last; a dead machine is noticed by the kernel's
   * keep-alive long before. 0 never gives up. @default 300000
   */
  readonly parkedLimitMs?: number | undefined;
  /** How long the node may take to accept an answer; 0 is for ever. @default 5000 */
  readonly writeLimitMs?: number | undefined;
  /** How long a dispose waits for the answer in flight. @default 500 */
  readonly graceMs?: number | undefined;
}

/** How a connection came to its end. */
export interface SessionEnd {
  /** `stopped` is our own doing; `node-closed` a clean close by the node; `broken` everything else. */
  readonly reason: 'node-closed' | 'stopped' | 'broken';
  /** Why it is broken. */
  readonly error: unknown;
  /** Requests that could be decoded. None: the node may never have accepted this connection. */
  readonly requests: number;
}

/** The node went away while its answer was being made. The signature, if any, is kept for its next request. */
export class NodeGoneError extends CodedError {
  override readonly name = 'NodeGoneError';
  readonly code = 'ERR_NODE_GONE';
}

/** Nothing came from the node for `limitMs`: the connection is dead although nobody closed it. */
export class SilentNodeError extends CodedError {
  override readonly name = 'SilentNodeError';
  readonly code = 'ERR_NODE_SILENT';
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`nothing from the node for ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

/** The node did not take an answer within `limitMs`. */
export class AnswerNotTakenError extends CodedError {
  override readonly name = 'AnswerNotTakenError';
  readonly code = 'ERR_ANSWER_NOT_TAKEN';
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`the node did not take an answer within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

/** The session was disposed: its own end, not a fault. */
class SessionStoppedError extends CodedError {
  override readonly name = 'SessionStoppedError';
  readonly code = 'ERR_SESSION_STOPPED';
}

/**
 * One connection to one node: read a request, answer it, repeat. Requests are answered in order, one
 * at a time, each exactly once; only a broken stream ends the connection.
 *
 * While an answer is being made one read waits for the frame after it. That is how a node that
 * hangs up is noticed: the wait for the signature ends (S25), the gate goes on for other askers
 * (S10). A frame that comes early is kept until its turn.
 *
 * Two loops: {@link #serve} ends with the connection or the dispose; {@link #watch}, the one timer
 * of a connection, ends with it.
 */
export class Session implements AsyncDisposable {
  /** Settles when the connection has ended and is closed. Rejects only with an InvariantError. */
  readonly closed: Promise<SessionEnd>;
  readonly #deps: SessionDeps;
  readonly #options: {
    readonly [Name in keyof SessionOptions]-?: NonNullable<SessionOptions[Name]>;
  };
  /** Aborts reads: by the end of the connection, or by a dispose, which lets the answer finish. */
  readonly #halt = new AbortController();
  /** Aborts the answer and its write: there is nobody left to take it. */
  readonly #gone = new AbortController();
  readonly #ended = new AbortController();
  #dialect: Dialect;
  #requests = 0;
  /** When the node was last heard, or last given an answer. */
  #activeAtMs: number;
  #answering = false;
  /** There once somebody waits for the end of the answer in flight. */
  #answerEnd: PromiseWithResolvers<void> | undefined;
  #writingSinceMs: number | undefined;

  private constructor(deps: SessionDeps, options: SessionOptions) {
    const {
      chainId,
      dialect = 'unknown',
      idleLimitMs = 10_000,
      parkedLimitMs = 300_000,
      writeLimitMs = 5_000,
      graceMs = 500,
    } = options;
    this.#deps = deps;
    this.#options = { chainId, dialect, idleLimitMs, parkedLimitMs, writeLimitMs, graceMs };
    this.#dialect = dialect;
    this.#activeAtMs = deps.clock.monotonicMs();
    this.closed = this.#run();
  }

  /** Starts serving `deps.stream`, which the session owns from here on. */
  static start(deps: SessionDeps, options: SessionOptions): Session {
    return new Session(deps, options);
  }

  /** Requests decoded so far. */
  get requests(): number {
    return this.#requests;
  }

  /** What the requests so far tell of the node's version. */
  get dialect(): Dialect {
    return this.#dialect;
  }

  /**
   * Resolves when the answer being made or written now, if there is one, is written or its
   * connection has ended: at the latest with the write limit (S34).
   */
  async answered(): Promise<void> {
    if (!this.#answering) return;
    this.#answerEnd ??= Promise.withResolvers();
    await Promise.race([this.#answerEnd.promise, this.closed]);
  }

  /** Ends the connection after the answer in flight, if it is ready within `graceMs`. May be called again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#halt.abort(new SessionStoppedError('the signer is stopping'));
    using grace = this.#deps.clock.deadline(this.#options.graceMs);
    grace.signal.addEventListener('abort', () => this.#gone.abort(grace.signal.reason));
    await Promise.allSettled([this.closed]);
  }

  async #run(): Promise<SessionEnd> {
    const watched = this.#watch();
    try {
      return await this.#serve();
    } finally {
      this.#ended.abort();
      await watched;
      await this.#deps.stream[Symbol.asyncDispose]();
    }
  }

  async #serve(): Promise<SessionEnd> {
    const { stream } = this.#deps;
    const reader = new FrameReader({ stream }, { maxBytes: MAX_REQUEST_BYTES });
    try {
      let next = reader.read({ signal: this.#halt.signal });
      for (;;) {
        const body = await next;
        if (body === undefined) return this.#end('node-closed', undefined);
        // A frame that came early is not begun once the session is to end.
        this.#halt.signal.throwIfAborted();
        const request = decodeRequest(body);
        this.#answering = true;
        next = this.#readAhead(reader);
        await this.#answer(request);
        this.#activeAtMs = this.#deps.clock.monotonicMs();
        this.#answering = false;
        this.#answerEnd?.resolve();
        this.#answerEnd = undefined;
      }
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      return this.#end(error instanceof SessionStoppedError ? 'stopped' : 'broken', error);
    }
  }

  #end(reason: SessionEnd['reason'], error: unknown): SessionEnd {
    return { reason, error, requests: this.#requests };
  }

  /** Waits for the next frame beside the answer; its rejection is observed here and again by the loop. */
  #readAhead(reader: FrameReader): Promise<Uint8Array | undefined> {
    const next = reader.read({ signal: this.#halt.signal });
    next.then(
      (body) => {
        if (body === undefined) this.#gone.abort(new NodeGoneError('the node closed'));
      },
      (cause) => {
        if (this.#halt.signal.aborted) return;
        this.#gone.abort(new NodeGoneError('the connection broke', { cause }));
      },
    );
    return next;
  }

  async #answer(request: PrivvalRequest): Promise<void> {
    const { privValidator, heights, logger, stream, clock } = this.#deps;
    this.#requests += 1;
    this.#dialect = dialectAfter(this.#dialect, request);
    const { signal } = this.#gone;
    const pending = answer({ privValidator, heights, logger }, request, {
      chainId: this.#options.chainId,
      signal,
    });
    // The PrivValidator may be slow to see an abort, and must not hold the connection's end up.
    const response = pending instanceof Promise ? await abortable(pending, { signal }) : pending;
    const body = encodeResponse(response, { omitExtensionAboveBytes: MAX_REPLY_BYTES });
    this.#writingSinceMs = clock.monotonicMs();
    await stream.write(encodeFrame(body), { signal });
    this.#writingSinceMs = undefined;
  }

  /** Gives up what is overdue. One timer per connection, set anew when it fires, never per request. */
  async #watch(): Promise<void> {
    const { clock } = this.#deps;
    try {
      for (;;) {
        const { fault, inMs } = this.#nextLimit(clock.monotonicMs());
        if (inMs <= 0) {
          this.#gone.abort(fault);
          this.#halt.abort(fault);
          return;
        }
        await clock.sleep(Math.min(inMs, WATCH_INTERVAL_MS), { signal: this.#ended.signal });
      }
    } catch (error) {
      if (!this.#ended.signal.aborted) throw error;
    }
  }

  /** The limit that runs now, and how long it has to go. */
  #nextLimit(nowMs: number): { readonly fault: CodedError | undefined; readonly inMs: number } {
    const { idleLimitMs, parkedLimitMs, writeLimitMs } = this.#options;
    if (this.#writingSinceMs !== undefined && writeLimitMs > 0) {
      const inMs = this.#writingSinceMs + writeLimitMs - nowMs;
      return { fault: new AnswerNotTakenError(writeLimitMs), inMs };
    }
    const limitMs = this.#requests === 0 ? parkedLimitMs : idleLimitMs;
    if (this.#answering || limitMs === 0)
      return { fault: undefined, inMs: Number.POSITIVE_INFINITY };
    return { fault: new SilentNodeError(limitMs), inMs: this.#activeAtMs + limitMs - nowMs };
  }
}
