/** A signer that dials in: `tcp://`, `unix://`, `noise://` (spec/privval.md 3, spec/cometbft-0.40.md 1). */
import { nodeIdFromPublicKey } from '@privval/proto/crypto/node-id';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { acceptNoise } from '@privval/proto/noise/noise-connection';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { openSecretConnection } from '@privval/proto/secret-connection/secret-connection';
import type { SignerAddress } from './signer-address.ts';
import { isConnectionFault, type SignerConnection } from './signer-connection.ts';
import type { SignerEndpoint, SignerQuestion } from './signer-endpoint.ts';
import { RemoteSignerClosedError, type SecureStream, SignerListener } from './signer-listener.ts';
import { listenSocket } from './socket-listener.ts';
import { TurnQueue } from './turn-queue.ts';

/** Longest wait for a signer within one attempt (spec/privval.md 3.3). */
const CONNECTION_DEADLINE_MS = 3_000;

/** Idle time after which a ping goes out; counted anew from every answer (spec/privval.md 3.3). */
const PING_PERIOD_MS = 3_333;

/** Requests that may wait for their turn. Consensus has one or two; more means it has lost count. */
const DEFAULT_MAX_WAITING = 64;

/** An address a node listens on. */
export type ListenAddress = Exclude<SignerAddress, { readonly kind: 'grpc' }>;

/** No signer was connected, and none came in time. */
export class NoSignerConnectionError extends CodedError {
  override readonly name = 'NoSignerConnectionError';
  readonly code = 'ERR_NO_SIGNER_CONNECTION';

  constructor(local: string, options?: ErrorOptions) {
    super(`no signer connected to ${local} within ${CONNECTION_DEADLINE_MS} ms`, options);
  }
}

/** Collaborators of a {@link StreamEndpoint}. */
export interface StreamEndpointDeps {
  /** Owned by the endpoint from here on. */
  readonly listener: SignerListener;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Disposed with the endpoint: a random identity that was made for it. */
  readonly identity?: Disposable | undefined;
}

/** Tuning of a {@link StreamEndpoint}. */
export interface StreamEndpointOptions {
  /** Requests that may wait for their turn, beyond the one in flight; 0 lets none wait. @default 64 */
  readonly maxWaiting?: number | undefined;
}

/**
 * One request in flight, in the order of asking, over whichever connection is in place.
 *
 * Runs one loop, {@link #keepAlive}, which pings a signer that was idle for 3.33 s and ends on
 * disposal. An abort leaves the request in flight alone: its turn ends when its answer was read
 * and put away, or after 5 s, so the stream stays in step and a slow device is not punished by a
 * new handshake for every vote that came too late.
 */
export class StreamEndpoint implements SignerEndpoint {
  readonly #deps: StreamEndpointDeps;
  readonly #scheme: string;
  readonly #turns: TurnQueue;
  readonly #shutdown = new AbortController();
  readonly #pings: Promise<void>;
  #pingDueMs: number;

  private constructor(
    deps: StreamEndpointDeps,
    options: StreamEndpointOptions & { readonly scheme: string },
  ) {
    this.#deps = deps;
    this.#scheme = options.scheme;
    this.#turns = new TurnQueue({ maxWaiting: options.maxWaiting ?? DEFAULT_MAX_WAITING });
    this.#pingDueMs = deps.clock.monotonicMs() + PING_PERIOD_MS;
    this.#pings = this.#keepAlive();
  }

  /** Starts over a listener that is there already. */
  static start(deps: StreamEndpointDeps, options: StreamEndpointOptions = {}): StreamEndpoint {
    return new StreamEndpoint(deps, { ...options, scheme: 'memory://' });
  }

  /**
   * Listens on `options.address` for a signer to dial in. Without `identity` the node has a new
   * random one, as stock nodes have on `tcp://`.
   *
   * @throws {ListenError} ERR_LISTEN_FAILED
   */
  static async listen(
    deps: {
      readonly clock: Clock;
      readonly logger: Logger;
      readonly identity?: Ed25519SecretKey | undefined;
    },
    options: StreamEndpointOptions & {
      readonly address: ListenAddress;
    },
  ): Promise<StreamEndpoint> {
    const { clock, logger } = deps;
    const { address } = options;
    const streams = await listenSocket(address.kind === 'unix' ? { path: address.path } : address);
    const identity = deps.identity ?? Ed25519SecretKey.generate();
    const secure = secureStream(address, identity);
    const listener = SignerListener.start({ streams, secure, clock, logger });
    return new StreamEndpoint(
      { listener, clock, logger, identity: deps.identity === undefined ? identity : undefined },
      { ...options, scheme: schemeOf(address) },
    );
  }

