/** Ends of decisions on their way into the audit log. */
import { formatPosition, type Hrs } from '../guard/hrs.ts';
import type { OutcomeNote } from './audit-entry.ts';

/** Decisions that may wait for their end, and ends that may wait for a transaction. The oldest go first. */
const MAX_WAITING = 4_096;

/** Ends that one entry carries: the others wait for the next one. */
const MAX_PER_ENTRY = 32;

interface Waiting {
  readonly validator: string;
  /** JSON of an `OutcomeNote`. */
  readonly text: string;
}

/**
 * Knows which entries wait for the end of their decision, and which ends wait for a transaction.
 * Bounded; what is lost that way is counted.
 */
export class AuditOutcomes {
  readonly #undecided = new Map<string, bigint>();
  #waiting: Waiting[] = [];
  #taken: readonly Waiting[] = [];
  #lost = 0;

  /** The entry of a decision is durable. */
  decided(validator: string, at: Hrs, seq: bigint): void {
    this.#undecided.set(keyOf(validator, at), seq);
    if (this.#undecided.size <= MAX_WAITING) return;
    const [oldest] = this.#undecided.keys();
    if (oldest !== undefined) this.#undecided.delete(oldest);
  }

  /** @returns whether the decision was waiting for it. */
  ended(validator: string, at: Hrs, note: Omit<OutcomeNote, 'seq'>): boolean {
    const key = keyOf(validator, at);
    const seq = this.#undecided.get(key);
    if (seq === undefined) return false;
    this.#undecided.delete(key);
    const { outcome, code, us } = note;
    const text = JSON.stringify({ seq: String(seq), outcome, code, us });
    this.#waiting.push({ validator, text });
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#lost++;
    }
    return true;
  }

  get count(): number {
    return this.#waiting.length;
  }

  /** Takes what waits for an entry about `validator`, and of the rest if there is room. @returns a JSON array, or nothing. */
  take(validator?: string): string | undefined {
    if (this.#waiting.length === 0) return undefined;
    let chosen = this.#waiting;
    if (chosen.length > MAX_PER_ENTRY) {
      const own = chosen.filter((waiting) => waiting.validator === validator);
      const others = chosen.filter((waiting) => waiting.validator !== validator);
      chosen = [...own, ...others].slice(0, MAX_PER_ENTRY);
      const set = new Set(chosen);
      this.#waiting = this.#waiting.filter((waiting) => !set.has(waiting));
    } else this.#waiting = [];
    this.#taken = this.#taken.length === 0 ? chosen : [...this.#taken, ...chosen];
    return `[${chosen.map(({ text }) => text).join()}]`;
  }

  /** How many ends were dropped since this was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** What was taken is durable. */
  committed(): void {
    this.#taken = [];
  }

  /** It is not: it waits again. */
  failed(): void {
    this.#waiting = [...this.#taken, ...this.#waiting];
    this.#taken = [];
  }
}

function keyOf(validator: string, at: Hrs): string {
  return `${validator}/${formatPosition(at)}`;
}
