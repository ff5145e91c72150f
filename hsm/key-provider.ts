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
 * Whether an error of {@link SigningKey.sign} says anything against the key or its device. An error
 * that does not has `blamesKey: false`: too long a message, a queue that is full or that moved too
 * slowly. It takes no provider out of service, and no other provider is asked instead (S28).
 */
export function blamesKey(error: unknown): boolean {
  return !(error instanceof Error && 'blamesKey' in error && error.blamesKey === false);
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
   * It ends by itself, within seconds. So does `sign` of the key that comes of it: a device's key
   * has a limit for the time in line and another, from dispatch on, for the device (S28).
   *
   * The key is the caller's to dispose; disposing it does not touch other keys of the device.
   *
   * @throws a `CodedError`, with a {@link Remedy} where `repair` is not the right one.
   */
  openKey(options?: AbortOptions): Promise<SigningKey>;
}

/** How a provider is. */
export type ProviderState = 'in-service' | 'on-probation' | 'out-of-service';

/** Why a provider is not asked, or is not trusted yet. */
export interface ProviderFault {
  readonly code: string;
  readonly text: string;
  readonly remedy: Remedy;
}

/** What is known of one provider of a validator now; for status, health and metrics. */
export interface ProviderHealth {
  readonly name: string;
  /**
   * `on-probation`: after a signature that did not verify, until the next good one (S29).
   * `out-of-service`: not asked; `fault` says why, and `remedy` what ends it.
   */
  readonly state: ProviderState;
  /** Whether it is the one that is asked first. */
  readonly isActive: boolean;
  /** `undefined` in service, and before the first attempt to open the key has ended. */
  readonly fault: ProviderFault | undefined;
  /** Wall-clock milliseconds since 1970 at which it came into this state. */
  readonly sinceMs: number;
}

/** How long to wait for a provider. */
export interface InServiceOptions extends AbortOptions {
  /**
   * What makes waiting pointless: `repair`, every fault that time alone does not heal; `restart`,
   * only those that nothing heals before the next start. @default 'repair'
   */
  readonly until?: 'repair' | 'restart' | undefined;
}

/** What a key that is served from providers shows of them. Its `publicKey` is the expected one. */
export interface ProvidedKey extends SigningKey {
  /** By provider, in the order of the configuration. */
  health(): readonly ProviderHealth[];
  /**
   * Resolves once at least one provider is in service (on probation counts), at once if one is.
   * The providers are opened and opened again whether or not anybody waits.
   *
   * @throws the error of a provider, at once, when the faults of all have the remedy `restart`, or
   *   `repair` where `options.until` says so (S26). With two providers: {@link KeyOutOfServiceError}
   *   ERR_KEY_OUT_OF_SERVICE, which names both faults.
   * @throws {KeyClosedError} ERR_KEY_CLOSED
   */
  waitUntilInService(options?: InServiceOptions): Promise<void>;
  /**
   * To be told when a signature of this key did not verify after it was handed out, which happens
   * to `signNow` only: everything else is verified before (S20). The provider is closed and comes
   * back on probation (S29).
   */
  reportInvalidSignature(): void;
}
