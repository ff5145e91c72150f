/** A node that always wants two signatures where one is due, and remembers every one it got. */

import { verifyStrict } from '@privval/proto/crypto/ed25519';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import type { Step } from '@privval/signer/guard/hrs';
import type { SeededRandom } from '../harness/seeded-random.ts';
import type { GuardAnswer, GuardAsk, GuardProcess } from './guard-process.ts';

const STEPS: readonly Step[] = ['propose', 'prevote', 'precommit'];

/** Messages asked for at each position. */
const BLOCKS = ['A', 'B'] as const;

/** Keeps every signature it was ever given, over all lives of the signer. */
export class HostileNode {
  readonly #random: SeededRandom;
  readonly #publicKey: PublicKey;
  readonly #released = new Map<string, string>();
  #position = 0;
  #id = 0;
  /** Two messages signed at one position, or a signature that is none. */
  readonly violations: string[] = [];
  signed = 0;
  refused = 0;
  #onAnswer: (() => void) | undefined;

  constructor(random: SeededRandom, publicKey: PublicKey) {
    this.#random = random;
    this.#publicKey = publicKey;
  }

  /** Every message that was signed, as hex, by its position. */
  get released(): ReadonlyMap<string, string> {
    return this.#released;
  }

  /** Asks on, position after position, until the process is no more. */
  async harass(signer: GuardProcess): Promise<void> {
    // Where the last life ended, in the other order perhaps: what it had promised must still hold.
    this.#position = Math.max(0, this.#position - 2);
    for (;;) {
      const answers = await this.#askBoth(signer);
      if (answers.every((answer) => answer === undefined)) return;
      this.#position++;
    }
  }

  /** Resolves after `count` more answers, or when the process is no more. */
  async untilAnswers(count: number, signer: GuardProcess): Promise<void> {
    if (count === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = count;
    this.#onAnswer = () => {
      if (--left === 0) resolve();
    };
    await Promise.race([promise, signer.exited]);
  }

  async #askBoth(signer: GuardProcess): Promise<readonly (GuardAnswer | undefined)[]> {
    const blocks = this.#random.below(2) === 0 ? BLOCKS : [...BLOCKS].reverse();
    return await Promise.all(
      blocks.map(async (block) => {
        const asked = this.#asking(block);
        const answer = await signer.ask(asked);
        this.#note(asked, answer);
        return answer;
      }),
    );
  }

  #asking(block: string): GuardAsk {
    const position = this.#position;
    return {
      id: ++this.#id,
      height: 1 + Math.floor(position / 6),
      round: Math.floor((position % 6) / 3),
      step: STEPS[position % 3] ?? 'propose',
      block,
      seconds: this.#random.below(3),
    };
  }

  #note(asked: GuardAsk, answer: GuardAnswer | undefined): void {
    if (answer !== undefined) this.#onAnswer?.();
    if (answer?.kind === 'refused') this.refused++;
    if (answer?.kind !== 'signed') return;
    this.signed++;
    const at = `${asked.height}/${asked.round}/${asked.step}`;
    const first = this.#released.get(at) ?? answer.signBytes;
    this.#released.set(at, first);
    if (first !== answer.signBytes) this.violations.push(`two messages signed at ${at}`);
    const message = bytesFromHex(answer.signBytes);
    if (!verifyStrict(this.#publicKey, message, bytesFromHex(answer.signature))) {
      this.violations.push(`no signature at ${at}`);
    }
  }
}
