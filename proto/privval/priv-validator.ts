/**
 * The contract this product exists for: what consensus signs through.
 *
 * Implementations: the local one over a `SigningKey` and the guard (`signer/priv-validator`), and
 * the remote one (`node-client/privval`). `test/conformance/priv-validator.ts` is its suite.
 */
import type { PublicKey } from '../crypto/public-key.ts';
import type { AbortOptions } from '../runtime/abort.ts';
import type { ChainId } from '../types/chain-id.ts';
import type { Proposal } from '../types/proposal.ts';
import type { Vote } from '../types/vote.ts';

/**
 * Why a message was not signed. A refusal is an answer for the asker, not a fault of ours.
 *
 * The guard's reasons are its rules; `unavailable` is a store or device that cannot be trusted or
 * reached right now; `remote` is another signer's refusal, whose reason only its text tells.
 */
export type RefusalReason =
  | 'height-regression'
  | 'round-regression'
  | 'step-regression'
  | 'conflicting-sign-bytes'
  | 'floor-without-sign-bytes'
  | 'height-jump'
  | 'wrong-chain'
  | 'invalid-request'
  | 'unexpected-extension'
  | 'unsupported'
  | 'frozen'
  | 'height-ceiling'
  | 'other-key'
  | 'unavailable'
  | 'remote';

/** A message that was not signed, and why. */
export interface Refusal {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  /** Stable code for docs/errors.md, such as `ERR_CONFLICTING_SIGN_BYTES`. */
  readonly code: `ERR_${string}`;
  /** One sentence for a person: what was asked, what stands against it, what to do. */
  readonly text: string;
}

/** A signed message, or a refusal. */
export type SignResult<Message> = { readonly kind: 'signed'; readonly message: Message } | Refusal;

/** How a vote is to be signed, beyond its content. */
export interface SignVoteOptions extends AbortOptions {
  /** v1's `skip_extension_signing`: the extension is neither signed nor checked. @default false */
  readonly skipExtensionSigning?: boolean | undefined;
}

/** How a public key is asked for. */
export interface PublicKeyOptions extends AbortOptions {
  /** The height the asker will sign next, where it knows it; decides which key answers during a rotation (S41). */
  readonly nextHeight?: bigint | undefined;
}

/**
 * What consensus signs through.
 *
 * An abort stops the waiting, never the safety (S25): what was reserved stays reserved, and the
 * same request later gets the stored signature.
 */
export interface PrivValidator {
  /** @throws a `CodedError` when the key cannot be had (wrong chain, device gone, no connection). */
  publicKey(chainId: ChainId, options?: PublicKeyOptions): Promise<PublicKey>;
  /**
   * The vote with its signature, the timestamp that was signed (a repeat answers with the stored
   * one), and for a precommit for a block the extension signature (S21); or a refusal.
   *
   * @throws a `CodedError` on a fault: device, connection. The position stays reserved.
   */
  signVote(chainId: ChainId, vote: Vote, options?: SignVoteOptions): Promise<SignResult<Vote>>;
  /** As {@link signVote}, for a proposal. */
  signProposal(
    chainId: ChainId,
    proposal: Proposal,
    options?: AbortOptions,
  ): Promise<SignResult<Proposal>>;
}
