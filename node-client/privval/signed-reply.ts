/**
 * What a node takes over from a signer's answer, and what has to be true of it first.
 *
 * Pure. A signer may set signatures and, on a repeat, the timestamp; every other field of the
 * message stays the node's own, whatever the answer says (spec/privval.md 3.5). The signature is
 * then verified over *that* message, so an answer to another question cannot be mistaken for ours.
 */
import {
  proposalSignBytes,
  voteExtensionSignBytes,
  voteSignBytes,
} from '@privval/proto/codec/sign-bytes';
import { ED25519_SIGNATURE_BYTES, verifyStrict } from '@privval/proto/crypto/ed25519';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { isNilBlockId } from '@privval/proto/types/block-id';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { Proposal } from '@privval/proto/types/proposal';
import { isValidTimestamp } from '@privval/proto/types/timestamp';
import type { Vote } from '@privval/proto/types/vote';

/** The signer answered, but what it sent does not sign what was asked. Nothing of it is used. */
export class RemoteSignatureInvalidError extends CodedError {
  override readonly name = 'RemoteSignatureInvalidError';
  readonly code = 'ERR_REMOTE_SIGNATURE_INVALID';

  constructor(reason: string) {
    super(`the remote signer's answer is not a signature of what was asked: ${reason}`);
  }
}

/** What was asked, and the key whose signature is expected. */
export interface SignedReplyContext {
  readonly publicKey: PublicKey;
  readonly chainId: ChainId;
}

/**
 * `vote` with the signatures of `reply`, and the timestamp it was signed with.
 *
 * A precommit for a block needs its extension signed too, unless `skipExtensionSigning`; then an
 * extension signature is dropped if there is one. On every other vote it is dropped as well, since
 * nodes stop when they meet one there (spec/privval.md 3.5).
 *
 * @throws {RemoteSignatureInvalidError} ERR_REMOTE_SIGNATURE_INVALID
 */
export function takeSignedVote(
  asked: SignedReplyContext & { readonly vote: Vote; readonly skipExtensionSigning: boolean },
  reply: Vote,
): Vote {
  const { chainId, publicKey, vote } = asked;
  const signed: Vote = {
    ...vote,
    timestamp: validTimestamp(reply),
    signature: reply.signature,
    extensionSignature: new Uint8Array(0),
  };
  check(publicKey, voteSignBytes(chainId, signed), reply.signature, 'signature');
  const extensible = vote.type === 'precommit' && !isNilBlockId(vote.blockId);
  if (!extensible || asked.skipExtensionSigning) return signed;
  const { extensionSignature } = reply;
  check(
    publicKey,
    voteExtensionSignBytes(chainId, signed),
    extensionSignature,
    'extension signature',
  );
  return { ...signed, extensionSignature };
}

/**
 * `proposal` with the signature of `reply`, and the timestamp it was signed with. Stock nodes leave
 * that timestamp behind, and a repeated proposal's signature then fits nothing; we take it over.
 *
 * @throws {RemoteSignatureInvalidError} ERR_REMOTE_SIGNATURE_INVALID
 */
export function takeSignedProposal(
  asked: SignedReplyContext & { readonly proposal: Proposal },
  reply: Proposal,
): Proposal {
  const signed: Proposal = {
    ...asked.proposal,
    timestamp: validTimestamp(reply),
    signature: reply.signature,
  };
  check(asked.publicKey, proposalSignBytes(asked.chainId, signed), reply.signature, 'signature');
  return signed;
}

function validTimestamp(reply: Vote | Proposal): Vote['timestamp'] {
  if (isValidTimestamp(reply.timestamp)) return reply.timestamp;
  throw new RemoteSignatureInvalidError('its timestamp cannot be');
}

function check(
  publicKey: PublicKey,
  signBytes: Uint8Array,
  signature: Uint8Array,
  what: string,
): void {
  if (signature.length !== ED25519_SIGNATURE_BYTES) {
    throw new RemoteSignatureInvalidError(`its ${what} has ${signature.length} bytes`);
  }
  if (!verifyStrict(publicKey, signBytes, signature)) {
    throw new RemoteSignatureInvalidError(
      `its ${what} does not verify with the key the signer answered last`,
    );
  }
}
