/** A key in a YubiHSM 2. */
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { signEddsa } from 'yubihsm/commands/asymmetric-key-commands';
import { KeyClosedError, type SigningKey } from '../signing-key.ts';
import type { YubiHsmDevice } from './yubihsm-device.ts';
import { YubiHsmFaultError } from './yubihsm-fault.ts';

/** What is left of the deadline must be worth another question, in milliseconds. */
const MIN_RETRY_MS = 200;

/** Collaborators of a {@link YubiHsmKey}. */
export interface YubiHsmKeyDeps {
  /** Its provider's; the key does not close it. */
  readonly device: YubiHsmDevice;
  readonly clock: Clock;
}

/** Which key, and its limits. */
export interface YubiHsmKeyOptions {
  readonly objectId: number;
  readonly publicKey: PublicKey;
  /** From dispatch to the signature (S28). */
  readonly commandTimeoutMs: number;
  /** In line before that. */
  readonly queueTimeoutMs: number;
  /** Told once, when the key is closed. */
  readonly onClose: () => void;
}

/** Signs by way of a device that it shares with others. */
export class YubiHsmKey implements SigningKey {
  readonly publicKey: PublicKey;
  readonly #device: YubiHsmDevice;
  readonly #clock: Clock;
  readonly #options: YubiHsmKeyOptions;
  #isClosed = false;

  constructor(deps: YubiHsmKeyDeps, options: YubiHsmKeyOptions) {
    this.#device = deps.device;
    this.#clock = deps.clock;
    this.#options = options;
    this.publicKey = options.publicKey;
    this.#device.keys.add(options);
  }

  /**
   * One SignEddsa. When its reply is lost early, the same bytes are asked for once more, in a new
   * session and within the same deadline: the signature is the same (S30).
   *
   * @throws {KeyClosedError} ERR_KEY_CLOSED
   * @throws what the device throws; ERR_YUBIHSM_MESSAGE_TOO_LONG, ERR_YUBIHSM_QUEUE_FULL and
   *   ERR_YUBIHSM_QUEUE_TIMEOUT say nothing against it.
   */
  async sign(message: Uint8Array, options: AbortOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    const { objectId, commandTimeoutMs } = this.#options;
    const command = signEddsa(objectId, message);
    const askedMs = this.#clock.monotonicMs();
    try {
      return await this.#ask(command, commandTimeoutMs, options);
    } catch (error) {
      const leftMs = commandTimeoutMs - (this.#clock.monotonicMs() - askedMs);
      const isLost = error instanceof YubiHsmFaultError && error.mayHaveRun;
      if (!isLost || leftMs < MIN_RETRY_MS) throw error;
      return await this.#ask(command, leftMs, options);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#device.keys.delete(this.#options);
    this.#options.onClose();
  }

  async #ask(
    command: ReturnType<typeof signEddsa>,
    commandTimeoutMs: number,
    { signal }: AbortOptions,
  ): Promise<Uint8Array> {
    if (this.#isClosed) throw new KeyClosedError();
    const { objectId, queueTimeoutMs } = this.#options;
    // A session that was opened for another key may have shown that this one is not there any more.
    this.#device.keys.assertStillThere(this.#options);
    this.#device.count(objectId, 'asked');
    const signature = await this.#device.run(command, { signal, queueTimeoutMs, commandTimeoutMs });
    this.#device.count(objectId, 'answered');
    return signature;
  }
}
