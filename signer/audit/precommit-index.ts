/** Which precommits were decided lately, in memory: what the chain's commits are held against (S36). */
import type { JournalRow } from '../guard/floor-journal.ts';

/** Precommits that are kept for each validator: of 1,024 heights at the least, while rounds are few. */
const CAPACITY = 2_048;

/** Bytes of a hash that are kept. Whoever can find another message for these can forge the whole. */
const PREFIX_BYTES = 16;

const PRECOMMIT = 3;

/** The newest precommits of one validator, in the order of their heights. */
class Ring {
  readonly #heights = new BigInt64Array(CAPACITY);
  readonly #rounds = new Int32Array(CAPACITY);
  readonly #prefixes = new Uint8Array(CAPACITY * PREFIX_BYTES);
  #start = 0;
  #count = 0;

  get isFull(): boolean {
    return this.#count === CAPACITY;
  }

  /** Height of the oldest. */
  get oldest(): bigint | undefined {
    return this.#count === 0 ? undefined : this.#heights[this.#start];
  }

  /** A newer one; the oldest goes when there is no room. */
  push(row: JournalRow): void {
    if (this.isFull) this.#start = (this.#start + 1) % CAPACITY;
    else this.#count++;
    this.#set((this.#start + this.#count - 1) % CAPACITY, row);
  }

  /** An older one. @returns whether there was room. */
  unshift(row: JournalRow): boolean {
    if (this.isFull) return false;
    this.#start = (this.#start + CAPACITY - 1) % CAPACITY;
    this.#count++;
    this.#set(this.#start, row);
    return true;
  }

  holds(height: bigint, round: number, signHash: Uint8Array): boolean {
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#start + i) % CAPACITY;
      if (this.#heights[at] !== height || this.#rounds[at] !== round) continue;
      const prefix = this.#prefixes.subarray(at * PREFIX_BYTES, (at + 1) * PREFIX_BYTES);
      if (prefix.every((byte, index) => byte === signHash[index])) return true;
    }
    return false;
  }

  #set(at: number, { height, round, signHash }: JournalRow): void {
    this.#heights[at] = height ?? 0n;
    this.#rounds[at] = round ?? 0;
    this.#prefixes.set((signHash ?? new Uint8Array()).subarray(0, PREFIX_BYTES), at * PREFIX_BYTES);
  }
}

/**
 * Fed with each entry that is durable, and once with those from before. Until then it knows
 * nothing, rather than too little.
 */
export class PrecommitIndex {
  readonly #rings = new Map<string, Ring>();
  #isFilled = false;
  #beginsWithLog = false;

  /** A newer entry. */
  add(row: JournalRow): void {
    if (!isPrecommit(row)) return;
    this.#ring(row.validator).push(row);
  }

  /** An entry from before all that it knows. @returns whether older ones have room. */
  addOlder(row: JournalRow): boolean {
    if (!isPrecommit(row)) return true;
    return this.#ring(row.validator).unshift(row);
  }

  /** Everything from before was given that there is room for, or that there is. */
  filled(options: { readonly beginsWithLog: boolean }): void {
    this.#isFilled = true;
    this.#beginsWithLog = options.beginsWithLog;
  }

  /** `unknown` for a height of which not all is known. */
  holds(
    validator: string,
    at: { readonly height: bigint; readonly round: number },
    signHash: Uint8Array,
  ): 'yes' | 'no' | 'unknown' {
    const ring = this.#rings.get(validator);
    if (ring?.holds(at.height, at.round, signHash) === true) return 'yes';
    if (!this.#isFilled) return 'unknown';
    if (this.#beginsWithLog && ring?.isFull !== true) return 'no';
    const oldest = ring?.oldest;
    // Of the oldest height itself another round may be gone already.
    return oldest !== undefined && at.height > oldest ? 'no' : 'unknown';
  }

  #ring(validator: string): Ring {
    const known = this.#rings.get(validator);
    if (known !== undefined) return known;
    const ring = new Ring();
    this.#rings.set(validator, ring);
    return ring;
  }
}

function isPrecommit(row: JournalRow): row is JournalRow & { readonly validator: string } {
  return row.kind === 'decision' && row.step === PRECOMMIT && row.validator !== null;
}
