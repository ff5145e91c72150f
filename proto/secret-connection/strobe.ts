/**
 * STROBE-128 as far as Merlin needs it: meta-data, associated data, pseudo-random output
 * (spec/privval.md 4.3).
 */
import { keccakP } from '@noble/hashes/sha3.js';
import { InvariantError } from '../runtime/coded-error.ts';

/** Bytes of the state that data passes through, at 128 bits of security. */
const RATE_BYTES = 166;

/** Keccak-f[1600]'s state. */
const STATE_BYTES = 200;

/** Flags of an operation (STROBE specification, 6.2). */
const INBOUND = 0x01;
const APPLICATION = 0x02;
const CIPHER = 0x04;
const META = 0x10;
const KEY = 0x20;

/** What the state starts with before the first permutation: rate, version and domain of STROBE. */
const INITIAL_BYTES = [0x01, RATE_BYTES + 2, 0x01, 0x00, 0x01, 0x60] as const;
const VERSION = 'STROBEv1.0.2';

/** One STROBE state. It may hold a secret: dispose it when it is done with. */
export class Strobe128 implements Disposable {
  readonly #words = new Uint32Array(STATE_BYTES / 4);
  /** The same memory byte by byte. Keccak's lanes are little-endian, and so are the machines we run on. */
  readonly #state = new Uint8Array(this.#words.buffer);
  #position = 0;
  #positionBegin = 0;
  #currentFlags = 0;

  constructor(protocolLabel: Uint8Array) {
    this.#state.set(INITIAL_BYTES);
    this.#state.set(new TextEncoder().encode(VERSION), INITIAL_BYTES.length);
    keccakP(this.#words);
    this.metaAd(protocolLabel, false);
  }

  /** Absorbs framing data: labels and lengths. `more` continues the operation before it. */
  metaAd(data: Uint8Array, more: boolean): void {
    this.#begin(META | APPLICATION, more);
    this.#absorb(data);
  }

  /** Absorbs associated data. */
  ad(data: Uint8Array, more: boolean): void {
    this.#begin(APPLICATION, more);
    this.#absorb(data);
  }

  /** `length` pseudo-random bytes that depend on everything absorbed so far. */
  prf(length: number): Uint8Array {
    this.#begin(INBOUND | APPLICATION | CIPHER, false);
    const output = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      output[i] = this.#state[this.#position] ?? 0;
      this.#state[this.#position] = 0;
      this.#step();
    }
    return output;
  }

  /** A copy of the state and where it stands: for comparing with published checkpoints. */
  inspect(): { position: number; positionBegin: number; state: Uint8Array } {
    return {
      position: this.#position,
      positionBegin: this.#positionBegin,
      state: this.#state.slice(),
    };
  }

  /** Wipes the state. */
  [Symbol.dispose](): void {
    this.#words.fill(0);
  }

  #begin(flags: number, more: boolean): void {
    if (more) {
      if (flags !== this.#currentFlags) {
        throw new InvariantError('a STROBE operation was continued as another one');
      }
      return;
    }
    const oldBegin = this.#positionBegin;
    this.#positionBegin = this.#position + 1;
    this.#currentFlags = flags;
    this.#absorb(Uint8Array.of(oldBegin, flags));
    if ((flags & (CIPHER | KEY)) !== 0 && this.#position !== 0) this.#permute();
  }

  #absorb(data: Uint8Array): void {
    for (const byte of data) {
      this.#mix(this.#position, byte);
      this.#step();
    }
  }

  #step(): void {
    this.#position += 1;
    if (this.#position === RATE_BYTES) this.#permute();
  }

  #permute(): void {
    this.#mix(this.#position, this.#positionBegin);
    this.#mix(this.#position + 1, 0x04);
    this.#mix(RATE_BYTES + 1, 0x80);
    keccakP(this.#words);
    this.#position = 0;
    this.#positionBegin = 0;
  }

  #mix(index: number, byte: number): void {
    this.#state[index] = (this.#state[index] ?? 0) ^ byte;
  }
}
