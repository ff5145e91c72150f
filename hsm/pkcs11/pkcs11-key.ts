/** A key in a PKCS#11 token. */
import { ED25519_SIGNATURE_BYTES } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey, type PublicKey } from '@privval/proto/crypto/public-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import { KeyClosedError, type SigningKey } from '../signing-key.ts';
import { EmptyMessageError } from './key-errors.ts';
import { UnexpectedAnswerError } from './module-errors.ts';
import type { ModuleProcess } from './module-process.ts';
import type { KeySelector } from './module-protocol.ts';

/** Which key, and its limits. */
export interface Pkcs11KeyOptions {
  readonly key: KeySelector;
  /** In hexadecimal. The token signs with no other. */
  readonly publicKey: string;
  /** From dispatch to the signature. */
  readonly signTimeoutMs: number;
  /** In line before that. */
  readonly queueTimeoutMs: number;
}

/** Which key to open, and its limits. */
export interface OpenKeyOptions extends AbortOptions, Omit<Pkcs11KeyOptions, 'publicKey'> {
  /** Finding the key, from dispatch on; twice that in line before (a start of the process counts as that). */
  readonly openTimeoutMs: number;
}

/**
 * The self-test of S26: a new session, and in it a key that can sign. Nothing is signed.
 *
 * @throws whatever {@link ModuleProcess.run} throws.
 */
export async function openPkcs11Key(
  process: ModuleProcess,
  options: OpenKeyOptions,
): Promise<Pkcs11Key> {
  const { key, openTimeoutMs, signal, signTimeoutMs, queueTimeoutMs } = options;
  const { value } = await process.run(
    { do: 'open-key', key },
    { timeoutMs: openTimeoutMs, queueTimeoutMs: 2 * openTimeoutMs, signal },
  );
  const { publicKey } = value;
  if (publicKey === undefined) throw new UnexpectedAnswerError({ reason: 'no public key' });
  return new Pkcs11Key(process, { key, publicKey, signTimeoutMs, queueTimeoutMs });
}

/** Signs by way of a module's process, which stays its provider's. */
export class Pkcs11Key implements SigningKey {
  readonly publicKey: PublicKey;
  readonly #process: ModuleProcess;
  readonly #options: Pkcs11KeyOptions;
  #isClosed = false;

  constructor(process: ModuleProcess, options: Pkcs11KeyOptions) {
    this.#process = process;
    this.#options = options;
    this.publicKey = ed25519PublicKey(bytesFromHex(options.publicKey));
  }

  /**
   * @throws {KeyClosedError} ERR_KEY_CLOSED
   * @throws {EmptyMessageError} ERR_PKCS11_EMPTY_MESSAGE: modules fail on it and stay in the middle of it.
   * @throws {KeyChangedError} ERR_PKCS11_KEY_CHANGED when another token is plugged in now.
   * @throws whatever {@link ModuleProcess.run} throws.
   */
  async sign(message: Uint8Array, options: AbortOptions = {}): Promise<Uint8Array> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#isClosed) throw new KeyClosedError();
    if (message.length === 0) throw new EmptyMessageError();
    const { key, publicKey, signTimeoutMs, queueTimeoutMs } = this.#options;
    const { body } = await this.#process.run(
      { do: 'sign', key, publicKey },
      { body: message, timeoutMs: signTimeoutMs, queueTimeoutMs, signal },
    );
    if (body.length !== ED25519_SIGNATURE_BYTES) {
      throw new UnexpectedAnswerError({ reason: `a signature of ${body.length} bytes` });
    }
    return new Uint8Array(body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
  }
}
