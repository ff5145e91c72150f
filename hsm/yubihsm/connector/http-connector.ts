/** The usual way to a device: yubihsm-connector, over HTTP. */
import http from 'node:http';
import https from 'node:https';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { type Clock, systemClock } from '../clock.ts';
import { commandCode } from '../commands/command-code.ts';
import { linkSignals } from '../linked-signal.ts';
import { Turnstile } from '../turnstile.ts';
import type { Connector, ConnectorStatus, WaitOptions } from './connector.ts';
import {
  ConnectorBusyError,
  ConnectorClosedError,
  GarbageReplyError,
  HttpStatusError,
  NoDeviceError,
  ReplyLostError,
  StaleConnectionError,
} from './connector-errors.ts';
import { parseConnectorStatus } from './connector-status.ts';
import { type ConnectorUrl, parseConnectorUrl } from './connector-url.ts';
import { decodeFrame } from './frame.ts';
import { exchangeHttp, type HttpReply } from './http-exchange.ts';

/** The longest frame of any firmware is 3136 bytes; what connectors take is 3 more. */
const MAX_REPLY_BYTES = 3139;

/** The status has six short lines. */
const MAX_STATUS_BYTES = 4096;

/**
 * Milliseconds for which a connection is kept after an answer. Connectors close theirs after 5 s:
 * one that is older may be closing just now, and with it a frame would be lost.
 */
const KEEP_CONNECTION_MS = 2_000;

/** Frames that may wait for the one under way. */
const MAX_WAITING = 64;

const CREATE_SESSION = commandCode('CreateSession');

/** Collaborators of {@link HttpConnector}. */
export interface HttpConnectorDeps {
  /** @default the machine's own */
  readonly clock?: Clock | undefined;
}

/** Where the connector is, and how patient to be with it. */
export interface HttpConnectorOptions {
  /** `http://127.0.0.1:12345`; `https:` where the connector has a certificate. */
  readonly url: string;
  /** @default 2000 */
  readonly connectTimeoutMs?: number | undefined;
  /** From the moment there is a connection until the whole answer is there. @default 5000 */
  readonly requestTimeoutMs?: number | undefined;
  /** Certificates (PEM) to trust instead of the system's. For `https:` only. */
  readonly ca?: string | undefined;
}

/**
 * A connector over HTTP. One frame is under way at a time; at most 64 wait.
 *
 * No frame is ever sent twice, and none is sent on a connection that has been idle for long. A new
 * session begins on a new connection, so that nothing of an old one (an answer too many) gets into
 * it. Should a connection that was kept break all the same, none is kept any more.
 */
export class HttpConnector implements Connector {
  readonly name: string;
  readonly #clock: Clock;
  readonly #url: ConnectorUrl;
  readonly #connectTimeoutMs: number;
  readonly #requestTimeoutMs: number;
  readonly #turnstile = new Turnstile(MAX_WAITING);
  readonly #shutdown = new AbortController();
  /** Keeps the connection for the next frame. */
  readonly #keeping: http.Agent;
  /** Closes each connection after its answer. */
  readonly #closing: http.Agent;
  #lastAnswerMs = Number.NEGATIVE_INFINITY;
  #keepsConnections = true;

  private constructor(deps: HttpConnectorDeps, options: HttpConnectorOptions) {
    this.#url = parseConnectorUrl(options.url);
    this.name = this.#url.name;
    this.#clock = deps.clock ?? systemClock;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 2_000;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 5_000;
    const { isSecure } = this.#url;
    const ca = options.ca === undefined ? {} : { ca: options.ca };
    const agent = (keeping: http.AgentOptions): http.Agent =>
      isSecure ? new https.Agent({ ...keeping, ...ca }) : new http.Agent(keeping);
    this.#keeping = agent({ keepAlive: true, maxFreeSockets: 1, timeout: KEEP_CONNECTION_MS });
    this.#closing = agent({ keepAlive: false });
  }

