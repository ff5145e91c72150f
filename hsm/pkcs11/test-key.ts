/** Trying a key of a token out, by hand. */
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { checkMessage } from '../check-message.ts';
import { ModuleProcess, type ModuleProcessDeps } from './module-process.ts';
import type { KeySelector } from './module-protocol.ts';
import { openPkcs11Key } from './pkcs11-key.ts';
import type { TokenOptions } from './token-administration.ts';

/** Which key, and how often. */
export interface TestKeyOptions extends TokenOptions {
  readonly key: KeySelector;
  /** How many check messages are signed. @default 1 */
  readonly count?: number | undefined;
}

/** What came of it. */
export interface TestedKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Whether each signature verifies. A token with one that does not must not be used. */
  readonly isGood: boolean;
  /** How long each signature took, in milliseconds, in the order made. */
  readonly signMs: readonly number[];
}

/**
 * Signs check messages (S27) with a key and verifies what comes.
 *
 * @throws whatever {@link ModuleProcess.run} throws.
 */
export async function testPkcs11Key(
  deps: ModuleProcessDeps,
  options: TestKeyOptions,
): Promise<TestedKey> {
  const { modulePath, environment, main, timeoutMs = 60_000, count = 1, signal } = options;
  await using process = new ModuleProcess(deps, {
    modulePath,
    environment,
    main,
    login: options,
    startTimeoutMs: timeoutMs,
  });
  await using key = await openPkcs11Key(process, {
    key: options.key,
    openTimeoutMs: timeoutMs,
    signTimeoutMs: timeoutMs,
    queueTimeoutMs: timeoutMs,
    signal,
  });
  const signMs: number[] = [];
  let isGood = true;
  for (let i = 0; i < count; i++) {
    const message = checkMessage();
    const startMs = deps.clock.monotonicMs();
    const signature = await key.sign(message, { signal });
    signMs.push(deps.clock.monotonicMs() - startMs);
    isGood &&= verifyStrict(key.publicKey, message, signature);
  }
  return { publicKey: key.publicKey.bytes, isGood, signMs };
}
