/**
 * Privval requests and responses as this product sees them: one set of shapes for every dialect
 * (v0.34 … v0.40, v1, gRPC). `proto/privval/request-codec.ts` and `response-codec.ts` turn them
 * into bytes and back; wire shapes never leave `proto/`.
 */
import type { PublicKey } from '../crypto/public-key.ts';
import type { Proposal } from '../types/proposal.ts';
import type { Vote } from '../types/vote.ts';

/** The largest message body this side reads, on every dialect (S22): an extension of 1 MiB, two ML-DSA signatures, 1 KiB. */
export const MAX_REQUEST_BYTES = 1_056_218;

/** The largest message body a node before v0.40 reads: a reply's `extension` is left out beyond it (S22). */
export const MAX_REPLY_BYTES = 10_240;

/**
 * What a node asks.
 *
 * `invalid` is a request of a known type whose content breaks a rule (negative height, hash of a
 * wrong length, unknown vote type, missing vote, impossible time, a chain id that is not UTF-8): it is answered with an error in
 * its own response type, and the connection stays. `unknown` is an empty or unknown message: it is
 * answered with an empty one (S23).
 */
export type PrivvalRequest =
  | { readonly kind: 'ping' }
  | { readonly kind: 'public-key'; readonly chainId: string }
  | {
      readonly kind: 'sign-vote';
      readonly chainId: string;
      readonly vote: Vote;
      /** v1's field 3; false on every other dialect. */
      readonly skipExtensionSigning: boolean;
    }
  | { readonly kind: 'sign-proposal'; readonly chainId: string; readonly proposal: Proposal }
  | { readonly kind: 'sign-bytes' }
  | {
      readonly kind: 'invalid';
      readonly asked: 'public-key' | 'sign-vote' | 'sign-proposal';
      readonly code: `ERR_${string}`;
      readonly text: string;
    }
  | { readonly kind: 'unknown' };

/** `RemoteSignerError`: its presence is the refusal, the code is only printed. */
export interface RemoteSignerError {
  /** int32; 0 is as much an error as any other. */
  readonly code: number;
  readonly description: string;
}

/** What a signer answers. `error` present: nothing was signed and the rest of the message is zero. */
export type PrivvalResponse =
  | { readonly kind: 'ping' }
  | { readonly kind: 'public-key'; readonly publicKey: PublicKey }
  | { readonly kind: 'public-key'; readonly error: RemoteSignerError }
  | { readonly kind: 'signed-vote'; readonly vote: Vote }
  | { readonly kind: 'signed-vote'; readonly error: RemoteSignerError }
  | { readonly kind: 'signed-proposal'; readonly proposal: Proposal }
  | { readonly kind: 'signed-proposal'; readonly error: RemoteSignerError }
  | { readonly kind: 'sign-bytes'; readonly error: RemoteSignerError }
  | { readonly kind: 'empty' };
