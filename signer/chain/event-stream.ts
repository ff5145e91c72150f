/** A node's stream of new-block headers over WebSocket (spec/consensus.md 8.1). */
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import { base64FromBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import type WebSocket from 'ws';
import type { HeaderFacts, PowerUpdate } from './node-rpc.ts';
import { NodeRpcError } from './node-rpc-errors.ts';
import { headerFromJson, RpcShapeError, updatesFromJson } from './rpc-json.ts';
import type { RpcUrl } from './rpc-url.ts';

/** One query for all versions. Whole blocks are not asked for: parsing one would hold up a vote. */
const QUERY = "tm.event='NewBlockHeader'";

/** From the dial to the node's word that it has subscribed. */
const OPEN_TIMEOUT_MS = 5_000;

/** A header has 1.4 KB; up to v0.37 the application's events come with it. */
const MAX_MESSAGE_BYTES = 4_194_304;

/** Messages that wait for the reader before the node is not read any more. */
const MAX_WAITING = 4;

/** The node is pinged this often; one that has not answered by the next is gone. */
const PING_INTERVAL_MS = 10_000;

/** A new block, as its event tells. */
export interface HeaderEvent {
  readonly header: HeaderFacts;
  /** Up to v0.37 they are in the event; `undefined` where they are not. */
  readonly updates: readonly PowerUpdate[] | undefined;
}

/**
 * One subscription. It reads no more from the node than its reader takes; it ends with the
 * connection, with an error the node tells, and when a ping stays unanswered.
 */
export class EventStream implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #url: RpcUrl;
  readonly #socket: WebSocket;
  readonly #waiting: string[] = [];
  readonly #shutdown = new AbortController();
  readonly #watched: Promise<void>;
  #arrival = Promise.withResolvers<void>();
  #end: NodeRpcError | undefined;
  #isAlive = true;

  private constructor(deps: { readonly clock: Clock }, url: RpcUrl, socket: WebSocket) {
    this.#clock = deps.clock;
    this.#url = url;
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#received(data, isBinary));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('error', (cause) => this.#finish(`the event stream broke: ${cause.message}`, cause));
    socket.on('close', () => this.#finish('the node ended the event stream'));
    this.#watched = this.#watch();
  }

  /**
   * Subscribes; events count from when this resolves.
   *
   * @throws {NodeRpcError} ERR_NODE_RPC
   */
  static async open(
    deps: { readonly clock: Clock },
    url: RpcUrl,
    options: AbortOptions = {},
  ): Promise<EventStream> {
    // Loaded when the first stream is opened, for signing does not wait for it.
    const { WebSocket: Socket } = await import('ws');
    using deadline = deps.clock.deadline(OPEN_TIMEOUT_MS);
    const signal = anySignal(deadline.signal, options.signal) ?? deadline.signal;
    signal.throwIfAborted();
    const socket = new Socket(addressOf(url), {
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
      headers:
        url.auth === undefined
          ? {}
          : { authorization: `Basic ${base64FromBytes(utf8Bytes(url.auth))}` },
    });
    const stream = new EventStream(deps, url, socket);
    try {
      await stream.#subscribe({ signal });
      return stream;
    } catch (error) {
      await stream[Symbol.asyncDispose]();
      options.signal?.throwIfAborted();
      if (!deadline.signal.aborted) throw error;
      throw stream.#error(`no event stream within ${OPEN_TIMEOUT_MS} ms`, error);
    }
  }

  /**
   * Headers as they come, until the stream ends.
   *
   * @throws {NodeRpcError} ERR_NODE_RPC: the reason of the end. It never ends without one.
   */
  async *headers(options: AbortOptions = {}): AsyncGenerator<HeaderEvent, never, undefined> {
    for (;;) {
      const result = await this.#next(options);
      const event = this.#headerOf(result);
      if (event !== undefined) yield event;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    this.#socket.terminate();
    await this.#watched;
  }

  async #subscribe(options: AbortOptions): Promise<void> {
    const opened = Promise.withResolvers<void>();
    this.#socket.on('open', () => opened.resolve());
    await abortable(Promise.race([opened.promise, this.#ended()]), options);
    const params = { query: QUERY };
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscribe', params }));
    // Its answer comes before any event.
    await this.#next(options);
  }

  #received(data: WebSocket.RawData, isBinary: boolean): void {
    this.#isAlive = true;
    if (isBinary) return;
    this.#waiting.push(String(data));
    if (this.#waiting.length >= MAX_WAITING) this.#socket.pause();
    this.#touch();
  }

  #finish(text: string, cause?: unknown): void {
    this.#end ??= this.#error(text, cause);
    this.#touch();
  }

  /** The result of the next message. An error in it, or no JSON, is the end of the stream. */
  async #next(options: AbortOptions): Promise<unknown> {
    for (;;) {
      const text = this.#waiting.shift();
      if (text !== undefined) {
        if (this.#socket.isPaused) this.#socket.resume();
        return this.#resultOf(text);
      }
      if (this.#end !== undefined) throw this.#end;
      await abortable(this.#arrival.promise, options);
    }
  }

  async #ended(): Promise<never> {
    while (this.#end === undefined) await this.#arrival.promise;
    throw this.#end;
  }

  #resultOf(text: string): unknown {
    const message = parseObject(text);
    if (message === undefined) throw this.#error('its event is no JSON');
    const { error, result } = message;
    if (error === undefined || error === null) return result;
    throw this.#error(`the node ended the subscription: ${JSON.stringify(error).slice(0, 200)}`);
  }

  /** `undefined` for anything but a header: an event nobody asked for. */
  #headerOf(result: unknown): HeaderEvent | undefined {
    const data = memberOf(result, 'data');
    if (memberOf(data, 'type') !== 'tendermint/event/NewBlockHeader') return undefined;
    const value = memberOf(data, 'value');
    try {
      const ended = memberOf(value, 'result_end_block');
      return {
        header: headerFromJson(memberOf(value, 'header')),
        updates:
          ended === undefined ? undefined : updatesFromJson(memberOf(ended, 'validator_updates')),
      };
    } catch (cause) {
      if (!(cause instanceof RpcShapeError)) throw cause;
      throw this.#error(`an event: ${cause.message}`, cause);
    }
  }

  /** Ends what has died without a word. Ends with the dispose. */
  async #watch(): Promise<void> {
    const { signal } = this.#shutdown;
    try {
      for (;;) {
        await this.#clock.sleep(PING_INTERVAL_MS, { signal });
        // A reader that does not take what came keeps the answer to a ping from being read.
        if (!this.#isAlive && !this.#socket.isPaused) {
          this.#finish(`no answer to a ping within ${PING_INTERVAL_MS} ms`);
          this.#socket.terminate();
          return;
        }
        this.#isAlive = false;
        if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #error(text: string, cause?: unknown): NodeRpcError {
    return new NodeRpcError(
      this.#url.shown,
      { kind: 'unreachable', text },
      cause === undefined ? {} : { cause },
    );
  }

  #touch(): void {
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }
}

function addressOf({ isSecure, host, port, path }: RpcUrl): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `${isSecure ? 'wss' : 'ws'}://${name}:${port}${path === '/' ? '' : path}/websocket`;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, member: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[member]
    : undefined;
}
