/** A node's RPC that behaves as a stock node's does, until its script says otherwise. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { type WebSocket, WebSocketServer } from 'ws';
import { answerRpc, type FakeRpcCall, type FakeRpcView, RpcRefusal } from './fake-rpc-answers.ts';
import type { FakeBlock, FakeChain } from './fake-rpc-chain.ts';
import {
  eventJson,
  type FakeEvent,
  type FakeRpcVersion,
  VERSION_FACTS,
  type VersionFacts,
} from './fake-rpc-shapes.ts';

/** What one call is answered with. `answer` is honest; each of the others is one way to fail. */
export type FakeRpcMove =
  | 'answer'
  /** Never answers, keeps the connection. */
  | 'silent'
  /** Closes without an answer. */
  | 'close'
  /** Status 500 with a text that is no JSON. */
  | 'broken'
  /** Anything: the body as it is sent. @default status 200 */
  | { readonly body: string; readonly status?: number }
  /** The honest answer, as it is when the promise resolves. */
  | { readonly hold: Promise<unknown> }
  /** Another result than the honest one, which is handed in. */
  | { readonly lie: (result: unknown) => unknown };

type PromptMove = Exclude<FakeRpcMove, { readonly hold: unknown }>;

/** How the node is. All of it may be changed while it runs. */
export interface FakeRpcScript {
  /** What it knows of: another chain, or a fork, is a change of mind. */
  chain: FakeChain;
  /** The newest height it admits to; `undefined`: the chain's tip. Blocks above are told once it is raised by {@link FakeRpc.showUpTo}. */
  tip: bigint | undefined;
  /** Heights below are pruned. */
  base: bigint;
  isCatchingUp: boolean;
  /** `false`: block results are refused, as with `discard_abci_responses`. */
  keepsResults: boolean;
  /** `false`: WebSockets are refused with 403. */
  hasWebSocket: boolean;
  /** `false`: a ping on a WebSocket stays unanswered, as by a node that hangs. */
  answersPings: boolean;
  /** Asked once a call, over HTTP and WebSocket. */
  next: (call: FakeRpcCall) => FakeRpcMove;
  /** Whether an event is sent; what is not, is lost. */
  sends: (event: FakeEvent, block: FakeBlock) => boolean;
  /** Another value of an event than the honest one, which is handed in. */
  event: (event: FakeEvent, value: unknown, block: FakeBlock) => unknown;
}

/** How to listen. */
export interface FakeRpcOptions {
  /** @default cometbft-0.38.25 */
  readonly version?: FakeRpcVersion;
  /** 20 bytes in hex. @default forty zeros */
  readonly nodeId?: string;
}

interface Subscription {
  readonly socket: WebSocket;
  readonly id: unknown;
  readonly query: string;
  readonly event: FakeEvent;
}

/**
 * Listens on a free port of loopback until disposed. A new block of its chain goes to its subscribers at once,
 * as far as {@link FakeRpcScript.tip} allows.
 */
export class FakeRpc implements AsyncDisposable {
  readonly script: FakeRpcScript;
  /** Every call that came, in order; over the WebSocket too. */
  readonly calls: FakeRpcCall[] = [];
  readonly #facts: VersionFacts;
  readonly #nodeId: string;
  readonly #sockets = new WebSocketServer({ noServer: true, autoPong: false });
  #subscriptions: Subscription[] = [];
  #watched: FakeChain;
  #told: bigint;
  readonly #onBlock = (): void => this.#tell();
  #server: Server | undefined;
  #port = 0;

