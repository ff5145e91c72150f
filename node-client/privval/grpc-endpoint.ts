/** A signer that is dialed: the gRPC `PrivValidatorAPI` of Tendermint v0.35 (spec/privval.md 2.9). */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import {
  type ChannelCredentials,
  Client,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import {
  GET_PUB_KEY,
  type GrpcMethod,
  SIGN_PROPOSAL,
  SIGN_VOTE,
} from '@privval/proto/privval/grpc-codec';
import type { PrivvalResponse, RemoteSignerError } from '@privval/proto/privval/messages';
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { formatHostPort, formatSignerAddress, type SignerAddress } from './signer-address.ts';
import { SignerTimeoutError, UnexpectedSignerReplyError } from './signer-connection.ts';
import type { SignerEndpoint, SignerQuestion } from './signer-endpoint.ts';
import { RemoteSignerClosedError } from './signer-listener.ts';

/** Longest wait for one attempt's answer; the caller's signal may end it sooner. */
const CALL_DEADLINE_MS = 5_000;

/** Largest answer that is read: the nodes' own limit (spec/privval.md 2.9). */
const MAX_ANSWER_BYTES = 1_048_576;

/** Keep-alive of the nodes that speak gRPC (spec/privval.md 2.9). */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 2_000 };

/** The library's own back-off goes to minutes: a signer that restarts has to be found again within a block. */
const RECONNECT = {
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.min_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

/**
 * An IP address cannot be asked for as a server's name: the library would, and TLS refuses. This
 * name goes out in its place and is not what the certificate is compared with.
 */
const NAMELESS = { 'grpc.ssl_target_name_override': 'signer.invalid' };

/** Statuses that say "no" rather than "cannot now"; the reference server uses the first two. */
const REFUSALS: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ABORTED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.PERMISSION_DENIED,
]);

/** Statuses that may be gone at the next attempt. A cancel is the signer's own here: it is being stopped. */
const TRANSIENT: ReadonlySet<number> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
]);

/** An address that is dialed. */
export type GrpcAddress = Extract<SignerAddress, { readonly kind: 'grpc' }>;

/** A call failed without an answer. */
export class GrpcCallError extends CodedError {
  override readonly name = 'GrpcCallError';
  readonly code = 'ERR_GRPC_CALL';
  /** The gRPC status, such as 14 for "unavailable". */
  readonly status: number;

  constructor(remote: string, options: { readonly cause: ServiceError }) {
    const { code, details } = options.cause;
    super(`the call of the signer at ${remote} failed: ${status[code]} ${details}`, options);
    this.status = code;
  }
}

/** The certificate files cannot be used. */
export class GrpcCredentialsError extends CodedError {
  override readonly name = 'GrpcCredentialsError';
  readonly code = 'ERR_GRPC_CREDENTIALS';
}

/** PEM files of the node. Certificate and key go together; without them the signer must not ask for any. */
export interface GrpcTlsFiles {
  /** Whom to trust: the authority of the signer's certificate. */
  readonly rootCaFile: string;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Calls a signer by gRPC. The connection is made, and made again, by the library below. */
export class GrpcEndpoint implements SignerEndpoint {
  readonly address: string;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #shutdown = new AbortController();
  #answered = false;

  private constructor(
    deps: { readonly client: Client; readonly clock: Clock },
    target: GrpcAddress,
  ) {
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#host = formatHostPort(target);
    this.address = formatSignerAddress(target);
  }

  /**
   * Prepares calls of the signer at `options.address`; it need not be there yet.
   *
   * @throws {GrpcCredentialsError} ERR_GRPC_CREDENTIALS when a file is missing or no certificate,
   *   and for `grpcs://` without `tls`.
   */
  static async dial(
    deps: { readonly clock: Clock; readonly logger: Logger },
    options: { readonly address: GrpcAddress; readonly tls?: GrpcTlsFiles | undefined },
  ): Promise<GrpcEndpoint> {
    const { address, tls } = options;
    if (address.tls && tls === undefined) {
      throw new GrpcCredentialsError('grpcs:// needs the file of the authority to trust');
    }
    if (tls === undefined) {
      deps.logger.warn(
        { address: formatSignerAddress(address) },
        'gRPC without TLS: nobody is authenticated and everybody on the way can read and change',
      );
    }
    const client = new Client(formatHostPort(address), await channelCredentials(address, tls), {
      ...KEEPALIVE,
      ...RECONNECT,
      ...(isIP(address.host) === 0 ? {} : NAMELESS),
      'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
    });
    return new GrpcEndpoint({ client, clock: deps.clock }, address);
  }

