/** The nonces of one direction of an encrypted connection. */
import { CodedError } from '../runtime/coded-error.ts';

/** 2^64 − 1: a counter that stands here is used up. Noise reserves it, and nothing follows it. */
const END = 0xffff_ffff_ffff_ffffn;

/** All nonces of one direction were used. The connection must be closed; nothing may be sealed again. */
export class NonceExhaustedError extends CodedError {
  override readonly name = 'NonceExhaustedError';
  readonly code = 'ERR_NONCE_EXHAUSTED';

  constructor() {
    super('all nonces of this connection are used up');
  }
}

/**
 * 12-byte nonces of ChaCha20-Poly1305: four zero bytes, then a 64-bit little-endian counter.
 * SecretConnection and Noise form them alike. No value is ever given twice.
 */
export class NonceCounter {
  readonly #bytes = new Uint8Array(12);
  readonly #view = new DataView(this.#bytes.buffer);
  /** The counter in two halves: a bigint per frame would cost an allocation per frame. */
  #low: number;
  #high: number;

  constructor(start = 0n) {
    this.#low = Number(BigInt.asUintN(32, start));
    this.#high = Number(BigInt.asUintN(32, start >> 32n));
  }

  /** How many nonces were given out, or where the counter was started. */
  get counter(): bigint {
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /**
   * The next nonce. The array is the counter's own and holds until the next call.
   * @throws {NonceExhaustedError} ERR_NONCE_EXHAUSTED
   */
  next(): Uint8Array {
    if (this.#low === 0xffff_ffff && this.counter === END) throw new NonceExhaustedError();
    this.#view.setUint32(4, this.#low, true);
    this.#view.setUint32(8, this.#high, true);
    this.#low = (this.#low + 1) >>> 0;
    if (this.#low === 0) this.#high += 1;
    return this.#bytes;
  }
}