  private constructor(chain: FakeChain, options: FakeRpcOptions) {
    this.#facts = VERSION_FACTS[options.version ?? 'cometbft-0.38.25'];
    this.#nodeId = options.nodeId ?? '0'.repeat(40);
    this.script = {
      chain,
      tip: undefined,
      base: chain.firstHeight,
      isCatchingUp: false,
      keepsResults: true,
      hasWebSocket: true,
      answersPings: true,
      next: () => 'answer',
      sends: () => true,
      event: (_event, value) => value,
    };
    this.#watched = chain;
    this.#told = chain.tip;
    chain.listeners.add(this.#onBlock);
  }

  static async listen(chain: FakeChain, options: FakeRpcOptions = {}): Promise<FakeRpc> {
    const rpc = new FakeRpc(chain, options);
    await rpc.comeBack();
    return rpc;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** How many subscriptions there are now. */
  get subscriptions(): number {
    return this.#subscriptions.length;
  }

  /** Admits to heights up to `tip` (`undefined`: all), and tells the subscribers of those that are news. */
  showUpTo(tip: bigint | undefined): void {
    this.script.tip = tip;
    this.#tell();
  }

  /** Turns to another chain. Its blocks up to now are no news. */
  turnTo(chain: FakeChain): void {
    this.#watched.listeners.delete(this.#onBlock);
    this.script.chain = chain;
    this.#watched = chain;
    this.#told = this.#tip;
    chain.listeners.add(this.#onBlock);
  }

  /** Cuts the WebSockets; HTTP goes on. */
  cutSockets(): void {
    this.#subscriptions = [];
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  /** Sends a message to every WebSocket: what no node would say. */
  sendRaw(text: string): void {
    for (const socket of this.#sockets.clients) socket.send(text);
  }

  /** Closes the port and every connection. Blocks of the meantime are told to nobody. */
  async goAway(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.cutSockets();
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  }

  /** Listens again, on the same port. */
  async comeBack(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((request, response) => {
      this.#onRequest(request, response).catch(() => response.destroy());
    });
    server.on('upgrade', (request, socket, head) => {
      if (!this.script.hasWebSocket || request.url !== '/websocket') {
        // Whoever is refused may reset the connection.
        socket.on('error', () => socket.destroy());
        socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#onSocket(client));
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(this.#port, '127.0.0.1', resolve);
    await promise;
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watched.listeners.delete(this.#onBlock);
    await this.goAway();
  }

  get #tip(): bigint {
    const { chain, tip } = this.script;
    return tip === undefined || tip > chain.tip ? chain.tip : tip;
  }

  #view(): FakeRpcView {
    const { chain, base, isCatchingUp, keepsResults } = this.script;
    const facts = this.#facts;
    return { chain, tip: this.#tip, base, isCatchingUp, keepsResults, facts, nodeId: this.#nodeId };
  }

  #tell(): void {
    for (; this.#told < this.#tip; this.#told += 1n) {
      const block = this.script.chain.block(this.#told + 1n);
      if (block === undefined) throw new InvariantError('a height without a block');
      for (const subscription of this.#subscriptions) this.#send(subscription, block);
    }
  }

  #send({ socket, id, query, event }: Subscription, block: FakeBlock): void {
    const honest = eventJson(this.#facts, event, block);
    if (honest === undefined || !this.script.sends(event, block)) return;
    const value = this.script.event(event, honest, block);
    const data = { type: `tendermint/event/${event}`, value };
    // v0.35 is the one that tells the events as a list.
    const isListed = this.#facts.updates === 'amino';
    const attributes = [{ key: 'event', value: event, index: false }];
    const events = isListed ? [{ type: 'tm', attributes }] : { 'tm.event': [event] };
    const result = { ...(isListed ? { subscription_id: '' } : {}), query, data, events };
    socket.send(goJson({ jsonrpc: '2.0', id, result }));
  }

  #onSocket(socket: WebSocket): void {
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      this.#subscriptions = this.#subscriptions.filter((other) => other.socket !== socket);
    });
    socket.on('ping', (data) => {
      if (this.script.answersPings) socket.pong(data);
    });
    socket.on('message', (data) => {
      const request = parseRequest(String(data));
      if (request === undefined) return socket.terminate();
      const { id, method, params } = request;
      const call: FakeRpcCall = { method, params, over: 'websocket' };
      const subscribe = (): unknown => this.#subscribe(socket, id, method, params);
      const reply = (move: PromptMove): void => {
        const answer = this.#answer(move, call, id, subscribe);
        if (answer === 'close') socket.terminate();
        else if (typeof answer === 'object') socket.send(answer.text);
      };
      const move = this.#moveFor(call);
      if (typeof move !== 'object' || !('hold' in move)) reply(move);
      else
        move.hold.then(
          () => reply('answer'),
          () => socket.terminate(),
        );
    });
  }

  /** Handles what only a WebSocket knows; `undefined`: it is not one of these. */
  #subscribe(
    socket: WebSocket,
    id: unknown,
    method: string,
    params: FakeRpcCall['params'],
  ): unknown {
    const others = this.#subscriptions.filter((other) => other.socket !== socket);
    const own = this.#subscriptions.filter((other) => other.socket === socket);
    const query = String(params['query'] ?? '');
    switch (method) {
      case 'unsubscribe_all':
        this.#subscriptions = others;
        return {};
      case 'unsubscribe':
        this.#subscriptions = [...others, ...own.filter((other) => other.query !== query)];
        return {};
      case 'subscribe': {
        const event = /^tm\.event\s*=\s*'(NewBlock|NewBlockHeader|ValidatorSetUpdates)'$/.exec(
          query,
        );
        if (event === null) throw new RpcRefusal(-32603, 'failed to parse query: offset 8: EOF');
        if (own.some((other) => other.query === query)) {
          throw new RpcRefusal(-32603, 'already subscribed');
        }
        this.#subscriptions.push({ socket, id, query, event: event[1] as FakeEvent });
        return {};
      }
      default:
        return undefined;
    }
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parsed =
      request.method === 'POST' ? parseRequest(await textOf(request)) : parseTarget(request.url);
    if (parsed === undefined) {
      response.writeHead(500).end();
      return;
    }
    const { id, method, params } = parsed;
    const over = request.method === 'POST' ? 'post' : 'get';
    const call: FakeRpcCall = { method, params, over };
    const asked = this.#moveFor(call);
    let move: PromptMove = 'answer';
    if (typeof asked === 'object' && 'hold' in asked) await asked.hold;
    else move = asked;
    const answer = this.#answer(move, call, id, () => undefined);
    if (answer === 'silent') return;
    if (answer === 'close') {
      response.destroy();
      return;
    }
    const { text, error } = answer;
    // Over GET a method is a page, and an error has a status, too.
    if (over === 'get' && error?.message === 'Method not found') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
      return;
    }
    const status = answer.status ?? (over === 'get' && error !== undefined ? 500 : 200);
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  }

  #moveFor(call: FakeRpcCall): FakeRpcMove {
    this.calls.push(call);
    return this.script.next(call);
  }

  #answer(
    move: PromptMove,
    call: FakeRpcCall,
    id: unknown,
    special: () => unknown,
  ):
    | 'silent'
    | 'close'
    | { readonly text: string; readonly status?: number; readonly error?: RpcRefusal } {
    if (move === 'silent' || move === 'close') return move;
    if (move === 'broken') return { text: 'upstream failed', status: 500 };
    if (typeof move === 'object' && 'body' in move) {
      return { text: move.body, status: move.status ?? 200 };
    }
    try {
      const honest = special() ?? answerRpc(this.#view(), call);
      const result = move === 'answer' ? honest : move.lie(honest);
      return { text: goJson({ jsonrpc: '2.0', id, result }) };
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error;
      return { text: goJson({ jsonrpc: '2.0', id, error: error.toJson() }), error };
    }
  }
}

/** Go escapes what HTML would read. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /['<>&]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

interface ParsedRequest {
  readonly id: unknown;
  readonly method: string;
  readonly params: FakeRpcCall['params'];
}

function parseRequest(text: string): ParsedRequest | undefined {
  try {
    const { id, method, params } = JSON.parse(text) as Partial<ParsedRequest>;
    return typeof method === 'string' ? { id, method, params: params ?? {} } : undefined;
  } catch {
    return undefined;
  }
}

/** `/block?height=5`; texts may stand in quotation marks. */
function parseTarget(target = '/'): ParsedRequest {
  const url = new URL(target, 'http://node');
  const params = [...url.searchParams].map(([key, value]) => [key, value.replace(/^"|"$/g, '')]);
  return { id: -1, method: url.pathname.slice(1), params: Object.fromEntries(params) };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of request) parts.push(part as Uint8Array);
  return Buffer.concat(parts).toString('utf8');
}
