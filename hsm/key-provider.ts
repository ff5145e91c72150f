/**
 * Where keys come from: a file, a YubiHSM 2, a PKCS#11 token. The contract of all of them.
 *
 * `test/conformance/key-provider.ts` is its suite.
 */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { SigningKey } from './signing-key.ts';

/**
 * What ends a fault of a key or its device (S26).
 *
 * `wait`: time does (a device that is unplugged, a connector that is down); the provider is asked
 * again and again. `repair`: a person does, and asking again meanwhile is harmless (another key on
 * the device, a key file that others can read). `restart`: a person does, and every further attempt
 * does harm (a wrong password or PIN: tokens lock themselves); nobody asks again before the next start.
 */
export type Remedy = 'wait' | 'repair' | 'restart';

/** An error that knows its {@link Remedy}. Errors without one are `repair`. */
export interface RemediableError extends Error {
  readonly remedy: Remedy;
}

/** The remedy of any error. */
export function remedyOf(error: unknown): Remedy {
  const remedy = error instanceof Error && 'remedy' in error ? error.remedy : undefined;
  return remedy === 'wait' || remedy === 'restart' ? remedy : 'repair';
}

/**
 * One key in one place. It has no state between two calls of {@link openKey} but what devices make
 * dear (a session that several keys of one device share).
 */
export interface KeyProvider extends AsyncDisposable {
  /** For logs, status and errors: `file keys/main.json`, `yubihsm 0007550140 key 0x0064`. Never a secret. */
  readonly name: string;
  /**
   * One attempt to open the key: the self-test of S26. The session opens, the key exists, is an
   * Ed25519 key and may sign. No signature is made. Whether it is the expected key is the caller's
   * question.
   *
   * The key is the caller's to dispose; disposing it does not touch other keys of the device.
   *
   * @throws a `CodedError`, with a {@link Remedy} where `repair` is not the right one.
   */
  openKey(options?: AbortOptions): Promise<SigningKey>;
}

/** How a provider is. */
export type ProviderState = 'in-service' | 'on-probation' | 'out-of-service';

/** What is known of one provider of a validator now; for status, health and metrics. */
export interface ProviderHealth {
  readonly name: string;
  /**
   * `on-probation`: after a signature that did not verify, until the next good one (S29).
   * `out-of-service`: not asked; `fault` says why, and `remedy` what ends it.
   */
  readonly state: ProviderState;
  readonly isActive: boolean;
  readonly fault:
    | { readonly code: string; readonly text: string; readonly remedy: Remedy }
    | undefined;
  /** Wall-clock milliseconds since 1970 at which it came into this state. */
  readonly sinceMs: number;
}

/** What a key that is served from providers shows of them. */
export interface ProvidedKey extends SigningKey {
  /** By provider, in the order of the configuration. */
  health(): readonly ProviderHealth[];
}
