/** The standing connection of one validator to one node: dial, serve, wait, dial again. */
import type { PrivValidator } from '@privval/proto/privval/priv-validator';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import { type Logger, withFields } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { Dialect } from '../session/dialect.ts';
import type { NodeHeights } from '../session/node-heights.ts';
import { Session, type SessionEnd } from '../session/session.ts';
import { backOffDelayMs } from './back-off.ts';
import type { DialNode } from './dial-node.ts';
import { addressWarnings, type NodeAddress, printNodeAddress } from './node-address.ts';

/** A fault that goes on is told again after this long, and whenever it changes. */
const REMINDER_INTERVAL_MS = 60_000;

/** Collaborators of a {@link NodeLink}. */
export interface NodeLinkDeps {
  readonly dial: DialNode;
  readonly privValidator: PrivValidator;
  /** What is proven of this node's height (S41). @default nothing is known */
  readonly heights?: NodeHeights | undefined;
  /** Told when a connection came up that asks, or ended. */
  readonly onConnection?: ((change: ConnectionChange) => void) | undefined;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
}

/** A node's connection came or went. */
export interface ConnectionChange {
  /** As in `signer.toml`. */
  readonly node: string;
  readonly isUp: boolean;
  /** Why it went, if not by our own doing. */
  readonly code?: string | undefined;
}

/** Whom a {@link NodeLink} serves. */
export interface NodeLinkOptions {
  /** The validator's name, for logs. */
  readonly validator: string;
  readonly chainId: ChainId;
  readonly address: NodeAddress;
}

/**
 * `connecting`: dialling, or waiting for the node's handshake. `connected`: the handshake is done
 * and the node has not asked yet; it may hold this connection in reserve, or be about to refuse it.
 * `serving`: it has asked. `backing-off`: waiting before the next dial.
 */
export type LinkState = 'connecting' | 'connected' | 'serving' | 'backing-off' | 'closed';

/** What is known of a link now. Times are wall-clock milliseconds since 1970. */
export interface LinkStatus {
  /** As in `signer.toml`. */
  readonly address: string;
  readonly state: LinkState;
  /** Where the connection leads. Absent without one. */
  readonly remote: string | undefined;
  /** Who the node proved to be, on the transports that prove it. */
  readonly peerId: string | undefined;
  readonly dialect: Dialect;
  readonly connectedSinceMs: number | undefined;
  /** Requests answered on the present connection. */
  readonly requests: number;
  /** Dials since the start. */
  readonly attempts: number;
  /** Dials in a row that brought no request. */
  readonly failures: number;
  readonly lastError: LinkError | undefined;
}

/** Why a link's last attempt or connection ended. */
export interface LinkError {
  readonly code: string;
  readonly text: string;
  readonly atMs: number;
}

/** The node closed the connection without having asked for anything. */
export class NodeNeverAskedError extends CodedError {
  override readonly name = 'NodeNeverAskedError';
  readonly code = 'ERR_NODE_NEVER_ASKED';

  constructor(address: NodeAddress) {
    super(
      address.scheme === 'noise'
        ? "the node closed the connection before it asked anything: it does so when its noise:// address names another peer id than this signer's (signer identity show --format libp2p)"
        : 'the node closed the connection before it asked anything',
    );
  }
}

/** A connection and what serves it. */
interface Serving {
  readonly session: Session;
  readonly remote: string;
  readonly peerId: string | undefined;
  readonly sinceMs: number;
}

/**
 * One validator's connection to one node, kept up for ever: dial → {@link Session} → back-off → dial.
 *
 * It runs one loop, which ends with its dispose and with nothing else: no fault of a node, network or
 * key ends it, and none reaches another link. The delay starts anew after a connection that carried
 * a request; a handshake alone proves nothing (a noise:// node refuses a signer after it).
 */
export class NodeLink implements AsyncDisposable {
  /** Settles when the link was disposed. Rejects only with an InvariantError, which ends the process. */
  readonly closed: Promise<void>;
  readonly #deps: NodeLinkDeps;
  readonly #options: NodeLinkOptions;
  readonly #logger: Logger;
  readonly #shutdown = new AbortController();
  #state: LinkState = 'connecting';
  #serving: Serving | undefined;
  #attempts = 0;
  #failures = 0;
  #lastError: LinkError | undefined;
  #lastReport: { readonly code: string; readonly atMs: number } | undefined;

