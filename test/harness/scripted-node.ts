/**
 * A node that does what a test tells it: listens as a stock node does, asks as one does, and
 * misbehaves on demand. It talks through the product's own transports and codecs, so what it sends
 * is bytes, never shared objects.
 */
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { encodeFrame, FrameReader } from '@privval/proto/codec/delimited';
import { nodeIdFromPublicKey } from '@privval/proto/crypto/node-id';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { acceptNoise } from '@privval/proto/noise/noise-connection';
import { libp2pPeerIdFromPublicKey } from '@privval/proto/noise/peer-id';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import { encodeRequest, type SendableRequest } from '@privval/proto/privval/request-codec';
import { decodeResponse } from '@privval/proto/privval/response-codec';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { socketStream } from '@privval/proto/runtime/socket-stream';
import { openSecretConnection } from '@privval/proto/secret-connection/secret-connection';
import type { BlockId } from '@privval/proto/types/block-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Vote, VoteType } from '@privval/proto/types/vote';

/** Largest answer the scripted node reads: v0.40's limit. */
const MAX_ANSWER_BYTES = 1_056_218;

/** The signer closed the connection instead of answering. */
export class NoAnswerError extends CodedError {
  override readonly name = 'NoAnswerError';
  readonly code = 'ERR_TEST_NO_ANSWER';
}

/** The node's end of one connection, after the handshake. */
export class ScriptedConnection implements AsyncDisposable {
  readonly #stream: ByteStream;
  readonly #reader: FrameReader;
  readonly #chainId: string;

  /** Over any stream, a memory pipe for one; the connection owns it. */
  constructor(stream: ByteStream, chainId: string) {
    this.#stream = stream;
    this.#chainId = chainId;
    this.#reader = new FrameReader({ stream }, { maxBytes: MAX_ANSWER_BYTES });
  }

  /** One request and its answer. @throws {NoAnswerError} when the signer closes instead. */
  async ask(request: SendableRequest, options: AbortOptions = {}): Promise<PrivvalResponse> {
    await this.send(request, options);
    const response = await this.receive(options);
    if (response === undefined) throw new NoAnswerError(`no answer to ${request.kind}`);
    return response;
  }

  /** Sends without waiting for the answer. What no request can say goes out by {@link sendBytes}. */
  async send(request: SendableRequest, options: AbortOptions = {}): Promise<void> {
    await this.#stream.write(encodeFrame(encodeRequest(request)), options);
  }

  /** Sends bytes as they are, frame and all. */
  async sendBytes(bytes: Uint8Array, options: AbortOptions = {}): Promise<void> {
    await this.#stream.write(bytes, options);
  }

  /** The next answer's body; `undefined` when the signer has closed. */
  receiveBody(options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    return this.#reader.read(options);
  }

  /** The next answer; `undefined` when the signer has closed. */
  async receive(options: AbortOptions = {}): Promise<PrivvalResponse | undefined> {
    const body = await this.receiveBody(options);
    return body === undefined ? undefined : decodeResponse(body);
  }

  ping(options: AbortOptions = {}): Promise<PrivvalResponse> {
    return this.ask({ kind: 'ping' }, options);
  }