  get address(): string {
    return `${this.#scheme}${this.#deps.listener.local}`;
  }

  get remote(): string | undefined {
    return this.#deps.listener.current?.remote;
  }

  isTransient(error: unknown): boolean {
    return isConnectionFault(error) || error instanceof NoSignerConnectionError;
  }

  async ask<T>(
    question: SignerQuestion,
    take: (answer: PrivvalResponse) => T,
    options: AbortOptions = {},
  ): Promise<T> {
    const signal = anySignal(options.signal, this.#shutdown.signal);
    const turn = await this.#turns.enter({ signal });
    const exchange = this.#take(question, take, signal).finally(() => turn[Symbol.dispose]());
    return abortable(exchange, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort(new RemoteSignerClosedError());
    await this.#deps.listener[Symbol.asyncDispose]();
    await this.#pings;
    this.#deps.identity?.[Symbol.dispose]();
  }

  async #take<T>(
    question: SignerQuestion,
    take: (answer: PrivvalResponse) => T,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const connection = await this.#connection(signal);
    signal?.throwIfAborted();
    const answer = await connection.exchange(question);
    this.#pingDueMs = this.#deps.clock.monotonicMs() + PING_PERIOD_MS;
    try {
      return take(answer);
    } catch (error) {
      if (error instanceof CodedError) connection.drop(error);
      throw error;
    }
  }

  async #connection(signal: AbortSignal | undefined): Promise<SignerConnection> {
    const { listener, clock } = this.#deps;
    if (listener.current !== undefined) return listener.current;
    using deadline = clock.deadline(CONNECTION_DEADLINE_MS);
    try {
      return await listener.connection({ signal: anySignal(signal, deadline.signal) });
    } catch (error) {
      if (error !== deadline.signal.reason) throw error;
      throw new NoSignerConnectionError(listener.local, { cause: error });
    }
  }

  async #keepAlive(): Promise<void> {
    const { clock, listener, logger } = this.#deps;
    const { signal } = this.#shutdown;
    try {
      for (;;) {
        await clock.sleep(Math.max(0, this.#pingDueMs - clock.monotonicMs()), { signal });
        // An answer may have come meanwhile.
        if (this.#pingDueMs > clock.monotonicMs()) continue;
        this.#pingDueMs = clock.monotonicMs() + PING_PERIOD_MS;
        const connection = listener.current;
        // A request in flight has a deadline of its own, and shows as well that the signer is there.
        if (connection === undefined || !this.#turns.isFree) continue;
        using _ = await this.#turns.enter({ signal });
        // Any answer is one, as for stock nodes. A fault has dropped the connection already.
        await connection.exchange({ kind: 'ping' }).catch((error: unknown) => {
          if (!isConnectionFault(error)) throw error;
          logger.debug({ remote: connection.remote, code: errorCode(error) }, 'a ping failed');
        });
        this.#pingDueMs = clock.monotonicMs() + PING_PERIOD_MS;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** What stands before the bound host and port, or the path, in an address. */
function schemeOf(address: ListenAddress): string {
  return address.kind === 'noise' ? `noise://${address.signerId}@` : `${address.kind}://`;
}

function secureStream(address: ListenAddress, identity: Ed25519SecretKey): SecureStream {
  if (address.kind === 'unix') return async (stream) => ({ stream });
  if (address.kind === 'noise') {
    const expectedPeer = address.signerId;
    return async (stream, options) => {
      const secured = await acceptNoise(stream, identity, { ...options, expectedPeer });
      return { stream: secured.stream, peer: secured.peerId };
    };
  }
  return async (stream, options) => {
    const secured = await openSecretConnection(stream, identity, options);
    return { stream: secured.stream, peer: nodeIdFromPublicKey(secured.peerKey) };
  };
}
