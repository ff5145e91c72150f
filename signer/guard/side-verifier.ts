/** Signatures made and verified beside the sync of their floor: a second thread, and memory shared with it. */
import { Worker } from 'node:worker_threads';
import type { SigningKey } from '@privval/hsm/signing-key';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { Logger } from '@privval/proto/runtime/logger';
import { SideSecrets } from './side-secrets.ts';
import {
  fillSlot,
  PHASE_OF_THREAD,
  ring,
  type SharedSlots,
  SIDE_ROOM,
  SLOT_STATE,
  type SlotContent,
  sharedSlots,
  sideLayout,
  takeSignature,
  WORD,
} from './side-slots.ts';

/** A verification that was begun. */
export interface Verification {
  /**
   * The verdict of {@link verifyStrict}. Blocks until it is there, for as long as one verification
   * takes at the most; what the other thread has not begun is done here. To be asked once.
   */
  verdict(): boolean;
}

/** A signature that was begun. */
export interface SignatureInMaking {
  /**
   * The signature, verified under the key it was asked of; `undefined` when the other thread has
   * not made one: it is then to be made here, as if none had been begun. Blocks for as long as a
   * signature and its check take at the most. To be asked once; then no copy is left elsewhere.
   */
  signature(): Uint8Array | undefined;
}

/** Where verifications, and perhaps signatures, can be begun before they are needed. */
export interface SignatureVerifier {
  begin(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): Verification;
  /** Begins to sign and verify with a key in this process's memory; `undefined` where that cannot be, or not yet. */
  beginSigning?(key: SigningKey, message: Uint8Array): SignatureInMaking | undefined;
}

/** Verifies when asked, on the spot. */
export const localVerifier: SignatureVerifier = {
  begin: (publicKey, message, signature) => ({
    verdict: () => verifyStrict(publicKey, message, signature),
  }),
};

/** How long what is being worked out is waited for before it is worked out here as well, in milliseconds. */
const ANSWER_WAIT_MS = 2;

/** How long a thread is given to wipe its secrets before it is ended, in milliseconds. */
const WIPE_WAIT_MS = 100;

/** Collaborators of a {@link SideVerifier}. */
export interface SideVerifierDeps {
  readonly logger: Logger;
  /** What is shared with the thread. @default new */
  readonly memory?: SharedArrayBuffer | undefined;
}

/**
 * Signs and verifies in a thread of its own, so that a signature (25 µs) and its check (60 µs) are
 * made while the disk syncs the floor they belong to.
 *
 * It can only be quicker, not laxer or slower: a slot that the thread has not taken yet, or
 * does not finish in time, is dealt with here; so is everything until the thread is up, and whatever
 * it says no to. Slots are taken by compare-and-exchange, and one that was given up is never used again.
 *
 * The thread holds a copy of each secret it signs with, in guarded memory of its own, from the first
 * message until the key is closed (`SideSecrets`).
 */
export class SideVerifier implements SignatureVerifier, AsyncDisposable {
  readonly #slots: SharedSlots;
  readonly #secrets: SideSecrets;
  readonly #logger: Logger;
  readonly #free: number[] = Array.from({ length: SIDE_ROOM.slots }, (_, index) => index);
  #worker: Worker | undefined;
  #isStarted = false;
  #isDisposed = false;

  /** The thread is started after the first verification was asked for, which must not wait for it. */
  constructor(deps: SideVerifierDeps) {
    this.#logger = deps.logger;
    this.#slots = sharedSlots(deps.memory ?? new SharedArrayBuffer(SIDE_ROOM.bytes));
    this.#secrets = new SideSecrets(this.#slots);
  }

  begin(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): Verification {
    const here = (): boolean => verifyStrict(publicKey, message, signature);
    const index = this.#put({ key: publicKey.bytes, message, by: { signature } });
    if (index === undefined) return { verdict: here };
    return { verdict: () => this.#answer(index)?.isGood || here() };
  }

  beginSigning(key: SigningKey, message: Uint8Array): SignatureInMaking | undefined {
    const { lendable, publicKey } = key;
    if (lendable === undefined || this.#worker === undefined) return undefined;
    const secret = this.#secrets.numberOf(lendable);
    if (secret === undefined) return undefined;
    const index = this.#put({ key: publicKey.bytes, message, by: { secret } });
    if (index === undefined) return undefined;
    return {
      signature: () => {
        const answer = this.#answer(index);
        return answer?.isGood ? answer.signature : undefined;
      },
    };
  }

  /** The thread wipes its secrets and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#isStarted = true;
    this.#isDisposed = true;
    if (worker === undefined) return;
    const { words } = this.#slots;
    const { running, ending } = PHASE_OF_THREAD;
    if (Atomics.exchange(words, WORD.phase, ending) === running) {
      ring(this.#slots);
      Atomics.wait(words, WORD.phase, ending, WIPE_WAIT_MS);
    }
    await worker.terminate();
    this.#secrets.abandon();
  }

  /** Puts it into a slot for the thread. `undefined` when there is no thread, no slot, or not room enough in one. */
  #put(content: SlotContent): number | undefined {
    if (!this.#isStarted) {
      this.#isStarted = true;
      setImmediate(() => this.#startWorker());
    }
    const index = this.#worker === undefined ? undefined : this.#free.pop();
    if (index === undefined) return undefined;
    if (!fillSlot(this.#slots, index, content)) {
      this.#free.push(index);
      return undefined;
    }
    Atomics.store(this.#slots.words, WORD.state(index), SLOT_STATE.pending);
    ring(this.#slots);
    return index;
  }

  /** What the thread says of a slot, which is free again then; `undefined` when it says nothing. */
  #answer(index: number): { readonly isGood: boolean; readonly signature: Uint8Array } | undefined {
    const { words } = this.#slots;
    const word = WORD.state(index);
    const { pending, busy, free, good } = SLOT_STATE;
    if (Atomics.compareExchange(words, word, pending, free) === pending) {
      this.#free.push(index);
      return undefined;
    }
    Atomics.wait(words, word, busy, ANSWER_WAIT_MS);
    const state = Atomics.load(words, word);
    // Still being worked on by the thread: this slot is lost to us.
    if (state === busy) return undefined;
    const signature = takeSignature(this.#slots, index);
    Atomics.store(words, word, free);
    this.#free.push(index);
    return { isGood: state === good, signature };
  }

  /** It does not keep the process alive. */
  #startWorker(): void {
    if (this.#isDisposed) return;
    const worker = new Worker(new URL('./side-worker.js', import.meta.url), {
      workerData: sideLayout(this.#slots.memory),
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 },
    });
    worker.unref();
    worker.once('error', (err) => {
      this.#worker = undefined;
      this.#secrets.abandon();
      this.#logger.warn(
        { err },
        'the second thread ended; signatures are made and verified in the main one',
      );
    });
    this.#worker = worker;
  }
}