  /**
   * A connector at this address. Connects when there is something to send.
   *
   * @throws {InvalidConnectorUrlError} ERR_YUBIHSM_INVALID_CONNECTOR_URL
   */
  static open(deps: HttpConnectorDeps, options: HttpConnectorOptions): HttpConnector {
    return new HttpConnector(deps, options);
  }

  async transceive(frame: Uint8Array, options: WaitOptions = {}): Promise<Uint8Array> {
    this.#expectOpen();
    using linked = linkSignals(options.signal, this.#shutdown.signal);
    const entering = this.#turnstile.enter({ signal: linked.signal });
    if (entering === undefined) throw new ConnectorBusyError(this.name, MAX_WAITING);
    using _turn = await entering;
    this.#expectOpen();
    const reply = await this.#post(frame, linked.signal);
    if (reply.status === 500) throw new NoDeviceError(this.name);
    if (reply.status !== 200) throw new HttpStatusError(this.name, reply.status);
    if (decodeFrame(reply.body) === undefined) {
      throw new GarbageReplyError(this.name, `${reply.body.length} bytes that are no frame`);
    }
    return reply.body;
  }

  async status(options: WaitOptions = {}): Promise<ConnectorStatus> {
    this.#expectOpen();
    using linked = linkSignals(options.signal, this.#shutdown.signal);
    const { status, body } = await exchangeHttp(this.#clock, {
      ...this.#limits(linked.signal),
      agent: this.#closing,
      method: 'GET',
      path: '/connector/status',
      body: new Uint8Array(),
      maxReplyBytes: MAX_STATUS_BYTES,
    });
    if (status !== 200) throw new HttpStatusError(this.name, status);
    return parseConnectorStatus(this.name, new TextDecoder().decode(body));
  }

  /** Closes the connection; a frame under way rejects with ERR_YUBIHSM_CONNECTOR_CLOSED. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort(new ConnectorClosedError(this.name, { mayHaveRun: true }));
    this.#keeping.destroy();
    this.#closing.destroy();
  }

  async #post(frame: Uint8Array, signal: AbortSignal): Promise<HttpReply> {
    await this.#checkKeptConnection(frame);
    try {
      const reply = await exchangeHttp(this.#clock, {
        ...this.#limits(signal),
        agent: this.#keepsConnections ? this.#keeping : this.#closing,
        method: 'POST',
        path: '/connector/api',
        body: frame,
        maxReplyBytes: MAX_REPLY_BYTES,
      });
      this.#lastAnswerMs = this.#clock.monotonicMs();
      return reply;
    } catch (error) {
      const isBroken = error instanceof ReplyLostError || error instanceof StaleConnectionError;
      if (isBroken && error.usedKeptConnection) this.#keepsConnections = false;
      throw error;
    }
  }

  /** Drops the connection that was kept, unless it may be used again. */
  async #checkKeptConnection(frame: Uint8Array): Promise<void> {
    if (!this.#keepsConnections) return;
    const isRecent = this.#clock.monotonicMs() - this.#lastAnswerMs < KEEP_CONNECTION_MS;
    if (isRecent && frame[0] !== CREATE_SESSION) {
      // Should the other side have closed it, that news may be here, unread: the first turn ends this
      // round of the event loop, the next reads what has arrived, and the agent drops the connection.
      await turnOfTheLoop();
      await turnOfTheLoop();
    } else {
      this.#keeping.destroy();
    }
  }

  #limits(signal: AbortSignal): {
    readonly url: ConnectorUrl;
    readonly connectTimeoutMs: number;
    readonly requestTimeoutMs: number;
    readonly signal: AbortSignal;
  } {
    return {
      url: this.#url,
      connectTimeoutMs: this.#connectTimeoutMs,
      requestTimeoutMs: this.#requestTimeoutMs,
      signal,
    };
  }

  #expectOpen(): void {
    if (this.#shutdown.signal.aborted) {
      throw new ConnectorClosedError(this.name, { mayHaveRun: false });
    }
  }
}
