/**
 * `tendermint.privval.PrivValidatorAPI` of Tendermint v0.35 and v0.36, where the node dials the signer
 * (spec/privval.md 2.9). Loaded only where a validator has a gRPC listener.
 */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import {
  logVerbosity,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  setLogVerbosity,
  status,
} from '@grpc/grpc-js';
import {
  GET_PUB_KEY,
  type GrpcMethod,
  SIGN_PROPOSAL,
  SIGN_VOTE,
} from '@privval/proto/privval/grpc-codec';
import {
  MAX_REPLY_BYTES,
  MAX_REQUEST_BYTES,
  type PrivvalRequest,
  type PrivvalResponse,
} from '@privval/proto/privval/messages';
import type { PrivValidator } from '@privval/proto/privval/priv-validator';
import { withoutExtension } from '@privval/proto/privval/response-codec';
import { abortable } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainId } from '@privval/proto/types/chain-id';
import { answer } from '../session/answer.ts';
import type { ConnectionHeights } from '../session/node-heights.ts';
import { checkGrpcListen, type GrpcListenOptions, type GrpcTlsFiles } from './grpc-options.ts';
import { printEndpoint } from './node-address.ts';

/** Calls at once on one connection: a node makes one at a time, so this is only a bound. */
const MAX_CONCURRENT_CALLS = 16;

/** Connections whose heights are remembered: the one that asked longest ago is forgotten first. */
const MAX_CONNECTIONS = 64;

/** How long a dispose waits for the calls in flight. */
const GRACE_MS = 500;

/** Collaborators of a {@link GrpcListener}. */
export interface GrpcListenerDeps {
  readonly privValidator: PrivValidator;
  /** What a connection proves of its node's height, a new one for each (S41). @default nothing is known */
  readonly connected?: (() => ConnectionHeights) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Whom a {@link GrpcListener} serves, and where. */
export interface GrpcListenerOptions {
  readonly chainId: ChainId;
  readonly listen: GrpcListenOptions;
}

/** The address cannot be bound. */
export class GrpcListenError extends CodedError {
  override readonly name = 'GrpcListenError';
  readonly code = 'ERR_GRPC_LISTEN_FAILED';

  constructor(address: string, options?: ErrorOptions) {
    const reason = options?.cause instanceof Error ? `: ${options.cause.message}` : '';
    super(`cannot serve gRPC on ${address}${reason}`, options);
  }
}

/** A certificate or key of the gRPC listener cannot be read or used. */
export class GrpcCertificateError extends CodedError {
  override readonly name = 'GrpcCertificateError';
  readonly code = 'ERR_GRPC_CERTIFICATE';
}

/**
 * One validator's gRPC service. A refusal or fault is a status, never an OK with an error in it: a
 * node reads only the status, and would take the empty signature for a success (S23).
 *
 * It has no loop of its own; calls end by answer, by the node's cancel, or with the dispose.
 */
export class GrpcListener implements AsyncDisposable {
  /** Where it listens; the port the kernel chose when 0 was asked for. */
  readonly port: number;
  readonly #server: Server;
  readonly #service: GrpcService;
  readonly #deps: GrpcListenerDeps;

  private constructor(server: Server, service: GrpcService, deps: GrpcListenerDeps, port: number) {
    this.#server = server;
    this.#service = service;
    this.#deps = deps;
    this.port = port;
  }

