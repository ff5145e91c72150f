/** Signatures verified beside the sync of their floor: a second thread, and memory shared with it. */
import { Worker } from 'node:worker_threads';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { Logger } from '@privval/proto/runtime/logger';
import {
  DOORBELL,
  fillSlot,
  type SharedSlots,
  SLOT_STATE,
  SLOTS,
  sharedSlots,
  verifierLayout,
} from './verify-slots.ts';

/** A verification that was begun. */
export interface Verification {
  /**
   * The verdict of {@link verifyStrict}. Blocks until it is there, for as long as one verification
   * takes at the most; what the other thread has not begun is done here. To be asked once.
   */
  verdict(): boolean;
}

/** Where verifications can be begun before their verdict is needed. */
export interface SignatureVerifier {
  begin(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): Verification;
}

/** Verifies when asked, on the spot. */
export const localVerifier: SignatureVerifier = {
  begin: (publicKey, message, signature) => ({
    verdict: () => verifyStrict(publicKey, message, signature),
  }),
};

/** How long a verdict that is being worked out is waited for before it is worked out here as well, in milliseconds. */
const VERDICT_WAIT_MS = 2;

/**
 * Verifies in a thread of its own, so that the check of a signature (60 µs) runs while the disk
 * syncs the floor it belongs to.
 *
 * It can only be quicker, not laxer or slower: a slot that the thread has not taken yet, or
 * does not finish in time, is verified here; so is everything until the thread is up, and whatever
 * it says no to. Slots are taken by compare-and-exchange, and one that was given up is never used again.
 */
export class SideVerifier implements SignatureVerifier, AsyncDisposable {
  readonly #slots: SharedSlots = sharedSlots(new SharedArrayBuffer(SLOTS.bytes));
  readonly #logger: Logger;
  readonly #free: number[] = Array.from({ length: SLOTS.count }, (_, index) => index);
  #worker: Worker | undefined;
  #isStarted = false;
  #isDisposed = false;

  /** The thread is started after the first verification was asked for, which must not wait for it. */
  constructor(deps: { readonly logger: Logger }) {
    this.#logger = deps.logger;
  }

  begin(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): Verification {
    const here = (): boolean => verifyStrict(publicKey, message, signature);
    if (!this.#isStarted) {
      this.#isStarted = true;
      setImmediate(() => this.#startWorker());
    }
    const index = this.#worker === undefined ? undefined : this.#free.pop();
    if (index === undefined) return { verdict: here };
    if (!fillSlot(this.#slots, index, { key: publicKey.bytes, message, signature })) {
      this.#free.push(index);
      return { verdict: here };
    }
    const { states } = this.#slots;
    Atomics.store(states, index, SLOT_STATE.pending);
    Atomics.add(states, DOORBELL, 1);
    Atomics.notify(states, DOORBELL, 1);
    return { verdict: () => this.#verdict(index, here) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#isStarted = true;
    this.#isDisposed = true;
    await worker?.terminate();
  }

  #verdict(index: number, here: () => boolean): boolean {
    const { states } = this.#slots;
    const { pending, busy, free, valid } = SLOT_STATE;
    if (Atomics.compareExchange(states, index, pending, free) === pending) {
      this.#free.push(index);
      return here();
    }
    Atomics.wait(states, index, busy, VERDICT_WAIT_MS);
    const state = Atomics.load(states, index);
    // Still being read by the thread: this slot is lost to us.
    if (state === busy) return here();
    Atomics.store(states, index, free);
    this.#free.push(index);
    return state === valid || here();
  }

  /** It does not keep the process alive. */
  #startWorker(): void {
    if (this.#isDisposed) return;
    const worker = new Worker(new URL('./verify-worker.js', import.meta.url), {
      workerData: verifierLayout(this.#slots.memory),
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 },
    });
    worker.unref();
    worker.once('error', (err) => {
      this.#worker = undefined;
      this.#logger.warn(
        { err },
        'the verifying thread ended; signatures are verified in the main one',
      );
    });
    this.#worker = worker;
  }
}
