/**
 * What is answered to a request: exactly one response of the request's own type, whatever happens
 * (S23, S24; spec/privval.md 3.6). A refusal and a fault of a key are answers; the connection stays.
 */
import type {
  PrivvalRequest,
  PrivvalResponse,
  RemoteSignerError,
} from '@privval/proto/privval/messages';
import type { PrivValidator, SignResult } from '@privval/proto/privval/priv-validator';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { ConnectionHeights } from './node-heights.ts';

/** Longest description of an error: with its envelope far below what any node reads (10,240 bytes). */
const MAX_DESCRIPTION_LENGTH = 1_000;

/** What CometBFT's own signer says to a request for another chain (spec/privval.md 3.6). */
const WRONG_CHAIN_TEXT = {
  'public-key': 'unable to provide pubkey',
  'sign-vote': 'unable to sign vote',
  'sign-proposal': 'unable to sign proposal',
} as const;

/** What the description of every other failure begins with, as FilePV's. */
const FAILURE_PREFIX = {
  'public-key': 'error getting pubkey: ',
  'sign-vote': 'error signing vote: ',
  'sign-proposal': 'error signing proposal: ',
} as const;

type Asked = keyof typeof FAILURE_PREFIX;

/** Collaborators of {@link answer}. */
export interface AnswerDeps {
  readonly privValidator: PrivValidator;
  /** What the connection proves of its node's height; decides which key answers (S41). @default nothing is known */
  readonly heights?: ConnectionHeights | undefined;
  /** Hears of what never reaches the PrivValidator, whose own log tells of each decision. */
  readonly logger: Logger;
}

/** For whom is answered. */
export interface AnswerOptions extends AbortOptions {
  /** The chain this validator signs for; a request for another one is refused (S24). */
  readonly chainId: ChainId;
}

/**
 * The one response to `request`. At once where nothing has to be awaited, so that a ping costs no turn.
 *
 * An abort rejects with `signal.reason`: then nobody is left to answer (S25).
 *
 * @throws {InvariantError} ERR_INVARIANT on a bug, which is never turned into an answer.
 */
export function answer(
  deps: AnswerDeps,
  request: PrivvalRequest,
  options: AnswerOptions,
): PrivvalResponse | Promise<PrivvalResponse> {
  switch (request.kind) {
    case 'ping':
      return { kind: 'ping' };
    case 'unknown':
      return { kind: 'empty' };
    case 'sign-bytes':
      deps.logger.warn({ code: 'ERR_SIGN_BYTES_REFUSED' }, 'refused to sign raw bytes');
      return {
        kind: 'sign-bytes',
        error: remoteError('this signer never signs raw bytes [ERR_SIGN_BYTES_REFUSED]'),
      };
    case 'invalid':
      deps.logger.warn(
        { asked: request.asked, code: request.code, reason: request.text },
        'refused an invalid request',
      );
      return failure(request.asked, failureText(request.asked, request.text, request.code));
    case 'public-key':
    case 'sign-vote':
    case 'sign-proposal':
      if (request.chainId === options.chainId) return answerFor(deps, request, options);
      deps.logger.warn(
        { asked: request.kind, code: 'ERR_WRONG_CHAIN', askedChain: request.chainId },
        'refused a request for another chain',
      );
      return failure(request.kind, WRONG_CHAIN_TEXT[request.kind]);
  }
}

/** A request whose chain is ours and whose content was well-formed. */
type SoundRequest = Extract<PrivvalRequest, { readonly kind: Asked }>;

async function answerFor(
  deps: AnswerDeps,
  request: SoundRequest,
  options: AnswerOptions,
): Promise<PrivvalResponse> {
  try {
    return await askPrivValidator(deps, request, options);
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    if (options.signal?.aborted) throw options.signal.reason;
    const code = errorCode(error);
    // A fault while signing has its line already, from the PrivValidator.
    if (request.kind === 'public-key') {
      deps.logger.error({ asked: request.kind, code, err: error }, 'could not tell the public key');
    }
    const text = error instanceof Error ? error.message : 'the signer failed';
    return failure(request.kind, failureText(request.kind, text, code));
  }
}

async function askPrivValidator(
  { privValidator, heights }: AnswerDeps,
  request: SoundRequest,
  { chainId, signal }: AnswerOptions,
): Promise<PrivvalResponse> {
  if (request.kind === 'public-key') {
    const nextHeight = await heights?.publicKeyAsked({ signal });
    const publicKey = await privValidator.publicKey(chainId, { signal, nextHeight });
    return { kind: 'public-key', publicKey };
  }
  if (request.kind === 'sign-vote') {
    const { vote, skipExtensionSigning } = request;
    heights?.signAsked(vote.height);
    const result = await privValidator.signVote(chainId, vote, { signal, skipExtensionSigning });
    if (result.kind === 'refused') return refusal('sign-vote', result);
    return { kind: 'signed-vote', vote: result.message };
  }
  heights?.signAsked(request.proposal.height);
  const result = await privValidator.signProposal(chainId, request.proposal, { signal });
  if (result.kind === 'refused') return refusal('sign-proposal', result);
  return { kind: 'signed-proposal', proposal: result.message };
}

type Refused = Extract<SignResult<never>, { readonly kind: 'refused' }>;

function refusal(asked: Asked, refused: Refused): PrivvalResponse {
  return failure(asked, failureText(asked, refused.text, refused.code));
}

function failureText(asked: Asked, text: string, code: string): string {
  const prefix = FAILURE_PREFIX[asked];
  return `${text.startsWith(prefix) ? '' : prefix}${text} [${code}]`;
}

function failure(asked: Asked, description: string): PrivvalResponse {
  const error = remoteError(description);
  switch (asked) {
    case 'public-key':
      return { kind: 'public-key', error };
    case 'sign-vote':
      return { kind: 'signed-vote', error };
    case 'sign-proposal':
      return { kind: 'signed-proposal', error };
  }
}

/** Code 0, as CometBFT's own signer: the presence of the error is the refusal, the code is only printed. */
function remoteError(description: string): RemoteSignerError {
  return { code: 0, description: description.slice(0, MAX_DESCRIPTION_LENGTH) };
}
