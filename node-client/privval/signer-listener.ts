/** Lets one signer in: accepts streams, secures them, and keeps the first that proves itself. */
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { type Clock, DeadlineError } from '@privval/proto/runtime/clock';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { SignerConnection } from './signer-connection.ts';
import type { StreamListener } from './stream-listener.ts';

/** Longest a handshake may take (spec/cometbft-0.40.md 1.4). */
const HANDSHAKE_DEADLINE_MS = 5_000;

/** Handshakes that may run at once: a silent client must not keep the signer out, nor a flood eat the memory. */
const MAX_HANDSHAKES = 16;

/**
 * How long a second signer is kept waiting for the first to end before it is refused: a signer that
 * closes and dials again may be accepted before its end is read.
 */
const SUCCESSION_MS = 200;

/** Pause after a failed accept (out of file descriptors), so that it is not tried in a busy loop. */
const ACCEPT_PAUSE_MS = 100;

/** The node's side was closed while somebody waited for the signer. */
export class RemoteSignerClosedError extends CodedError {
  override readonly name = 'RemoteSignerClosedError';
  readonly code = 'ERR_REMOTE_SIGNER_CLOSED';

  constructor() {
    super('the remote signer was closed by its owner');
  }
}

/** A stream after its handshake. */
export interface SecuredStream {
  readonly stream: ByteStream;
  /** Who the peer proved to be, for logs; absent where nothing is proven. */
  readonly peer?: string | undefined;
}

/** What makes of an accepted stream one that can be trusted; closes the stream when it fails. */
export type SecureStream = (stream: ByteStream, options: AbortOptions) => Promise<SecuredStream>;

/** Collaborators of a {@link SignerListener}. */
export interface SignerListenerDeps {
  /** Owned by the listener from here on. */
  readonly streams: StreamListener;
  readonly secure: SecureStream;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The door of a node for its signer.
 *
 * Runs one loop, {@link #accept}, which ends on disposal, and one short task per handshake, at most
 * 16 and each at most 5 s: unlike on stock nodes a client that stays silent keeps nobody waiting.
 * Invariant: at most one connection is in place. While it is, everybody else is closed and logged
 * (200 ms after dialing); on its end, noticed at once, the next one is let in.
 */
export class SignerListener implements AsyncDisposable {
  readonly #deps: SignerListenerDeps;
  readonly #shutdown = new AbortController();
  readonly #handshakes = new Set<Promise<void>>();
  readonly #loop: Promise<void>;
  #current: SignerConnection | undefined;
  #arrival = Promise.withResolvers<SignerConnection>();

  private constructor(deps: SignerListenerDeps) {
    this.#deps = deps;
    this.#loop = this.#accept();
  }

  /** Starts accepting. */
  static start(deps: SignerListenerDeps): SignerListener {
    return new SignerListener(deps);
  }

  /** Where it listens: `127.0.0.1:45123` or a socket path. */
  get local(): string {
    return this.#deps.streams.local;
  }

  /** The connection in place, if there is one. */
  get current(): SignerConnection | undefined {
    return this.#current;
  }

  /**
   * The connection in place, or the next one. Rejects with `signal.reason` on abort.
   * @throws {RemoteSignerClosedError} ERR_REMOTE_SIGNER_CLOSED once disposed.
   */
  async connection(options: AbortOptions = {}): Promise<SignerConnection> {
    const signal = anySignal(options.signal, this.#shutdown.signal);
    signal?.throwIfAborted();
    return this.#current ?? abortable(this.#arrival.promise, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort(new RemoteSignerClosedError());
    await this.#loop;
    await this.#deps.streams[Symbol.asyncDispose]();
    await Promise.all(this.#handshakes);
    await this.#current?.[Symbol.asyncDispose]();
  }

  async #accept(): Promise<void> {
    const { streams, clock, logger } = this.#deps;
    const { signal } = this.#shutdown;
    while (!signal.aborted) {
      try {
        const stream = await streams.accept({ signal });
        const handshake = this.#admit(stream);
        this.#handshakes.add(handshake);
        // `#admit` never rejects.
        void handshake.then(() => this.#handshakes.delete(handshake));
      } catch (error) {
        if (signal.aborted) return;
        logger.error({ code: errorCode(error), err: error }, 'cannot accept a signer');
        await clock.sleep(ACCEPT_PAUSE_MS, { signal }).catch(() => undefined);
      }
    }
  }

  /** Takes one stream to its end: in place, or closed with a line in the log. */
  async #admit(stream: ByteStream): Promise<void> {
    const { remote } = stream;
    if (this.#handshakes.size >= MAX_HANDSHAKES) {
      return this.#refuse(stream, `${MAX_HANDSHAKES} handshakes are running already`);
    }
    if (this.#current !== undefined && !(await this.#isEnding(this.#current))) {
      return this.#refuse(stream, 'another signer is connected');
    }
    const secured = await this.#secure(stream);
    if (secured === undefined) return;
    if (this.#shutdown.signal.aborted) return this.#refuse(secured.stream, 'the node is closing');
    if (this.#current !== undefined) {
      return this.#refuse(secured.stream, 'another signer is connected');
    }
    const connection = SignerConnection.start({ stream: secured.stream, clock: this.#deps.clock });
    this.#deps.logger.info({ remote, peer: secured.peer }, 'signer connected');
    this.#current = connection;
    this.#arrival.resolve(connection);
    this.#arrival = Promise.withResolvers();
    // `closed` never rejects.
    void connection.closed.then((reason) => {
      this.#current = undefined;
      if (this.#shutdown.signal.aborted) return;
      this.#deps.logger.warn({ remote, code: reason.code, err: reason }, 'signer disconnected');
    });
  }

  async #isEnding(current: SignerConnection): Promise<boolean> {
    const waiting = new AbortController();
    const signal = anySignal(waiting.signal, this.#shutdown.signal);
    const patience = this.#deps.clock.sleep(SUCCESSION_MS, { signal }).then(
      () => false,
      () => false,
    );
    const ended = await Promise.race([current.closed.then(() => true), patience]);
    waiting.abort();
    return ended;
  }

  async #secure(stream: ByteStream): Promise<SecuredStream | undefined> {
    const { clock, logger, secure } = this.#deps;
    const { remote } = stream;
    using deadline = clock.deadline(HANDSHAKE_DEADLINE_MS);
    try {
      return await secure(stream, {
        signal: anySignal(deadline.signal, this.#shutdown.signal),
      });
    } catch (error) {
      if (this.#shutdown.signal.aborted) return undefined;
      logger.warn(
        { remote, code: errorCode(error), err: error },
        error instanceof DeadlineError
          ? 'a client did not finish its handshake in time'
          : 'the handshake with a client failed',
      );
      return undefined;
    }
  }

  async #refuse(stream: ByteStream, reason: string): Promise<void> {
    this.#deps.logger.warn({ remote: stream.remote, reason }, 'refused a connection');
    await stream[Symbol.asyncDispose]();
  }
}
