/**
 * The part of libsodium this product uses, with honest types.
 *
 * The published types ask for `Buffer` where any byte array will do and miss the IETF AEAD; the
 * functions are sodium-native's own. Lengths are asserted by the binding: a wrong one is a bug.
 */
import sodiumNative from 'sodium-native';

/** Memory from {@link Sodium.sodium_malloc}. Touching it while it has no access ends the process. */
export type SecureMemory = Uint8Array & { readonly secure: boolean };

/** What is used of sodium-native. */
export interface Sodium {
  sodium_malloc(size: number): SecureMemory;
  sodium_free(memory: SecureMemory): void;
  sodium_mprotect_noaccess(memory: SecureMemory): void;
  sodium_mprotect_readonly(memory: SecureMemory): void;
  sodium_mprotect_readwrite(memory: SecureMemory): void;
  sodium_memzero(bytes: Uint8Array): void;
  /** Constant time. Both must have the same length. */
  sodium_memcmp(a: Uint8Array, b: Uint8Array): boolean;
  /** Constant time. */
  sodium_is_zero(bytes: Uint8Array, length?: number): boolean;
  randombytes_buf(bytes: Uint8Array): void;

  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_verify_detached(
    signature: Uint8Array,
    message: Uint8Array,
    publicKey: Uint8Array,
  ): boolean;

  /** Into 32 bytes. */
  crypto_hash_sha256(digest: Uint8Array, message: Uint8Array): void;

  crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void;
  /** @throws an `Error` when the result is all zero. */
  crypto_scalarmult(shared: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): void;

  /** @returns the length of the ciphertext. */
  crypto_aead_chacha20poly1305_ietf_encrypt(
    ciphertext: Uint8Array,
    message: Uint8Array,
    associatedData: Uint8Array | null,
    secretNonce: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
  /** @throws an `Error` when the tag does not match. */
  crypto_aead_chacha20poly1305_ietf_decrypt(
    message: Uint8Array,
    secretNonce: null,
    ciphertext: Uint8Array,
    associatedData: Uint8Array | null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;

  // Key files: passphrase hashing and their cipher.
  readonly crypto_pwhash_ALG_ARGON2ID13: number;
  readonly crypto_pwhash_SALTBYTES: number;
  readonly crypto_aead_xchacha20poly1305_ietf_NPUBBYTES: number;
  readonly crypto_aead_xchacha20poly1305_ietf_ABYTES: number;
  /** On a thread of the pool. @throws an `Error` when the memory cannot be had. */
  crypto_pwhash_async(
    out: Uint8Array,
    password: Uint8Array,
    salt: Uint8Array,
    passes: number,
    memoryBytes: number,
    algorithm: number,
  ): Promise<void>;
  crypto_aead_xchacha20poly1305_ietf_encrypt(
    ciphertext: Uint8Array,
    message: Uint8Array,
    associatedData: Uint8Array,
    secretNonce: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
  /** @throws an `Error` when the tag does not match. */
  crypto_aead_xchacha20poly1305_ietf_decrypt(
    message: Uint8Array,
    secretNonce: null,
    ciphertext: Uint8Array,
    associatedData: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
}

/** libsodium. */
export const sodium: Sodium = sodiumNative as unknown as Sodium;
