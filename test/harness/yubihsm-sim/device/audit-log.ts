/** The log: 62 entries, each chained to the one before. */
import { createHash } from 'node:crypto';
import { concat, u8, u16, u32 } from './bytes.ts';

/** How many entries fit. */
export const LOG_SLOTS = 62;

/** What stands for no id at all. */
export const NO_ID = 0xffff;

/** One event, before it gets its number. */
export interface LogEvent {
  readonly command: number;
  /** Length of the request's data in bytes. */
  readonly length: number;
  /** The session's authentication key. */
  readonly sessionKey: number;
  readonly targetKey: number;
  readonly secondKey: number;
  /** The reply's command byte, or the error code. */
  readonly result: number;
  /** Since power-on. */
  readonly tick: number;
}

interface Entry {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/**
 * The device's log. Without force-audit it is a ring that loses its oldest entries; with it a full
 * log takes no more, and the counters tell of the boots and authentications that went unlogged.
 */
export class AuditLog {
  #entries: Entry[] = [];
  #lastNumber: number;
  #lastDigest: Uint8Array;
  #unloggedBoots = 0;
  #unloggedAuthentications = 0;

  /**
   * `seed`: 16 bytes that the first digest is chained from; the device's own choice is not public.
   * `lastNumber`: the number before the first.
   */
  constructor(seed: Uint8Array, lastNumber = 0) {
    this.#lastDigest = seed;
    this.#lastNumber = lastNumber;
  }

  get used(): number {
    return this.#entries.length;
  }

  get isFull(): boolean {
    return this.used >= LOG_SLOTS;
  }

  /** The first entry after a reset: every byte after the number is ff. */
  addReset(): void {
    this.#append(new Uint8Array(14).fill(0xff), false);
  }

  /** A power-on. */
  addBoot(isForced: boolean): void {
    const event = { command: 0, length: 0, sessionKey: NO_ID, targetKey: 0, secondKey: 0 };
    if (!this.add({ ...event, result: 0, tick: 0 }, isForced)) this.#unloggedBoots += 1;
  }

  /** The start of a session. It is always allowed, so that a full log can be read. */
  addAuthentication(event: LogEvent, isForced: boolean): void {
    if (!this.add(event, isForced)) this.#unloggedAuthentications += 1;
  }

  /** Whether it was logged: not so when the log is full and `isForced`. */
  add(event: LogEvent, isForced: boolean): boolean {
    return this.#append(
      concat(
        u8(event.command),
        u16(event.length),
        u16(event.sessionKey),
        u16(event.targetKey),
        u16(event.secondKey),
        u8(event.result),
        u32(event.tick),
      ),
      isForced,
    );
  }

  /** The reply to GetLogEntries. */
  read(): Uint8Array {
    return concat(
      u16(Math.min(this.#unloggedBoots, NO_ID)),
      u16(Math.min(this.#unloggedAuthentications, NO_ID)),
      u8(this.used),
      ...this.#entries.map((entry) => entry.bytes),
    );
  }

  /**
   * Frees the entries up to and including number `index`, and the counters with them. An index that
   * was freed before is accepted and frees nothing.
   *
   * @returns false for an index that is yet to come.
   */
  free(index: number): boolean {
    if (isAfter(index, this.#lastNumber)) return false;
    this.#entries = this.#entries.filter(({ number }) => isAfter(number, index));
    this.#unloggedBoots = 0;
    this.#unloggedAuthentications = 0;
    return true;
  }

  #append(event: Uint8Array, isForced: boolean): boolean {
    if (this.isFull) {
      if (isForced) return false;
      this.#entries.shift();
    }
    const number = (this.#lastNumber + 1) & 0xffff;
    const head = concat(u16(number), event);
    const hash = createHash('sha256').update(head).update(this.#lastDigest).digest();
    const digest = Uint8Array.from(hash.subarray(0, 16));
    this.#entries.push({ number, bytes: concat(head, digest) });
    this.#lastNumber = number;
    this.#lastDigest = digest;
    return true;
  }
}

/** Numbers go round after ffff: whatever is less than half a turn ahead comes after. */
function isAfter(a: number, b: number): boolean {
  const ahead = (a - b) & 0xffff;
  return ahead > 0 && ahead < 0x8000;
}
