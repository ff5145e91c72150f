/** The node's side of privval: consensus signs through a signer that is elsewhere. */
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { PrivvalResponse, RemoteSignerError } from '@privval/proto/privval/messages';
import type {
  PrivValidator,
  PublicKeyOptions,
  Refusal,
  SignResult,
  SignVoteOptions,
} from '@privval/proto/privval/priv-validator';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Vote } from '@privval/proto/types/vote';
import { type RetryPolicy, retry, STOCK_RETRY } from './retry.ts';
import { takeSignedProposal, takeSignedVote } from './signed-reply.ts';
import { InvalidSignerAddressError, parseSignerAddress } from './signer-address.ts';
import { UnexpectedSignerReplyError } from './signer-connection.ts';
import type { SignerEndpoint, SignerQuestion } from './signer-endpoint.ts';
import { StreamEndpoint, type StreamEndpointOptions } from './stream-endpoint.ts';

/** Longest part of a signer's own words that goes into a text of ours. */
const MAX_DESCRIPTION_CHARACTERS = 300;

/** The signer refused to tell its public key: wrong chain, key not at hand. Asking again does not help. */
export class RemoteSignerRefusedError extends CodedError {
  override readonly name = 'RemoteSignerRefusedError';
  readonly code = 'ERR_REMOTE_SIGNER_REFUSED';
  /** The number the signer sent; only its presence means anything. */
  readonly remoteCode: number;

  constructor(error: RemoteSignerError) {
    super(refusalText(error));
    this.remoteCode = error.code;
  }
}

/** Collaborators of a {@link RemoteSigner}. */
export interface RemoteSignerDeps {
  /** Owned by the remote signer from here on. */
  readonly endpoint: SignerEndpoint;
  readonly clock: Clock;
}

/** Tuning of a {@link RemoteSigner}. */
export interface RemoteSignerOptions {
  /** How often each call is tried when the connection fails. @default 50 attempts, 100 ms apart, as stock nodes do */
  readonly retry?: RetryPolicy | undefined;
}

/** How a public key is asked for. */
export interface RemotePublicKeyOptions extends PublicKeyOptions {
  /**
   * Attempts for this call; 1 is what a node does at its start, when an absent signer is to be
   * reported at once (spec/privval.md 3.4). @default what the remote signer retries
   */
  readonly attempts?: number | undefined;
}

/**
 * A `PrivValidator` whose key is elsewhere.
 *
 * Trusts the answers no further than they can be checked: a signature is returned only after it
 * verified, with the key answered last for that chain, over the caller's own message. A signer's
 * `RemoteSignerError` is a refusal with reason `remote`, returned at once and never retried; faults of
 * the connection are retried, and a signature that does not verify is a fault that is not. Which key
 * is in force is the caller's to learn: it asks after every block, as nodes do.
 *
 * An abort ends the wait at once wherever it is (turn, connection, answer, pause between attempts).
 */
export class RemoteSigner implements PrivValidator, AsyncDisposable {
  readonly #deps: RemoteSignerDeps;
  readonly #policy: RetryPolicy;
  readonly #publicKeys = new Map<ChainId, PublicKey>();

  private constructor(deps: RemoteSignerDeps, options: RemoteSignerOptions) {
    this.#deps = deps;
    this.#policy = options.retry ?? STOCK_RETRY;
  }

  /** Starts over an endpoint that is there already. */
  static over(deps: RemoteSignerDeps, options: RemoteSignerOptions = {}): RemoteSigner {
    return new RemoteSigner(deps, options);
  }

  /**
   * Listens on `options.address` (`tcp://`, `unix://`, `noise://`) for a signer to dial in.
   *
   * @throws {InvalidSignerAddressError} ERR_INVALID_SIGNER_ADDRESS
   * @throws {ListenError} ERR_LISTEN_FAILED
   */
  static async listen(
    deps: {
      readonly clock: Clock;
      readonly logger: Logger;
      /** The node's own key on `tcp://` and `noise://`; stays the caller's. @default a random one */
      readonly identity?: Ed25519SecretKey | undefined;
    },
    options: RemoteSignerOptions & StreamEndpointOptions & { readonly address: string },
  ): Promise<RemoteSigner> {
    const address = parseSignerAddress(options.address);
    if (address.kind === 'grpc') {
      throw new InvalidSignerAddressError(options.address, { reason: 'a gRPC signer is dialed' });
    }
    const endpoint = await StreamEndpoint.listen(deps, { ...options, address });
    return RemoteSigner.over({ endpoint, clock: deps.clock }, options);
  }

  /** Where it listens or dials: `tcp://127.0.0.1:45123`. */
  get address(): string {
    return this.#deps.endpoint.address;
  }