  /**
   * Starts serving.
   *
   * @throws {InsecureGrpcAddressError} ERR_GRPC_INSECURE_ADDRESS
   * @throws {GrpcCertificateError} ERR_GRPC_CERTIFICATE
   * @throws {GrpcListenError} ERR_GRPC_LISTEN_FAILED
   */
  static async listen(deps: GrpcListenerDeps, options: GrpcListenerOptions): Promise<GrpcListener> {
    checkGrpcListen(options.listen);
    // The library writes to stderr, past our log, what it also reports as an error.
    setLogVerbosity(logVerbosity.NONE);
    const { tls, ...endpoint } = options.listen;
    const credentials =
      tls === undefined ? ServerCredentials.createInsecure() : await readCredentials(tls);
    const server = new Server({
      'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
      'grpc.max_concurrent_streams': MAX_CONCURRENT_CALLS,
    });
    const service = new GrpcService(deps, options.chainId);
    server.addService(SERVICE_DEFINITION, service.handlers);
    const { promise: bound, resolve, reject } = Promise.withResolvers<number>();
    const address = printEndpoint(endpoint);
    try {
      server.bindAsync(address, credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
      return new GrpcListener(server, service, deps, await bound);
    } catch (cause) {
      server.forceShutdown();
      throw new GrpcListenError(address, { cause });
    }
  }

  /** Calls begun since the start. */
  get requests(): number {
    return this.#service.requests;
  }

  /** Resolves when the calls in flight now have been answered. */
  async answered(): Promise<void> {
    await this.#service.answered();
  }

  /** Takes no more calls, lets those in flight finish within half a second, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { promise: drained, resolve } = Promise.withResolvers<void>();
    this.#server.tryShutdown(() => resolve());
    using grace = this.#deps.clock.deadline(GRACE_MS);
    await abortable(drained, grace).catch(() => this.#service.stop(grace.signal.reason));
    this.#server.forceShutdown();
  }
}

type Handler = (
  call: ServerUnaryCall<Uint8Array, Uint8Array>,
  send: sendUnaryData<Uint8Array>,
) => void;

/** What the three methods have in common: bytes in, one answer or one status out. */
class GrpcService {
  readonly handlers: Readonly<Record<string, Handler>>;
  requests = 0;
  readonly #deps: GrpcListenerDeps;
  readonly #chainId: ChainId;
  readonly #stop = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();
  /** By the other end's address and port. */
  readonly #heights = new Map<string, ConnectionHeights>();

  constructor(deps: GrpcListenerDeps, chainId: ChainId) {
    this.#deps = deps;
    this.#chainId = chainId;
    this.handlers = {
      GetPubKey: this.#handler(GET_PUB_KEY.decodeRequest, NOT_FOUND_PUBLIC_KEY),
      SignVote: this.#handler(SIGN_VOTE.decodeRequest, INVALID_VOTE),
      SignProposal: this.#handler(SIGN_PROPOSAL.decodeRequest, INVALID_PROPOSAL),
    };
  }

  async answered(): Promise<void> {
    await Promise.allSettled([...this.#inFlight]);
  }

  /** Ends the waiting of every call. */
  stop(reason: unknown): void {
    this.#stop.abort(reason);
  }

  #handler(decode: (bytes: Uint8Array) => PrivvalRequest, failure: Failure): Handler {
    return (call, send) => {
      // Rejects with an InvariantError only, which nobody catches: a bug ends the process.
      const sent = this.#answer(call, decode).then(
        (bytes) => send(null, bytes),
        (error: unknown) => {
          if (error instanceof InvariantError) throw error;
          send(statusOf(error, failure));
        },
      );
      this.#inFlight.add(sent);
      void sent.finally(() => this.#inFlight.delete(sent));
    };
  }

  async #answer(
    call: ServerUnaryCall<Uint8Array, Uint8Array>,
    decode: (bytes: Uint8Array) => PrivvalRequest,
  ): Promise<Uint8Array> {
    this.requests += 1;
    const cancelled = new AbortController();
    call.on('cancelled', () =>
      cancelled.abort(new CallCancelledError('the node cancelled the call')),
    );
    const signal = AbortSignal.any([cancelled.signal, this.#stop.signal]);
    const { privValidator, logger } = this.#deps;
    const heights = this.#heightsOf(call.getPeer());
    const response = await answer({ privValidator, heights, logger }, decode(call.request), {
      chainId: this.#chainId,
      signal,
    });
    return encodeOk(response);
  }

  #heightsOf(peer: string): ConnectionHeights | undefined {
    const heights = this.#heights.get(peer) ?? this.#deps.connected?.();
    if (heights === undefined) return undefined;
    this.#heights.delete(peer);
    this.#heights.set(peer, heights);
    const [oldest] = this.#heights.keys();
    if (this.#heights.size > MAX_CONNECTIONS && oldest !== undefined) this.#heights.delete(oldest);
    return heights;
  }
}

/** The node gave the call up; the signature, if any, is kept for its next request. */
class CallCancelledError extends CodedError {
  override readonly name = 'CallCancelledError';
  readonly code = 'ERR_CALL_CANCELLED';
}

/** A refusal or fault, on its way to becoming a status. */
class RefusedCallError extends CodedError {
  override readonly name = 'RefusedCallError';
  readonly code = 'ERR_CALL_REFUSED';
}

/** How a method fails: the status, and what its text begins with (spec/privval.md 2.9). */
interface Failure {
  readonly code: status;
  readonly prefix: string;
}

const NOT_FOUND_PUBLIC_KEY: Failure = { code: status.NOT_FOUND, prefix: 'error getting pubkey: ' };
const INVALID_VOTE: Failure = { code: status.INVALID_ARGUMENT, prefix: 'error signing vote: ' };
const INVALID_PROPOSAL: Failure = {
  code: status.INVALID_ARGUMENT,
  prefix: 'error signing proposal: ',
};

function statusOf(
  error: unknown,
  failure: Failure,
): { code: status; details: string; metadata?: Metadata } {
  const text = error instanceof Error ? error.message : errorCode(error);
  const details = text.startsWith(failure.prefix) ? text : `${failure.prefix}${text}`;
  return { code: error instanceof CallCancelledError ? status.CANCELLED : failure.code, details };
}

/** @throws {RefusedCallError} when the response says that nothing was signed. */
function encodeOk(response: PrivvalResponse): Uint8Array {
  if ('error' in response) throw new RefusedCallError(response.error.description);
  if (response.kind === 'public-key') return GET_PUB_KEY.encodeResponse(response);
  if (response.kind === 'signed-proposal') return SIGN_PROPOSAL.encodeResponse(response);
  if (response.kind !== 'signed-vote') {
    throw new InvariantError(`a call was answered as a ${response.kind}`);
  }
  const bytes = SIGN_VOTE.encodeResponse(response);
  if (bytes.length <= MAX_REPLY_BYTES) return bytes;
  return SIGN_VOTE.encodeResponse({ ...response, vote: withoutExtension(response.vote) });
}

/** Messages go through as bytes: our own codecs read them, so that every fault has a status of ours. */
function rawMethod(
  method: Pick<GrpcMethod<never, unknown, never>, 'path'>,
): ServiceDefinition[string] {
  const asBytes = (bytes: Buffer): Uint8Array => bytes;
  const asBuffer = (bytes: Uint8Array): Buffer =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    path: method.path,
    requestStream: false,
    responseStream: false,
    requestSerialize: asBuffer,
    requestDeserialize: asBytes,
    responseSerialize: asBuffer,
    responseDeserialize: asBytes,
  };
}

const SERVICE_DEFINITION: ServiceDefinition = {
  GetPubKey: rawMethod(GET_PUB_KEY),
  SignVote: rawMethod(SIGN_VOTE),
  SignProposal: rawMethod(SIGN_PROPOSAL),
};

/** Mutual TLS 1.3. grpc-js's own constructor of credentials cannot say the version. */
class MutualTlsCredentials extends ServerCredentials {
  constructor(files: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer }) {
    super({ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' }, files);
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

async function readCredentials(tls: GrpcTlsFiles): Promise<ServerCredentials> {
  try {
    const [cert, key, ca] = await Promise.all([
      readFile(tls.certFile),
      readFile(tls.keyFile),
      readFile(tls.clientCaFile),
    ]);
    const files = { cert, key, ca };
    // What OpenSSL makes of them is known now, not when the first node connects.
    createSecureContext(files);
    return new MutualTlsCredentials(files);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new GrpcCertificateError(`cannot read the gRPC certificates: ${text}`, { cause });
  }
}
