/** A node's RPC whose every word a test chooses: JSON-RPC over HTTP, and the event stream. On loopback. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A call as it came in. */
export interface RpcCallSeen {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
}

/** What is answered: a result, an error, or bytes of any kind. */
export type RpcAnswer =
  | { readonly result: unknown }
  | { readonly error: { readonly message: string; readonly data?: string } }
  | { readonly raw: string; readonly status?: number }
  | 'silence';

/** Answers calls by `answer`; calls that came are in {@link calls}. */
export class RpcServer implements AsyncDisposable {
  readonly calls: RpcCallSeen[] = [];
  /** Subscriptions that were made since the start. */
  subscriptions = 0;
  /** Whether a WebSocket may be opened, and is answered. */
  hasEvents = true;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  #answer: (call: RpcCallSeen) => RpcAnswer;
  #changed = Promise.withResolvers<void>();

  private constructor(server: Server, answer: (call: RpcCallSeen) => RpcAnswer) {
    this.#server = server;
    this.#answer = answer;
    this.#sockets = new WebSocketServer({ noServer: true });
  }

  static async listen(answer: (call: RpcCallSeen) => RpcAnswer): Promise<RpcServer> {
    const server = createServer();
    const rpc = new RpcServer(server, answer);
    server.on('request', (request, response) => void rpc.#serve(request, response));
    server.on('upgrade', (request, socket, head) => {
      if (!rpc.hasEvents || request.url !== '/websocket') {
        socket.destroy();
        return;
      }
      rpc.#sockets.handleUpgrade(request, socket, head, (client) => rpc.#subscribe(client));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return rpc;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What is answered from now on. */
  set answer(answer: (call: RpcCallSeen) => RpcAnswer) {
    this.#answer = answer;
  }

  /** Sends a message to every subscriber. */
  emit(message: unknown): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    for (const client of this.#sockets.clients) client.send(text);
    this.#touch();
  }

  /** Ends every event stream, without a word. */
  cut(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  /** Event streams that are open. */
  get streams(): number {
    return this.#sockets.clients.size;
  }

  /** Resolves once `isSo`, which is looked at after each call and subscription. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.#changed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#sockets.close();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { id, method, params } = JSON.parse(body) as RpcCallSeen & { readonly id: unknown };
    const call = { method, params };
    this.calls.push(call);
    this.#touch();
    const answer = this.#answer(call);
    if (answer === 'silence') return;
    const text = 'raw' in answer ? answer.raw : JSON.stringify({ jsonrpc: '2.0', id, ...answer });
    response.statusCode = ('raw' in answer ? answer.status : undefined) ?? 200;
    response.setHeader('content-type', 'application/json');
    response.end(text);
  }

  #subscribe(client: WebSocket): void {
    client.on('message', (data) => {
      const { id } = JSON.parse(String(data)) as { readonly id: unknown };
      this.subscriptions += 1;
      client.send(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
      this.#touch();
    });
    client.on('close', () => this.#touch());
  }

  #touch(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
