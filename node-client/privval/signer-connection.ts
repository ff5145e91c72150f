/** One connection from one signer, after its handshake: a request out, its answer in. */
import { encodeFrame, FrameReader } from '@privval/proto/codec/delimited';
import { MAX_REQUEST_BYTES, type PrivvalResponse } from '@privval/proto/privval/messages';
import { encodeRequest, type SendableRequest } from '@privval/proto/privval/request-codec';
import { decodeResponse } from '@privval/proto/privval/response-codec';
import { abortable } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { type Clock, DeadlineError } from '@privval/proto/runtime/clock';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';

/** Longest a request may take to be written, and its answer to come (spec/privval.md 3.3). */
const TRANSFER_DEADLINE_MS = 5_000;

/** The signer closed the connection, or it broke: `cause`, where there is one, says how. */
export class SignerConnectionClosedError extends CodedError {
  override readonly name = 'SignerConnectionClosedError';
  readonly code = 'ERR_SIGNER_CONNECTION_CLOSED';

  constructor(remote: string, options?: ErrorOptions) {
    const reason = options?.cause instanceof Error ? `: ${options.cause.message}` : '';
    super(`the connection of the signer at ${remote} is closed${reason}`, options);
  }
}

/** The signer took too long to take a request, or to answer it. */
export class SignerTimeoutError extends CodedError {
  override readonly name = 'SignerTimeoutError';
  readonly code = 'ERR_SIGNER_TIMEOUT';
  readonly phase: 'write' | 'read';

  constructor(
    at: { readonly remote: string; readonly phase: 'write' | 'read' },
    options?: ErrorOptions,
  ) {
    const { remote, phase } = at;
    super(
      phase === 'write'
        ? `the signer at ${remote} did not take the request within ${TRANSFER_DEADLINE_MS} ms`
        : `the signer at ${remote} did not answer within ${TRANSFER_DEADLINE_MS} ms`,
      options,
    );
    this.phase = phase;
  }
}

/** The signer sent what nobody asked for: another type, no message at all, a second answer. */
export class UnexpectedSignerReplyError extends CodedError {
  override readonly name = 'UnexpectedSignerReplyError';
  readonly code = 'ERR_UNEXPECTED_SIGNER_REPLY';

  constructor(reply: { readonly remote: string; readonly what: string }, options?: ErrorOptions) {
    super(`the signer at ${reply.remote} sent ${reply.what}`, options);
  }
}

/**
 * A stream on which requests are answered one by one, in order.
 *
 * Runs one loop, {@link #receive}, which reads all the time and not only while an answer is due: so
 * a signer that goes away is noticed at once and its successor let in, and an answer nobody asked
 * for ends the connection instead of being taken for the next one. Nothing on the wire says which
 * request an answer belongs to, so every fault ends the connection; it is never repaired.
 */
export class SignerConnection implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  readonly #shutdown = new AbortController();
  #pending: PromiseWithResolvers<Uint8Array> | undefined;

  /** Settles when the connection is over and its stream closed; with the reason, never as a rejection. */
  readonly closed: Promise<CodedError>;

  private constructor(deps: { readonly stream: ByteStream; readonly clock: Clock }) {
    this.#clock = deps.clock;
    this.#stream = deps.stream;
    this.closed = this.#receive();
  }

  /** Starts reading `deps.stream`, which the connection owns from here on. */
  static start(deps: { readonly stream: ByteStream; readonly clock: Clock }): SignerConnection {
    return new SignerConnection(deps);
  }

  /** Where the signer is, for logs. */
  get remote(): string {
    return this.#stream.remote;
  }

  /**
   * Sends one request and returns its answer, of whatever type. Not to be called again before it
   * settles. It cannot be aborted: whoever gives up waiting leaves the answer to be read here, and
   * the stream stays in step. Both halves are bounded by 5 s; a fault ends the connection.
   *
   * @throws {SignerTimeoutError} ERR_SIGNER_TIMEOUT
   * @throws {SignerConnectionClosedError} ERR_SIGNER_CONNECTION_CLOSED
   * @throws {UnexpectedSignerReplyError} ERR_UNEXPECTED_SIGNER_REPLY when the answer is no message.
   */
  async exchange(request: SendableRequest): Promise<PrivvalResponse> {
    this.#shutdown.signal.throwIfAborted();
    if (this.#pending !== undefined) throw new InvariantError('two requests on one connection');
    const frame = encodeFrame(encodeRequest(request));
    const pending = Promise.withResolvers<Uint8Array>();
    // It may reject while the request is still being written.
    pending.promise.catch(() => undefined);
    this.#pending = pending;
    try {
      await this.#within('write', (deadline) => this.#stream.write(frame, { signal: deadline }));
      const body = await this.#within('read', (deadline) =>
        abortable(pending.promise, { signal: deadline }),
      );
      return this.#decode(body);
    } catch (error) {
      throw this.drop(this.#closedBy(error));
    }
  }

  /** Ends the connection because of `fault`, or of what ended it before. @returns the reason that counts. */
  drop(fault: CodedError): CodedError {
    this.#shutdown.abort(fault);
    return this.#shutdown.signal.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop(new SignerConnectionClosedError(this.remote));
    await this.closed;
  }

  async #receive(): Promise<CodedError> {
    const frames = new FrameReader({ stream: this.#stream }, { maxBytes: MAX_REQUEST_BYTES });
    const { signal } = this.#shutdown;
    try {
      for (;;) {
        const body = await frames.read({ signal });
        if (body === undefined) throw new SignerConnectionClosedError(this.remote);
        const pending = this.#pending;
        if (pending === undefined) {
          throw new UnexpectedSignerReplyError({
            remote: this.remote,
            what: 'an answer nobody asked for',
          });
        }
        this.#pending = undefined;
        pending.resolve(body);
      }
    } catch (error) {
      const reason = this.drop(this.#closedBy(error));
      this.#pending?.reject(reason);
      this.#pending = undefined;
      await this.#stream[Symbol.asyncDispose]();
      return reason;
    }
  }

  async #within<T>(
    phase: 'write' | 'read',
    work: (deadline: AbortSignal) => Promise<T>,
  ): Promise<T> {
    using deadline = this.#clock.deadline(TRANSFER_DEADLINE_MS);
    try {
      return await work(deadline.signal);
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      throw new SignerTimeoutError({ remote: this.remote, phase }, { cause: error });
    }
  }

  #decode(body: Uint8Array): PrivvalResponse {
    try {
      return decodeResponse(body);
    } catch (cause) {
      const { remote } = this;
      throw new UnexpectedSignerReplyError(
        { remote, what: 'bytes that are no message' },
        { cause },
      );
    }
  }

  /** The fault as this file names it: anything from below becomes the cause of a closed connection. */
  #closedBy(error: unknown): CodedError {
    if (isConnectionFault(error) || error instanceof InvariantError) return error;
    return new SignerConnectionClosedError(this.remote, { cause: error });
  }
}

/** Whether asking again, on the next connection, may help. */
export function isConnectionFault(
  error: unknown,
): error is SignerConnectionClosedError | SignerTimeoutError | UnexpectedSignerReplyError {
  return (
    error instanceof SignerConnectionClosedError ||
    error instanceof SignerTimeoutError ||
    error instanceof UnexpectedSignerReplyError
  );
}
