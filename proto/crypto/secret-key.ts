/** Ed25519 secret keys: identities of connections, and consensus keys held in a file. */
import { InvariantError } from '../runtime/coded-error.ts';
import { ED25519_SIGNATURE_BYTES } from './ed25519.ts';
import { GuardedBytes } from './guarded-memory.ts';
import { ED25519_PUBLIC_KEY_BYTES, ed25519PublicKey, type PublicKey } from './public-key.ts';
import { sodium } from './sodium.ts';

/** Length of an Ed25519 seed (RFC 8032's private key) in bytes. */
export const ED25519_SEED_BYTES = 32;

/** libsodium's secret key: seed, then public key. */
const SODIUM_SECRET_KEY_BYTES = 64;

/**
 * An Ed25519 secret key in guarded memory: no access to it outside a signature, and no way for an
 * inspector or a logger to see it (S18).
 */
export class Ed25519SecretKey implements Disposable {
  readonly publicKey: PublicKey;
  /** Seed followed by the public key, as libsodium signs with. */
  readonly #secret: GuardedBytes;

  private constructor(secret: GuardedBytes, publicKey: PublicKey) {
    this.#secret = secret;
    this.publicKey = publicKey;
  }

  /** A fresh key from the operating system's randomness. */
  static generate(): Ed25519SecretKey {
    using seed = GuardedBytes.alloc(ED25519_SEED_BYTES);
    seed.use((bytes) => sodium.randombytes_buf(bytes));
    return Ed25519SecretKey.fromGuarded(seed);
  }

  /** The key of a seed of 32 bytes. The caller's array is zeroed. */
  static fromSeed(seed: Uint8Array): Ed25519SecretKey {
    using guarded = GuardedBytes.take(seed);
    return Ed25519SecretKey.fromGuarded(guarded);
  }

  /** The key of a seed of 32 bytes that is copied out of `seed`, which stays the caller's. */
  static fromGuarded(seed: GuardedBytes): Ed25519SecretKey {
    if (seed.length !== ED25519_SEED_BYTES) {
      throw new InvariantError(`an Ed25519 seed has 32 bytes, not ${seed.length}`);
    }
    const publicKey = new Uint8Array(ED25519_PUBLIC_KEY_BYTES);
    const secret = GuardedBytes.alloc(SODIUM_SECRET_KEY_BYTES);
    secret.use((secretBytes) => {
      seed.use((seedBytes) => sodium.crypto_sign_seed_keypair(publicKey, secretBytes, seedBytes));
    });
    return new Ed25519SecretKey(secret, ed25519PublicKey(publicKey));
  }

  /**
   * Signs `message` as it is (RFC 8032, deterministic): 64 bytes in a new array.
   * @throws {SecretDisposedError} ERR_SECRET_DISPOSED
   */
  sign(message: Uint8Array): Uint8Array {
    const signature = new Uint8Array(ED25519_SIGNATURE_BYTES);
    this.#secret.use((secret) => sodium.crypto_sign_detached(signature, message, secret));
    return signature;
  }

  /**
   * Lets `use` see the seed, for writing a key file and nothing else. The view is valid during the call.
   * @throws {SecretDisposedError} ERR_SECRET_DISPOSED
   */
  exportSeed<T>(use: (seed: Uint8Array) => T): T {
    return this.#secret.use((secret) => use(secret.subarray(0, ED25519_SEED_BYTES)));
  }

  /** Wipes the key. Signing is a coded error from here on. */
  [Symbol.dispose](): void {
    this.#secret[Symbol.dispose]();
  }
}
