/** Secrets that the second thread holds: offered once, wiped with their key. */
import type { LendableSecret } from '@privval/hsm/signing-key';
import {
  PHASE_OF_THREAD,
  ring,
  SECRET_STATE,
  type SharedSlots,
  SIDE_ROOM,
  secretBox,
  WORD,
} from './side-slots.ts';

/**
 * Hands secrets over to the second thread, each through a box in the shared memory that the thread
 * empties into guarded memory of its own and zeroes. Nothing is put into a box before the thread is
 * up to empty it.
 */
export class SideSecrets {
  readonly #slots: SharedSlots;
  /** Numbers of the secrets that were offered and whose keys are open. */
  readonly #numbers = new Map<LendableSecret, number>();

  constructor(slots: SharedSlots) {
    this.#slots = slots;
  }

  /**
   * The number under which the thread holds `secret`. `undefined` while it does not: it is offered
   * then, if there is room, and is held a moment later.
   */
  numberOf(secret: LendableSecret): number | undefined {
    const number = this.#numbers.get(secret) ?? this.#offer(secret);
    if (number === undefined) return undefined;
    const state = Atomics.load(this.#slots.words, WORD.secret(number));
    return state === SECRET_STATE.held ? number : undefined;
  }

  /** Zeroes what nobody will come for: the thread has ended. */
  abandon(): void {
    for (let number = 0; number < SIDE_ROOM.secrets; number++) {
      secretBox(this.#slots, number).fill(0);
    }
  }

  #offer(secret: LendableSecret): number | undefined {
    const { words } = this.#slots;
    const isUp = Atomics.load(words, WORD.phase) === PHASE_OF_THREAD.running;
    if (!isUp || secret.ended.aborted) return undefined;
    for (let number = 0; number < SIDE_ROOM.secrets; number++) {
      if (Atomics.load(words, WORD.secret(number)) !== SECRET_STATE.none) continue;
      secret.lend((seed) => secretBox(this.#slots, number).set(seed));
      Atomics.store(words, WORD.secret(number), SECRET_STATE.offered);
      ring(this.#slots);
      this.#numbers.set(secret, number);
      secret.ended.addEventListener('abort', () => this.#retire(secret, number), { once: true });
      return number;
    }
    return undefined;
  }

  #retire(secret: LendableSecret, number: number): void {
    const { words } = this.#slots;
    this.#numbers.delete(secret);
    const before = Atomics.exchange(words, WORD.secret(number), SECRET_STATE.retired);
    // Whoever moves it away from `offered` is the one who empties the box.
    if (before === SECRET_STATE.offered) secretBox(this.#slots, number).fill(0);
    ring(this.#slots);
  }
}
