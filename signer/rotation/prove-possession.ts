/** The one message a new key signs before its activation height, beside check messages (S39, S47). */
import type { SigningKey } from '@privval/hsm/signing-key';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { possessionMessage } from './proof-of-possession.ts';
import type { RotationProof } from './rotation.ts';

/** For how long a proof counts, in days: an operator shows it soon, or makes another. */
const PROOF_DAYS = 30;

/** A key that should prove that somebody has it made no signature that verifies. */
export class PossessionUnprovenError extends CodedError {
  override readonly name = 'PossessionUnprovenError';
  readonly code = 'ERR_POSSESSION_UNPROVEN';

  constructor() {
    super('the new key made a signature that does not verify: check its device, or abort');
  }
}

/** Who says it of which keys. */
export interface ProofRequest {
  readonly chainId: string;
  /** Empty where the chain has no such. */
  readonly operator: string;
  readonly oldKey: Uint8Array;
}

/**
 * Has a new key prove that somebody has it. Whether it may is looked at before.
 *
 * @throws {PossessionUnprovenError} ERR_POSSESSION_UNPROVEN
 * @throws what the key throws.
 */
export async function provePossession(
  { key, clock }: { readonly key: SigningKey; readonly clock: Clock },
  request: ProofRequest,
  options: AbortOptions,
): Promise<RotationProof> {
  const message = possessionMessage({
    ...request,
    newKey: key.publicKey.bytes,
    nonce: crypto.getRandomValues(new Uint8Array(32)),
    expiresAt: String(Math.floor(clock.now() / 1_000) + PROOF_DAYS * 86_400),
  });
  const signature = await key.sign(message, options);
  if (!verifyStrict(key.publicKey, message, signature)) throw new PossessionUnprovenError();
  return { message, signature };
}
