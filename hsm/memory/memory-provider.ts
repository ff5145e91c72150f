/** A secret in this process's memory as a place where a key comes from. */
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { KeyProvider } from '../key-provider.ts';
import { KeyClosedError, type SigningKey } from '../signing-key.ts';
import { MemoryKey } from './memory-key.ts';

/** Owns the secret; each key it opens holds a copy of its own in guarded memory. */
export class MemoryKeyProvider implements KeyProvider {
  readonly name: string;
  readonly #secret: Ed25519SecretKey;
  #closed = false;

  /** Takes over `secret`. */
  constructor(deps: { readonly secret: Ed25519SecretKey }, options: { readonly name: string }) {
    this.#secret = deps.secret;
    this.name = options.name;
  }

  /** @throws {KeyClosedError} ERR_KEY_CLOSED after the provider was disposed. */
  async openKey(options: AbortOptions = {}): Promise<SigningKey> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw new KeyClosedError();
    // Not `slice`, which would be a view of guarded memory: `fromSeed` zeroes what it is given.
    const copy = this.#secret.exportSeed((seed) => Ed25519SecretKey.fromSeed(new Uint8Array(seed)));
    return MemoryKey.fromSecretKey(copy);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#secret[Symbol.dispose]();
  }
}
