/**
 * The driver's end of one privval connection: it listens as a node does, and asks.
 *
 * Every signer is measured through this same code, so what it costs is in every figure alike.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { encodeFrame, FrameReader } from '@privval/proto/codec/delimited';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { MAX_REQUEST_BYTES, type PrivvalResponse } from '@privval/proto/privval/messages';
import { encodeRequest } from '@privval/proto/privval/request-codec';
import { decodeResponse } from '@privval/proto/privval/response-codec';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { socketStream } from '@privval/proto/runtime/socket-stream';
import { openSecretConnection } from '@privval/proto/secret-connection/secret-connection';

/** What a request looks like to the encoder. */
export type Asked = Parameters<typeof encodeRequest>[0];

/** How the driver is reached: loopback TCP with SecretConnection, or a Unix socket. */
export type Listen = { readonly kind: 'tcp' } | { readonly kind: 'unix'; readonly path: string };

/** One listening address, one signer on it. */
export class NodeEnd implements AsyncDisposable {
  readonly chainId: string;
  /** The address to give to the signer: `tcp://127.0.0.1:port` or `unix://path`. */
  readonly address: string;
  readonly #server: Server;
  readonly #encrypted: boolean;
  readonly #identity = Ed25519SecretKey.generate();
  readonly #accepted = Promise.withResolvers<{ stream: ByteStream; frames: FrameReader }>();

  private constructor(chainId: string, address: string, server: Server, encrypted: boolean) {
    this.chainId = chainId;
    this.address = address;
    this.#server = server;
    this.#encrypted = encrypted;
    server.on('connection', (socket) => {
      this.#accept(socket).catch((error: unknown) => this.#accepted.reject(error));
    });
  }

  /** Listens on a free loopback port, or on the path. */
  static async listen(chainId: string, listen: Listen): Promise<NodeEnd> {
    const server = createServer({ noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    if (listen.kind === 'tcp') server.listen(0, '127.0.0.1', resolve);
    else server.listen(listen.path, resolve);
    await promise;
    const bound = server.address();
    if (bound === null) throw new InvariantError('the server listens');
    const address = typeof bound === 'string' ? `unix://${bound}` : `tcp://127.0.0.1:${bound.port}`;
    return new NodeEnd(chainId, address, server, listen.kind === 'tcp');
  }

  /** Resolves when a signer has connected and shaken hands. */
  async ready(): Promise<void> {
    await this.#accepted.promise;
  }

  /** Sends one request and waits for its answer. One at a time, as a node does. */
  async ask(request: Asked): Promise<PrivvalResponse> {
    const { stream, frames } = await this.#accepted.promise;
    await stream.write(encodeFrame(encodeRequest(request)));
    const body = await frames.read();
    if (body === undefined) throw new InvariantError('the signer closed the connection');
    return decodeResponse(body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#accepted.promise.then(
      ({ stream }) => stream[Symbol.asyncDispose](),
      () => undefined,
    );
    this.#identity[Symbol.dispose]();
  }

  async #accept(socket: Socket): Promise<void> {
    const raw = socketStream(socket);
    const stream = this.#encrypted
      ? (await openSecretConnection(raw, this.#identity, {})).stream
      : raw;
    const frames = new FrameReader({ stream }, { maxBytes: MAX_REQUEST_BYTES });
    this.#accepted.resolve({ stream, frames });
  }
}
