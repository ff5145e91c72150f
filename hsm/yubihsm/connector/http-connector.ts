/** The usual way to a device: yubihsm-connector, over HTTP. */
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
import { type ExchangeLimits, HttpConnection } from './http-connection.ts';
import type { HttpReply } from './http-reply-reader.ts';

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

const NO_BODY = new Uint8Array();

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
  readonly #ca: string | undefined;
  /** For the next frame; nobody uses it now. */
  #kept: HttpConnection | undefined;
  #lastAnswerMs = Number.NEGATIVE_INFINITY;
  #keepsConnections = true;

  private constructor(deps: HttpConnectorDeps, options: HttpConnectorOptions) {
    this.#url = parseConnectorUrl(options.url);
    this.name = this.#url.name;
    this.#clock = deps.clock ?? systemClock;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 2_000;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 5_000;
    this.#ca = options.ca;
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
    using connection = await this.#connect(linked.signal);
    const { status, body } = await connection.exchange(
      { method: 'GET', path: '/connector/status', body: NO_BODY, keepsConnection: false },
      this.#limits(linked.signal, MAX_STATUS_BYTES),
    );
    if (status !== 200) throw new HttpStatusError(this.name, status);
    return parseConnectorStatus(this.name, new TextDecoder().decode(body));
  }

  /** Closes the connection; a frame under way rejects with ERR_YUBIHSM_CONNECTOR_CLOSED. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort(new ConnectorClosedError(this.name, { mayHaveRun: true }));
    this.#takeKept()?.[Symbol.dispose]();
  }

  async #post(frame: Uint8Array, signal: AbortSignal): Promise<HttpReply> {
    const connection = (await this.#keptFor(frame)) ?? (await this.#connect(signal));
    const keepsConnection = this.#keepsConnections;
    try {
      const reply = await connection.exchange(
        { method: 'POST', path: '/connector/api', body: frame, keepsConnection },
        this.#limits(signal, MAX_REPLY_BYTES),
      );
      this.#lastAnswerMs = this.#clock.monotonicMs();
      if (keepsConnection && !signal.aborted) this.#kept = connection;
      else connection[Symbol.dispose]();
      return reply;
    } catch (error) {
      connection[Symbol.dispose]();
      const isBroken = error instanceof ReplyLostError || error instanceof StaleConnectionError;
      if (isBroken && error.usedKeptConnection) this.#keepsConnections = false;
      throw error;
    }
  }

  /** The connection that was kept, if it may be used for this frame; it is dropped otherwise. */
  async #keptFor(frame: Uint8Array): Promise<HttpConnection | undefined> {
    const kept = this.#takeKept();
    if (kept === undefined) return undefined;
    const keepMs = Math.min(kept.keepMs, KEEP_CONNECTION_MS);
    const isRecent = this.#clock.monotonicMs() - this.#lastAnswerMs < keepMs;
    if (isRecent && frame[0] !== CREATE_SESSION) {
      // Should the other side have closed it, that news may be here, unread: the first turn ends this
      // round of the event loop, the next reads what has arrived.
      await turnOfTheLoop();
      await turnOfTheLoop();
      if (kept.isOpen) return kept;
    }
    kept[Symbol.dispose]();
    return undefined;
  }

  #takeKept(): HttpConnection | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept;
  }

  #connect(signal: AbortSignal): Promise<HttpConnection> {
    const timeoutMs = this.#connectTimeoutMs;
    const options = { url: this.#url, ca: this.#ca, timeoutMs, signal };
    return HttpConnection.open({ clock: this.#clock }, options);
  }

  #limits(signal: AbortSignal, maxReplyBytes: number): ExchangeLimits {
    return { maxReplyBytes, timeoutMs: this.#requestTimeoutMs, signal };
  }

  #expectOpen(): void {
    if (this.#shutdown.signal.aborted) {
      throw new ConnectorClosedError(this.name, { mayHaveRun: false });
    }
  }
}
