/** Passphrase to key by argon2id, off the main thread, in guarded memory throughout. */
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { sodium } from '@privval/proto/crypto/sodium';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** Length of a salt in bytes. */
export const SALT_BYTES: number = sodium.crypto_pwhash_SALTBYTES;
const KEY_BYTES = 32;
const BYTES_PER_KIB = 1024;

/**
 * Bounds on what a file may ask for: a hostile one must neither exhaust the machine nor be so cheap
 * that its passphrase can be guessed.
 */
const MEMORY_KIB = { min: 8 * 1024, max: 1024 * 1024 } as const;
const PASSES = { min: 1, max: 64 } as const;
/** Memory times passes: 64 GiB written, about a minute of one core. */
const MAX_WORK_KIB = 64 * 1024 * 1024;

/** Cost and salt. Parallelism is always 1: libsodium knows no other. */
export interface Argon2idParameters {
  readonly memoryKiB: number;
  readonly passes: number;
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

/** The machine cannot give the memory a key derivation needs. */
export class KeyDerivationError extends CodedError {
  override readonly name = 'KeyDerivationError';
  readonly code = 'ERR_KEY_DERIVATION';
  readonly memoryKiB: number;

  constructor(memoryKiB: number, options?: ErrorOptions) {
    super(`deriving the key needs ${memoryKiB} KiB of memory, which cannot be had`, options);
    this.memoryKiB = memoryKiB;
  }
}

/** Whether the cost is one that is accepted from a file. */
export function isAllowedCost(cost: Pick<Argon2idParameters, 'memoryKiB' | 'passes'>): boolean {
  const { memoryKiB, passes } = cost;
  return (
    memoryKiB >= MEMORY_KIB.min &&
    memoryKiB <= MEMORY_KIB.max &&
    passes >= PASSES.min &&
    passes <= PASSES.max &&
    memoryKiB * passes <= MAX_WORK_KIB
  );
}

/**
 * A 32-byte key; the caller disposes it. `passphrase` is read before this returns. An abort stops the waiting, the thread finishes by itself.
 *
 * @throws {KeyDerivationError} ERR_KEY_DERIVATION
 */
export async function deriveKey(
  passphrase: GuardedBytes,
  parameters: Argon2idParameters,
  options: AbortOptions = {},
): Promise<GuardedBytes> {
  options.signal?.throwIfAborted();
  const key = derive(passphrase, parameters);
  try {
    return await abortable(key, options);
  } catch (error) {
    // Nobody waits for a late key any more: it is wiped as soon as it is there.
    key.then(
      (late) => late[Symbol.dispose](),
      () => undefined,
    );
    throw error;
  }
}

async function derive(
  passphrase: GuardedBytes,
  parameters: Argon2idParameters,
): Promise<GuardedBytes> {
  const { memoryKiB, passes, salt } = parameters;
  // The thread reads and writes while this code is not in `use`: buffers of its own, which stay
  // accessible until it is done and are wiped then, however the caller goes on.
  const out = sodium.sodium_malloc(KEY_BYTES);
  const password = passphrase.use((bytes) => {
    const copy = sodium.sodium_malloc(bytes.length);
    copy.set(bytes);
    return copy;
  });
  try {
    await sodium.crypto_pwhash_async(
      out,
      password,
      salt,
      passes,
      memoryKiB * BYTES_PER_KIB,
      sodium.crypto_pwhash_ALG_ARGON2ID13,
    );
    return GuardedBytes.take(out);
  } catch (cause) {
    throw new KeyDerivationError(memoryKiB, { cause });
  } finally {
    for (const memory of [password, out]) {
      sodium.sodium_memzero(memory);
      sodium.sodium_free(memory);
    }
  }
}
