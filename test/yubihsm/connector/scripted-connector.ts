/** A connector on loopback that does what a test tells it to, byte by byte. */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** A request as it arrived, and the ways to answer it. */
export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Uint8Array;
  /** Which of the connections made so far it came on: 1 is the first. */
  readonly connection: number;
  /** Answers as a connector does. */
  reply(status: number, body: Uint8Array | string): void;
  /** Sends bytes as they are, in the place of an answer. */
  raw(bytes: Uint8Array | string): void;
  /** Closes the connection in the middle of whatever was sent. */
  close(): void;
}

/** What the connector does with each request. */
export type Script = (request: ScriptedRequest) => void;

/** A listening connector. */
export interface ScriptedConnector extends AsyncDisposable {
  readonly url: string;
  /** Every request so far, in order. */
  readonly requests: readonly ScriptedRequest[];
  /** Connections that were made so far. */
  readonly connections: number;
  /** Resolves when so many requests have arrived. */
  untilRequests(count: number): Promise<void>;
  /** Resolves when none of its connections is open. */
  untilNoConnections(): Promise<void>;
}

/** Listens on loopback. */
export async function scriptedConnector(
  script: Script,
  options: { readonly tls?: https.ServerOptions } = {},
): Promise<ScriptedConnector> {
  const requests: ScriptedRequest[] = [];
  const sockets = new Map<Socket, number>();
  const waiters: (() => void)[] = [];
  let connections = 0;
  const news = (): void => {
    for (const waiter of waiters.splice(0)) waiter();
  };
  const onRequest: http.RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    const { socket } = request;
    const scripted: ScriptedRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: new Uint8Array(Buffer.concat(chunks)),
      connection: sockets.get(socket) ?? 0,
      reply: (status, body) => {
        const bytes = Buffer.from(body);
        response.writeHead(status, { 'Content-Length': bytes.length }).end(bytes);
      },
      raw: (bytes) => void socket.write(bytes),
      close: () => void socket.end(() => socket.destroy()),
    };
    requests.push(scripted);
    news();
    script(scripted);
  };
  const server =
    options.tls === undefined
      ? http.createServer(onRequest)
      : https.createServer(options.tls, onRequest);
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    connections += 1;
    sockets.set(socket, connections);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      news();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise<void>((resolve) => waiters.push(resolve));
  };
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    get connections() {
      return connections;
    },
    untilRequests: (count) => until(() => requests.length >= count),
    untilNoConnections: () => until(() => sockets.size === 0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
