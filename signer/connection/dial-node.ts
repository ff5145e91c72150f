/** From an address to a stream on which a node may ask: connect, then the handshake the scheme needs. */

import { nodeIdFromPublicKey } from '@privval/proto/crypto/node-id';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { dialNoise } from '@privval/proto/noise/noise-connection';
import { type AbortOptions, anySignal } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { dialSocket, type SocketTarget } from '@privval/proto/runtime/socket-stream';
import { openSecretConnection } from '@privval/proto/secret-connection/secret-connection';
import { type NodeAddress, printNodeAddress } from './node-address.ts';

/** How long a connection may take to be made. Longer waits would leave a node's 3 s accept window unused. */
const CONNECT_LIMIT_MS = 3_000;

/**
 * How long a connected node may stay silent before its first handshake byte. The kernel accepts for
 * a node that is not accepting yet, or whose one place is taken; a connection given up there is a
 * dead one the node meets first when it turns to it (spec/privval.md 3.7, 3.8), so this is long. A
 * machine that went away is noticed by keep-alive.
 */
const FIRST_BYTE_LIMIT_MS = 30_000;

/** How long the rest of a handshake may take once the node has begun it: the node's own limit. */
const HANDSHAKE_LIMIT_MS = 5_000;

/** Idle time before the kernel probes a connection. libuv has it ended after ten unanswered probes, a second apart. */
const KEEP_ALIVE_DELAY_MS = 5_000;

/** Collaborators of {@link dialNode}. */
export interface DialNodeDeps {
  readonly clock: Clock;
  /** What the signer proves to be on `tcp://` and `noise://`. */
  readonly identity: Ed25519SecretKey;
}

/** A connection whose handshake is done on our side. The node may still never use it. */
export interface NodeConnection {
  /** The caller owns it. */
  readonly stream: ByteStream;
  /** Who the node proved to be: its node id on `tcp://`, its libp2p peer id on `noise://`. */
  readonly peerId: string | undefined;
}

/** How a node is dialled; {@link dialNode}, or a memory pipe in tests. */
export type DialNode = (address: NodeAddress, options: AbortOptions) => Promise<NodeConnection>;

/** The connection was not made in time: a machine that is off, or a firewall that drops. */
export class ConnectTimeoutError extends CodedError {
  override readonly name = 'ConnectTimeoutError';
  readonly code = 'ERR_CONNECT_TIMEOUT';
  readonly limitMs: number = CONNECT_LIMIT_MS;

  constructor(remote: string, options?: ErrorOptions) {
    super(`no connection to ${remote} within ${CONNECT_LIMIT_MS} ms`, options);
  }
}

/** The handshake was not finished in time. Without a first byte the node was busy with another connection. */
export class HandshakeTimeoutError extends CodedError {
  override readonly name = 'HandshakeTimeoutError';
  readonly code = 'ERR_HANDSHAKE_TIMEOUT';
  readonly begun: boolean;

  constructor(begun: boolean) {
    super(
      begun
        ? `the node began the handshake and did not finish it within ${HANDSHAKE_LIMIT_MS} ms`
        : `connected, but the node did not begin the handshake within ${FIRST_BYTE_LIMIT_MS} ms: it may be serving another signer`,
    );
    this.begun = begun;
  }
}

/**
 * Dials once.
 *
 * @throws {ConnectTimeoutError} ERR_CONNECT_TIMEOUT
 * @throws {HandshakeTimeoutError} ERR_HANDSHAKE_TIMEOUT
 * @throws {DialError} ERR_DIAL_FAILED, or the fault of the handshake by its own code.
 */
export async function dialNode(
  deps: DialNodeDeps,
  address: NodeAddress,
  options: AbortOptions = {},
): Promise<NodeConnection> {
  const raw = await connectTo(deps.clock, address, options);
  if (address.scheme === 'unix') return { stream: raw, peerId: undefined };
  using limit = new HandshakeLimit(deps.clock);
  const signal = anySignal(options.signal, limit.signal);
  const watched = noticingFirstByte(raw, () => limit.begin());
  if (address.scheme === 'noise') {
    const { stream } = await dialNoise(watched, deps.identity, {
      signal,
      expectedPeer: address.peerId,
    });
    return { stream, peerId: address.peerId };
  }
  const { stream, peerKey } = await openSecretConnection(watched, deps.identity, {
    signal,
    ...(address.nodeId === undefined ? {} : { expectedPeer: address.nodeId }),
  });
  return { stream, peerId: nodeIdFromPublicKey(peerKey) };
}

async function connectTo(
  clock: Clock,
  address: NodeAddress,
  { signal }: AbortOptions,
): Promise<ByteStream> {
  const target: SocketTarget =
    address.scheme === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
  using deadline = clock.deadline(CONNECT_LIMIT_MS);
  try {
    return await dialSocket(target, {
      signal: anySignal(signal, deadline.signal),
      keepAliveDelayMs: KEEP_ALIVE_DELAY_MS,
    });
  } catch (cause) {
    if (!deadline.signal.aborted || signal?.aborted) throw cause;
    throw new ConnectTimeoutError(printNodeAddress(address), { cause });
  }
}

/** The two limits of a handshake: until its first byte, and from there. */
class HandshakeLimit implements Disposable {
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #timers = new DisposableStack();
  #begun = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#arm(FIRST_BYTE_LIMIT_MS, false);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The node has said something. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#arm(HANDSHAKE_LIMIT_MS, true);
  }

  [Symbol.dispose](): void {
    this.#timers.dispose();
  }

  #arm(limitMs: number, begun: boolean): void {
    const deadline = this.#timers.use(this.#clock.deadline(limitMs));
    deadline.signal.addEventListener('abort', () => {
      if (begun === this.#begun) this.#controller.abort(new HandshakeTimeoutError(begun));
    });
  }
}

/** `stream`, calling `onFirstByte` at the first chunk read. Once that is done it adds nothing to a read. */
function noticingFirstByte(stream: ByteStream, onFirstByte: () => void): ByteStream {
  let noticed = false;
  const readFirst = async (options?: AbortOptions): Promise<Uint8Array | undefined> => {
    const chunk = await stream.read(options);
    if (chunk !== undefined) {
      noticed = true;
      onFirstByte();
    }
    return chunk;
  };
  return {
    remote: stream.remote,
    read: (options) => (noticed ? stream.read(options) : readFirst(options)),
    write: (bytes, options) => stream.write(bytes, options),
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}
