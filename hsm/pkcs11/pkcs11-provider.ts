/** Keys out of a PKCS#11 token, as validators get them. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { KeyProvider } from '../key-provider.ts';
import type { SigningKey } from '../signing-key.ts';
import { type KeySelector, selectorText } from './module-protocol.ts';
import { openPkcs11Key } from './pkcs11-key.ts';
import type { ModuleLease, SharedModules } from './shared-modules.ts';

/** Collaborators of {@link Pkcs11Provider}. */
export interface Pkcs11ProviderDeps {
  /** One for the whole signer, so that keys of one token share a process. */
  readonly modules: SharedModules;
}

/** Where the key is. */
export interface Pkcs11ProviderOptions {
  /** The vendor's library: `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly modulePath: string;
  /** The token's label, without padding. */
  readonly token: string;
  /** File with the user PIN, of mode 0600; one trailing newline is dropped (S18). */
  readonly pinFile: string;
  readonly key: KeySelector;
  /** Added to the environment of the module's process. No secrets. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** A signature, from dispatch on; then the module's process is killed (S28, S32). @default 700 */
  readonly signTimeoutMs?: number | undefined;
  /** In line before that; below the 5 s a node waits (S28). @default 4000 */
  readonly queueTimeoutMs?: number | undefined;
  /** Start of the process, up to the login; the same again for finding the key. @default 5000 */
  readonly openTimeoutMs?: number | undefined;
  /** How many requests of all keys of the token may wait. @default 64 */
  readonly maxQueued?: number | undefined;
  /** Another program instead of the module's own. For tests. */
  readonly main?: URL | undefined;
}

/**
 * One key of one token. The module's process is started by the first {@link openKey} and shared with
 * the other keys of the token; it ends with the last of their providers.
 *
 * Invariant: a PIN that was refused is not tried again by this provider or any other of the token.
 */
export class Pkcs11Provider implements KeyProvider {
  readonly name: string;
  readonly #options: Pkcs11ProviderOptions;
  readonly #lease: ModuleLease;

  constructor(deps: Pkcs11ProviderDeps, options: Pkcs11ProviderOptions) {
    const { modulePath, token, pinFile, environment, openTimeoutMs = 5_000 } = options;
    this.name = `pkcs11 ${JSON.stringify(token)} key ${selectorText(options.key)}`;
    this.#options = options;
    this.#lease = deps.modules.lease({
      modulePath,
      login: { token, pinFile },
      environment,
      startTimeoutMs: openTimeoutMs,
      maxQueued: options.maxQueued,
      main: options.main,
    });
  }

  async openKey(options: AbortOptions = {}): Promise<SigningKey> {
    const { key, signTimeoutMs = 700, queueTimeoutMs = 4_000 } = this.#options;
    const { openTimeoutMs = 5_000 } = this.#options;
    const limits = { signTimeoutMs, queueTimeoutMs, openTimeoutMs };
    return openPkcs11Key(this.#lease.process, { key, ...limits, signal: options.signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lease[Symbol.asyncDispose]();
  }
}
