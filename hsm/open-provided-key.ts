/** How a validator gets its key: from one provider, or from two that hold the same. */
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import { FailOverKey } from './fail-over-key.ts';
import type { KeyProvider, ProvidedKey } from './key-provider.ts';

/** Collaborators of {@link openProvidedKey}. */
export interface ProvidedKeyDeps {
  readonly clock: Clock;
  /** With the validator's name in its fields; the provider's is added. */
  readonly logger: Logger;
}

/** Where the key is, and which it must be. */
export interface ProvidedKeyOptions {
  /** One or two, in the order in which they are asked. The key owns them from here on. */
  readonly providers: readonly KeyProvider[];
  /** The public key the floor belongs to. A provider that holds another one is never asked to sign. */
  readonly expected: PublicKey;
  /**
   * For how long after the last provider went out of service, in milliseconds, a request waits for
   * one to come back and then asks it for the same bytes. 0: not at all. @default 3000
   */
  readonly graceMs?: number | undefined;
}

/**
 * The validator's key. It is returned at once and is being opened from here on, again and again
 * until it is disposed: {@link ProvidedKey.waitUntilInService} tells when it can sign.
 *
 * With a single provider whose key is in this process's memory, `signNow` is that key's own while
 * it is in service.
 */
export function openProvidedKey(deps: ProvidedKeyDeps, options: ProvidedKeyOptions): ProvidedKey {
  return FailOverKey.start(deps, options);
}