  private constructor(deps: NodeLinkDeps, options: NodeLinkOptions) {
    const { validator, chainId, address } = options;
    this.#deps = deps;
    this.#options = options;
    this.#logger = withFields(deps.logger, {
      validator,
      chain: chainId,
      node: printNodeAddress(address),
    });
    this.closed = this.#run();
  }

  /** Starts dialling. */
  static start(deps: NodeLinkDeps, options: NodeLinkOptions): NodeLink {
    return new NodeLink(deps, options);
  }

  /** What is known now. */
  status(): LinkStatus {
    const serving = this.#serving;
    const requests = serving?.session.requests ?? 0;
    return {
      address: printNodeAddress(this.#options.address),
      state: this.#state === 'connected' && requests > 0 ? 'serving' : this.#state,
      remote: serving?.remote,
      peerId: serving?.peerId,
      dialect: serving?.session.dialect ?? 'unknown',
      connectedSinceMs: serving?.sinceMs,
      requests,
      attempts: this.#attempts,
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  /** Resolves when no answer is being made or written on it (S34). */
  async answered(): Promise<void> {
    await this.#serving?.session.answered();
  }

  /** Ends the link; an answer in flight is finished first, within half a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.#serving?.session[Symbol.asyncDispose]();
    await Promise.allSettled([this.closed]);
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#deps;
    const { signal } = this.#shutdown;
    for (const warning of addressWarnings(this.#options.address)) this.#logger.warn({}, warning);
    try {
      while (!signal.aborted) {
        const requests = await this.#attempt();
        this.#failures = requests > 0 ? 0 : this.#failures + 1;
        this.#state = 'backing-off';
        const delayMs = backOffDelayMs(Math.max(0, this.#failures - 1), random);
        await clock.sleep(delayMs, { signal });
      }
    } catch (error) {
      if (!signal.aborted || error instanceof InvariantError) throw error;
    } finally {
      this.#state = 'closed';
    }
  }

  /** One dial and what comes of it. @returns how many requests the connection carried. */
  async #attempt(): Promise<number> {
    this.#state = 'connecting';
    this.#attempts += 1;
    try {
      return await this.#connectAndServe();
    } catch (error) {
      if (error instanceof InvariantError || this.#shutdown.signal.aborted) throw error;
      this.#failed(error);
      return 0;
    }
  }

  async #connectAndServe(): Promise<number> {
    const { dial, privValidator, heights, clock } = this.#deps;
    const { address, chainId } = this.#options;
    const { signal } = this.#shutdown;
    const { stream, peerId } = await dial(address, { signal });
    if (signal.aborted) {
      await stream[Symbol.asyncDispose]();
      throw signal.reason;
    }
    const { remote } = stream;
    const session = Session.start(
      {
        stream,
        privValidator,
        heights: heights?.connected(),
        clock,
        logger: withFields(this.#logger, { remote }),
      },
      { chainId, dialect: address.scheme === 'noise' ? 'v0.40' : 'unknown' },
    );
    this.#serving = { session, remote, peerId, sinceMs: clock.now() };
    this.#state = 'connected';
    this.#logConnected(remote, peerId);
    this.#changed(true);
    try {
      const end = await session.closed;
      this.#sessionEnded(end);
      this.#changed(false, end.reason === 'broken' ? errorCode(end.error) : undefined);
      return end.requests;
    } finally {
      this.#serving = undefined;
    }
  }

  #changed(isUp: boolean, code?: string): void {
    this.#deps.onConnection?.({ node: printNodeAddress(this.#options.address), isUp, code });
  }

  #logConnected(remote: string, peerId: string | undefined): void {
    const fields = { remote, peerId, attempts: this.#attempts };
    // A node that hangs up each time is told of by its error, not by a line per connection.
    if (this.#lastReport?.code === 'ERR_NODE_NEVER_ASKED') {
      this.#logger.debug(fields, 'connected to the node');
    } else {
      this.#logger.info(fields, 'connected to the node');
    }
  }

  #sessionEnded({ reason, error, requests }: SessionEnd): void {
    if (reason === 'stopped') return;
    if (requests === 0) {
      this.#failed(
        reason === 'node-closed' ? new NodeNeverAskedError(this.#options.address) : error,
      );
      return;
    }
    this.#lastReport = undefined;
    if (reason === 'node-closed') {
      this.#logger.info({ requests }, 'the node closed the connection');
      return;
    }
    const { code, text } = this.#note(error);
    this.#logger.warn({ requests, code, reason: text }, 'the connection broke');
  }

  /** An attempt that brought nothing. Told when it is new, and every minute while it lasts. */
  #failed(error: unknown): void {
    const { code, text } = this.#note(error);
    const nowMs = this.#deps.clock.monotonicMs();
    const last = this.#lastReport;
    if (last?.code === code && nowMs - last.atMs < REMINDER_INTERVAL_MS) return;
    this.#lastReport = { code, atMs: nowMs };
    const failures = this.#failures + 1;
    this.#logger.warn({ code, reason: text, failures }, 'no connection to the node');
  }

  #note(error: unknown): LinkError {
    const text = error instanceof Error ? error.message : String(error);
    this.#lastError = { code: errorCode(error), text, atMs: this.#deps.clock.now() };
    return this.#lastError;
  }
}
