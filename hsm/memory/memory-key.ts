/** A key in this process's own guarded memory: what a key file becomes once it is open. */
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { KeyClosedError, type LendableSecret, type SigningKey } from '../signing-key.ts';

/** Signs in microseconds, at once ({@link SigningKey.signNow}); owns the secret. */
export class MemoryKey implements SigningKey {
  readonly publicKey: PublicKey;
  /** @throws {KeyClosedError} ERR_KEY_CLOSED after the key was disposed. */
  readonly signNow: (message: Uint8Array) => Uint8Array;
  readonly lendable: LendableSecret;
  readonly #secret: Ed25519SecretKey;
  readonly #ended = new AbortController();
  #closed = false;

  private constructor(secret: Ed25519SecretKey) {
    this.#secret = secret;
    this.publicKey = secret.publicKey;
    this.signNow = (message) => {
      if (this.#closed) throw new KeyClosedError();
      return this.#secret.sign(message);
    };
    this.lendable = {
      lend: (use) => {
        if (this.#closed) throw new KeyClosedError();
        this.#secret.exportSeed(use);
      },
      ended: this.#ended.signal,
    };
  }

  /** Takes over `secret`: disposing the key wipes it. */
  static fromSecretKey(secret: Ed25519SecretKey): MemoryKey {
    return new MemoryKey(secret);
  }

  /** @throws {KeyClosedError} ERR_KEY_CLOSED after the key was disposed. */
  async sign(message: Uint8Array, options: AbortOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    return this.signNow(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended.abort(new KeyClosedError());
    this.#secret[Symbol.dispose]();
  }
}
