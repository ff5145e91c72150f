/** A key file as a place where a key comes from. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { KeyProvider } from '../key-provider.ts';
import type { SigningKey } from '../signing-key.ts';
import { openKeyFile } from './open-key-file.ts';

/** Which file. */
export interface FileKeyProviderOptions {
  /** FilePV JSON or our encrypted format. */
  readonly keyFile: string;
  /** @default the key is not encrypted */
  readonly passphraseFile?: string | undefined;
}

/**
 * Opens a key file anew each time. A wrong passphrase ends it until the next start; everything else
 * that can be wrong with a file a person can put right meanwhile.
 */
export class FileKeyProvider implements KeyProvider {
  /** `file keys/main.json`. */
  readonly name: string;
  readonly #options: FileKeyProviderOptions;

  constructor(options: FileKeyProviderOptions) {
    this.name = `file ${options.keyFile}`;
    this.#options = options;
  }

  /** @throws what {@link openKeyFile} throws. */
  async openKey(options: AbortOptions = {}): Promise<SigningKey> {
    const { signal } = options;
    signal?.throwIfAborted();
    const { keyFile, passphraseFile } = this.#options;
    return openKeyFile(keyFile, { passphraseFile, signal });
  }

  /** Nothing is held between two openings. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