  /** Where the connected signer is; `undefined` while none is known to be there. */
  get remote(): string | undefined {
    return this.#deps.endpoint.remote;
  }

  /** @throws a `CodedError`: refused (ERR_REMOTE_SIGNER_REFUSED), or not to be had. */
  async publicKey(chainId: ChainId, options: RemotePublicKeyOptions = {}): Promise<PublicKey> {
    const answer = await this.#fetchPublicKey(chainId, options);
    if ('refused' in answer) throw new RemoteSignerRefusedError(answer.refused);
    return answer.publicKey;
  }

  async signVote(
    chainId: ChainId,
    vote: Vote,
    options: SignVoteOptions = {},
  ): Promise<SignResult<Vote>> {
    const skipExtensionSigning = options.skipExtensionSigning ?? false;
    return this.#sign(
      { kind: 'sign-vote', chainId, vote, skipExtensionSigning },
      (answer, publicKey) => {
        if (answer.kind !== 'signed-vote') throw this.#unexpected(answer);
        if ('error' in answer) return refusal(answer.error);
        return signed(
          takeSignedVote({ publicKey, chainId, vote, skipExtensionSigning }, answer.vote),
        );
      },
      chainId,
      options,
    );
  }

  async signProposal(
    chainId: ChainId,
    proposal: Proposal,
    options: AbortOptions = {},
  ): Promise<SignResult<Proposal>> {
    return this.#sign(
      { kind: 'sign-proposal', chainId, proposal },
      (answer, publicKey) => {
        if (answer.kind !== 'signed-proposal') throw this.#unexpected(answer);
        if ('error' in answer) return refusal(answer.error);
        return signed(takeSignedProposal({ publicKey, chainId, proposal }, answer.proposal));
      },
      chainId,
      options,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deps.endpoint[Symbol.asyncDispose]();
  }

  async #sign<Message>(
    question: SignerQuestion,
    take: (answer: PrivvalResponse, publicKey: PublicKey) => SignResult<Message>,
    chainId: ChainId,
    options: AbortOptions,
  ): Promise<SignResult<Message>> {
    if (!this.#publicKeys.has(chainId)) {
      const answer = await this.#fetchPublicKey(chainId, options);
      if ('refused' in answer) return refusal(answer.refused);
    }
    return this.#ask(
      question,
      (answer) => {
        // Read here, not above: a public key asked for in between is the one the caller knows by now.
        const publicKey = this.#publicKeys.get(chainId);
        if (publicKey === undefined) throw new InvariantError('no public key to verify with');
        return take(answer, publicKey);
      },
      this.#policy.attempts,
      options,
    );
  }

  async #fetchPublicKey(
    chainId: ChainId,
    options: RemotePublicKeyOptions,
  ): Promise<{ readonly publicKey: PublicKey } | { readonly refused: RemoteSignerError }> {
    return this.#ask(
      { kind: 'public-key', chainId },
      (answer) => {
        if (answer.kind !== 'public-key') throw this.#unexpected(answer);
        if ('error' in answer) return { refused: answer.error };
        // The key in force is the last one the caller was told: not one that came too late.
        if (options.signal?.aborted !== true) this.#publicKeys.set(chainId, answer.publicKey);
        return { publicKey: answer.publicKey };
      },
      options.attempts ?? this.#policy.attempts,
      options,
    );
  }

  #ask<T>(
    question: SignerQuestion,
    take: (answer: PrivvalResponse) => T,
    attempts: number,
    options: AbortOptions,
  ): Promise<T> {
    const { endpoint, clock } = this.#deps;
    const { signal } = options;
    return retry(
      {
        clock,
        isTransient: (error) => endpoint.isTransient(error),
        attempt: () => endpoint.ask(question, take, { signal }),
      },
      { attempts, delayMs: this.#policy.delayMs, signal },
    );
  }

  #unexpected(answer: PrivvalResponse): UnexpectedSignerReplyError {
    const what = `a message of kind "${answer.kind}", which does not answer the request`;
    return new UnexpectedSignerReplyError({ remote: this.remote ?? this.address, what });
  }
}

function signed<Message>(message: Message): SignResult<Message> {
  return { kind: 'signed', message };
}

function refusal(error: RemoteSignerError): Refusal {
  return {
    kind: 'refused',
    reason: 'remote',
    code: 'ERR_REMOTE_SIGNER_REFUSED',
    text: refusalText(error),
  };
}

/** The signer's words are a stranger's: shortened, on one line. */
function refusalText(error: RemoteSignerError): string {
  const words = error.description.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_DESCRIPTION_CHARACTERS);
  return `the remote signer refused (its code ${error.code}): ${words || 'it gave no reason'}`;
}
