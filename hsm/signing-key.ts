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
 * The secret of a key in this process's own memory, for a second thread of the same process that
 * signs with it too, out of guarded memory of its own (docs/adr/0007).
 */
export interface LendableSecret {
  /**
   * Lets `use` see the seed, 32 bytes, for the time of the call.
   * @throws a `CodedError` when the key is closed.
   */
  lend(use: (seed: Uint8Array) => void): void;
  /** Aborts when the key is closed: every copy is wiped then. */
  readonly ended: AbortSignal;
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
  /** Never without {@link signNow}, with which it comes and goes: what makes the same signatures elsewhere. */
  readonly lendable?: LendableSecret | undefined;
}