  publicKey(options: AbortOptions = {}): Promise<PrivvalResponse> {
    return this.ask({ kind: 'public-key', chainId: this.#chainId }, options);
  }

  signVote(
    vote: Vote,
    options: AbortOptions & { readonly skipExtensionSigning?: boolean } = {},
  ): Promise<PrivvalResponse> {
    const { skipExtensionSigning = false } = options;
    return this.ask(
      { kind: 'sign-vote', chainId: this.#chainId, vote, skipExtensionSigning },
      options,
    );
  }

  signProposal(proposal: Proposal, options: AbortOptions = {}): Promise<PrivvalResponse> {
    return this.ask({ kind: 'sign-proposal', chainId: this.#chainId, proposal }, options);
  }

  /** Everything a stock node asks at one height when it proposes: the key, proposal, prevote, precommit. */
  async askHeight(height: bigint, options: AbortOptions = {}): Promise<PrivvalResponse[]> {
    return [
      await this.publicKey(options),
      await this.signProposal(scriptedProposal({ height }), options),
      await this.signVote(scriptedVote({ height, type: 'prevote' }), options),
      await this.signVote(scriptedVote({ height, type: 'precommit' }), options),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
  }
}

/** How a {@link ScriptedNode} listens. Loopback only. */
export interface ScriptedNodeOptions {
  readonly chainId: string;
  readonly transport: 'tcp' | 'unix' | 'noise';
  /** The socket's path, for `unix`. */
  readonly path?: string;
  /** The port; 0 lets the kernel pick. @default 0 */
  readonly port?: number;
  /** What the node proves to be; a fresh one as a stock node on tcp has. The caller keeps owning it. */
  readonly identity?: Ed25519SecretKey;
  /** For `noise`: the only signer that is let in. @default any */
  readonly signerPeerId?: string | undefined;
}

/**
 * A listening node. Connections wait, without a handshake, until {@link ScriptedNode.accept} takes
 * them: as with a node that accepts on demand.
 */
export class ScriptedNode implements AsyncDisposable {
  /** What the signer is given as `--node`: ids pinned on noise, not on tcp. */
  readonly address: string;
  /** The port it listens on; 0 on a Unix socket. */
  readonly port: number;
  readonly identity: Ed25519SecretKey;
  readonly #options: ScriptedNodeOptions;
  readonly #server: Server;
  readonly #waiting: Socket[] = [];
  readonly #accepting: ((socket: Socket) => void)[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, identity: Ed25519SecretKey, options: ScriptedNodeOptions) {
    const bound = server.address();
    this.#server = server;
    this.#options = options;
    this.identity = identity;
    this.port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    this.address = {
      tcp: `tcp://127.0.0.1:${this.port}`,
      unix: `unix://${options.path}`,
      noise: `noise://${libp2pPeerIdFromPublicKey(identity.publicKey)}@127.0.0.1:${this.port}`,
    }[options.transport];
    server.on('connection', (socket) => this.#arrived(socket));
  }

  /** Starts listening. */
  static async listen(options: ScriptedNodeOptions): Promise<ScriptedNode> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    if (options.transport === 'unix') server.listen(options.path, resolve);
    else server.listen(options.port ?? 0, '127.0.0.1', resolve);
    await listening;
    return new ScriptedNode(server, options.identity ?? Ed25519SecretKey.generate(), options);
  }

  /** The id a signer may pin on tcp. */
  get nodeId(): string {
    return nodeIdFromPublicKey(this.identity.publicKey);
  }

  /** The next connection, after its handshake. */
  async accept(options: AbortOptions = {}): Promise<ScriptedConnection> {
    return this.secure(await this.acceptStream(options), options);
  }

  /** Does the node's side of the handshake on a connection that was accepted before any. */
  async secure(stream: ByteStream, options: AbortOptions = {}): Promise<ScriptedConnection> {
    const { chainId, transport, signerPeerId } = this.#options;
    if (transport === 'unix') return new ScriptedConnection(stream, chainId);
    const opened =
      transport === 'tcp'
        ? await openSecretConnection(stream, this.identity, options)
        : await acceptNoise(stream, this.identity, { ...options, expectedPeer: signerPeerId });
    return new ScriptedConnection(opened.stream, chainId);
  }

  /** The next connection, before any handshake: for a node that says something else, or nothing. */
  async acceptStream(options: AbortOptions = {}): Promise<ByteStream> {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return this.#streamOf(waiting);
    const { promise, resolve } = Promise.withResolvers<Socket>();
    this.#accepting.push(resolve);
    try {
      return this.#streamOf(await abortable(promise, options));
    } finally {
      const index = this.#accepting.indexOf(resolve);
      if (index >= 0) this.#accepting.splice(index, 1);
    }
  }

  /** How many connections have arrived and not been accepted. */
  get backlog(): number {
    return this.#waiting.length;
  }

  /** Stops listening and resets every connection. A Unix socket's file is removed, which a stock node does not do. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.#options.transport === 'unix' && this.#options.path !== undefined) {
      await rm(this.#options.path, { force: true });
    }
    if (this.#options.identity === undefined) this.identity[Symbol.dispose]();
  }

  #arrived(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const index = this.#waiting.indexOf(socket);
      if (index >= 0) this.#waiting.splice(index, 1);
    });
    const accepting = this.#accepting.shift();
    if (accepting === undefined) this.#waiting.push(socket);
    else accepting(socket);
  }

  #streamOf(socket: Socket): ByteStream {
    const stream = socketStream(socket);
    socket.resume();
    return stream;
  }
}

/** What a message of the script is about. */
export interface ScriptedPosition {
  readonly height: bigint;
  /** @default 0 */
  readonly round?: number;
  /** One byte that stands for the block; 0 votes nil. @default 1 */
  readonly block?: number;
  /** Seconds of the timestamp. @default 1700000000 */
  readonly seconds?: number;
}

/** A vote as a node sends it to be signed. */
export function scriptedVote(
  position: ScriptedPosition & { readonly type?: VoteType; readonly extension?: Uint8Array },
): Vote {
  const { height, round = 0, block = 1, seconds = 1_700_000_000 } = position;
  return {
    type: position.type ?? 'prevote',
    height,
    round,
    blockId: scriptedBlockId(block),
    timestamp: { seconds: BigInt(seconds), nanos: 123_456_789 },
    validatorAddress: new Uint8Array(20).fill(7),
    validatorIndex: 0,
    signature: new Uint8Array(0),
    extension: position.extension ?? new Uint8Array(0),
    extensionSignature: new Uint8Array(0),
  };
}

/** A proposal as a node sends it to be signed. */
export function scriptedProposal(
  position: ScriptedPosition & { readonly polRound?: number },
): Proposal {
  const { height, round = 0, block = 1, seconds = 1_700_000_000, polRound = -1 } = position;
  return {
    height,
    round,
    polRound,
    blockId: scriptedBlockId(block),
    timestamp: { seconds: BigInt(seconds), nanos: 123_456_789 },
    signature: new Uint8Array(0),
  };
}

function scriptedBlockId(block: number): BlockId {
  if (block === 0) {
    return { hash: new Uint8Array(0), partSetHeader: { total: 0, hash: new Uint8Array(0) } };
  }
  const hash = new Uint8Array(32).fill(block);
  return { hash, partSetHeader: { total: 1, hash: hash.slice() } };
}