  get remote(): string | undefined {
    return this.#answered ? this.#host : undefined;
  }

  isTransient(error: unknown): boolean {
    return (
      (error instanceof GrpcCallError && TRANSIENT.has(error.status)) ||
      error instanceof SignerTimeoutError
    );
  }

  async ask<T>(
    question: SignerQuestion,
    take: (answer: PrivvalResponse) => T,
    options: AbortOptions = {},
  ): Promise<T> {
    const answer = await this.#call(question, anySignal(options.signal, this.#shutdown.signal));
    this.#answered = true;
    return take(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort(new RemoteSignerClosedError());
    this.#client.close();
  }

  /** One call. A status that means "no" becomes the response with `error` that a socket signer would have sent. */
  async #call(question: SignerQuestion, signal: AbortSignal | undefined): Promise<PrivvalResponse> {
    if (question.kind === 'public-key') {
      const answer = await this.#unary(GET_PUB_KEY, question, signal);
      return 'refused' in answer ? { kind: 'public-key', error: answer.refused } : answer;
    }
    if (question.kind === 'sign-vote') {
      const answer = await this.#unary(SIGN_VOTE, question, signal);
      return 'refused' in answer ? { kind: 'signed-vote', error: answer.refused } : answer;
    }
    const answer = await this.#unary(SIGN_PROPOSAL, question, signal);
    return 'refused' in answer ? { kind: 'signed-proposal', error: answer.refused } : answer;
  }

  async #unary<Request, Response extends PrivvalResponse>(
    method: GrpcMethod<Request, Response>,
    request: Request,
    signal: AbortSignal | undefined,
  ): Promise<Response | { readonly refused: RemoteSignerError }> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    using deadline = this.#clock.deadline(CALL_DEADLINE_MS);
    const call: ClientUnaryCall = this.#client.makeUnaryRequest(
      method.path,
      (value: Request) => Buffer.from(method.encodeRequest(value)),
      (bytes: Buffer) => new Uint8Array(bytes),
      request,
      new Metadata(),
      {},
      (error: ServiceError | null, bytes?: Uint8Array) => {
        if (error === null) resolve(bytes ?? new Uint8Array(0));
        else reject(error);
      },
    );
    let body: Uint8Array;
    try {
      body = await abortable(promise, { signal: anySignal(signal, deadline.signal) });
    } catch (error) {
      call.cancel();
      if (error === deadline.signal.reason) {
        throw new SignerTimeoutError({ remote: this.#host, phase: 'read' }, { cause: error });
      }
      if (!isServiceError(error)) throw error;
      if (!REFUSALS.has(error.code)) throw new GrpcCallError(this.#host, { cause: error });
      return { refused: { code: error.code, description: error.details } };
    }
    try {
      return method.decodeResponse(body);
    } catch (cause) {
      throw new UnexpectedSignerReplyError(
        { remote: this.#host, what: 'bytes that are no answer' },
        { cause },
      );
    }
  }
}

/**
 * Mutual TLS 1.3 when there is a certificate of the node's own, as stock nodes do it. The signer's
 * certificate has to name the host as it stands in the address, a number included.
 */
async function channelCredentials(
  { host }: GrpcAddress,
  tls: GrpcTlsFiles | undefined,
): Promise<ChannelCredentials> {
  if (tls === undefined) return credentials.createInsecure();
  try {
    const [ca, cert, key] = await Promise.all(
      [tls.rootCaFile, tls.certificateFile, tls.keyFile].map(async (path) =>
        path === undefined ? undefined : readFile(path),
      ),
    );
    const context = createSecureContext({ ca, cert, key, minVersion: 'TLSv1.3' });
    return credentials.createFromSecureContext(context, {
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    });
  } catch (cause) {
    throw new GrpcCredentialsError(`the files for TLS cannot be used: ${errorCode(cause)}`, {
      cause,
    });
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && 'metadata' in error;
}
