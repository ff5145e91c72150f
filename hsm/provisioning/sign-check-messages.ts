/** Trying a key of a device out: it signs messages that can never be a vote (S27). */
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { signEddsa } from 'yubihsm/commands/asymmetric-key-commands';
import { formatObjectId } from 'yubihsm/objects/object-id';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { checkMessage } from '../check-message.ts';

/** A device made a signature that does not verify with the public key it gives. */
export class WrongCheckSignatureError extends CodedError {
  override readonly name = 'WrongCheckSignatureError';
  readonly code = 'ERR_CHECK_SIGNATURE_WRONG';

  constructor(where: string) {
    super(`${where} made a signature that does not verify: do not use it`);
  }
}

/** Which key, and how often. */
export interface CheckMessagesOptions extends AbortOptions {
  readonly keyId: number;
  readonly publicKey: Uint8Array;
  readonly count: number;
}

/**
 * Signs check messages and verifies each signature.
 *
 * @returns how long each took, in milliseconds.
 * @throws {WrongCheckSignatureError} ERR_CHECK_SIGNATURE_WRONG
 */
export async function signCheckMessages(
  { client, clock }: { readonly client: YubiHsmClient; readonly clock: Clock },
  { keyId, publicKey, count, signal }: CheckMessagesOptions,
): Promise<readonly number[]> {
  const key = ed25519PublicKey(publicKey);
  const signMs: number[] = [];
  for (let i = 0; i < count; i++) {
    const message = checkMessage();
    const startMs = clock.monotonicMs();
    const signature = await client.run(signEddsa(keyId, message), { signal });
    signMs.push(clock.monotonicMs() - startMs);
    if (!verifyStrict(key, message, signature)) {
      throw new WrongCheckSignatureError(`key ${formatObjectId(keyId)}`);
    }
  }
  return signMs;
}
