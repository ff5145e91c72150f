/** ChaCha20-Poly1305 under one key with counted nonces: what both encrypted transports are made of. */
import { CodedError } from '../runtime/coded-error.ts';
import { NonceCounter } from './nonce-counter.ts';
import { sodium } from './sodium.ts';

/** Length of an authentication tag. */
export const TAG_BYTES = 16;

/** A received frame was not sealed by the peer, or breaks the frame format. Nothing of it is used; the connection is dead. */
export class SealedFrameError extends CodedError {
  override readonly name = 'SealedFrameError';
  readonly code = 'ERR_SEALED_FRAME';

  constructor(reason: string, options?: ErrorOptions) {
    super(`received frame: ${reason}`, options);
  }
}

/** Where a direction starts; for tests of its end. */
export interface CipherOptions {
  /** Counter of the first nonce. @default 0n */
  readonly firstNonce?: bigint | undefined;
}

/** A key and its counter (Noise's CipherState). Owns the key, which it wipes. */
export class CipherState implements Disposable {
  readonly #key: Uint8Array;
  readonly #nonces: NonceCounter;

  constructor(key: Uint8Array, options: CipherOptions = {}) {
    this.#key = key;
    this.#nonces = new NonceCounter(options.firstNonce);
  }

  /** Fills `ciphertext`, 16 bytes longer than `plaintext`. @throws {NonceExhaustedError} ERR_NONCE_EXHAUSTED */
  encrypt(ciphertext: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array | null): void {
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
      ciphertext,
      plaintext,
      associatedData,
      null,
      this.#nonces.next(),
      this.#key,
    );
  }

  /** Fills `plaintext`, which may be the beginning of `ciphertext` itself. @throws {SealedFrameError} ERR_SEALED_FRAME */
  decrypt(plaintext: Uint8Array, ciphertext: Uint8Array, associatedData: Uint8Array | null): void {
    const nonce = this.#nonces.next();
    try {
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
        plaintext,
        null,
        ciphertext,
        associatedData,
        nonce,
        this.#key,
      );
    } catch (cause) {
      throw new SealedFrameError('its authentication tag is wrong', { cause });
    }
  }

  [Symbol.dispose](): void {
    sodium.sodium_memzero(this.#key);
  }
}
