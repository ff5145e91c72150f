/** Which of a validator's keys signs: a function of the height in the request, and of nothing else (S38). */
import type { SigningKey } from '@privval/hsm/signing-key';
import { addressFromPublicKey, type PublicKey } from '@privval/proto/crypto/public-key';
import { equalBytes } from '@privval/proto/runtime/bytes';

/**
 * One validator's keys by height. Opened and closed by their owner, not here.
 *
 * A validator has one key here, which signs at every height; whoever asks does so by height all the
 * same, since the answer changes the day a rotation is armed.
 */
export class Keyring {
  readonly #key: SigningKey;
  readonly #address: Uint8Array;

  constructor(key: SigningKey) {
    this.#key = key;
    this.#address = addressFromPublicKey(key.publicKey);
  }

  /** The key that signs at this height. */
  keyFor(_height: bigint): SigningKey {
    return this.#key;
  }

  /** The public key to answer a node with that signs `nextHeight` next, where it is known (S41). */
  publicKeyFor(_nextHeight?: bigint): PublicKey {
    return this.#key.publicKey;
  }

  /** The validator address that votes at this height carry. 20 bytes. */
  addressFor(_height: bigint): Uint8Array {
    return this.#address;
  }

  /** The key a floor is bound to, if it is one of these. */
  byPublicKey(publicKey: Uint8Array): SigningKey | undefined {
    return equalBytes(this.#key.publicKey.bytes, publicKey) ? this.#key : undefined;
  }
}
