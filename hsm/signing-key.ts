/**
 * Keys that sign and never leave. Implementations: memory, file; YubiHSM and PKCS#11 later.
 *
 * `test/conformance/signing-key.ts` is the suite every implementation passes.
 */
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** A signature was asked of a key that has been disposed. */
export class KeyClosedError extends CodedError {
  override readonly name = 'KeyClosedError';
  readonly code = 'ERR_KEY_CLOSED';

  constructor() {
    super('this key has been closed');
  }
}

/**
 * A key that signs and never leaves its backend.
 *
 * It knows nothing of heights or floors: whoever calls `sign` has reserved the position first (S5).
 * Signatures are Ed25519 (RFC 8032, 64 bytes, deterministic): the same message gives the same bytes.
 */
export interface SigningKey extends AsyncDisposable {
  readonly publicKey: PublicKey;
  /**
   * Signs `message` as it is, no pre-hash. May take long: an HSM needs 115 ms.
   * An abort stops the waiting; a device may still finish, and its late signature is then lost.
   *
   * @throws a `CodedError` when the backend fails. The key makes no claim that a signature verifies.
   */
  sign(message: Uint8Array, options?: AbortOptions): Promise<Uint8Array>;
  /**
   * Present only when the key is in this process's own memory and signs in microseconds: the same
   * as {@link sign}, at once. S5 allows such a key to sign while the row's sync is running.
   * It comes and goes with the provider behind it: read anew for each message.
   */
  readonly signNow?: ((message: Uint8Array) => Uint8Array) | undefined;
}
