/** What of libsodium only key files use, with honest types (see `sodium.ts` of proto/crypto). */
import sodiumNative from 'sodium-native';

/** Memory from `sodium_malloc`: readable and writable until told otherwise. */
type SecureMemory = Uint8Array & { readonly secure: boolean };

/** Passphrase hashing and the cipher of encrypted key files. */
export interface KeyFileSodium {
  readonly crypto_pwhash_ALG_ARGON2ID13: number;
  readonly crypto_pwhash_SALTBYTES: number;
  readonly crypto_aead_xchacha20poly1305_ietf_NPUBBYTES: number;
  readonly crypto_aead_xchacha20poly1305_ietf_ABYTES: number;
  sodium_malloc(size: number): SecureMemory;
  sodium_free(memory: SecureMemory): void;
  sodium_memzero(bytes: Uint8Array): void;
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
export const sodium: KeyFileSodium = sodiumNative as unknown as KeyFileSodium;
