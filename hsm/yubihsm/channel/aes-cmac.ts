/** AES-CMAC (RFC 4493), which OpenSSL has and `node:crypto` does not show. */
import { BLOCK_BYTES, CbcEncryptor } from './cbc-chains.ts';

/** What doubling in GF(2^128) folds back when a bit falls out. */
const REDUCTION = 0x87;

/** The 16-byte CMAC of `message`. `key` is an AES key of 16, 24 or 32 bytes. */
export function aesCmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  using cmac = new AesCmac(key);
  return cmac.of(message);
}

/** A key for many messages: what follows from it alone is worked out once. */
export class AesCmac implements Disposable {
  readonly #cipher: CbcEncryptor;
  /** Masks of a last block that is whole, and of one that is padded. */
  readonly #wholeMask: Uint8Array;
  readonly #paddedMask: Uint8Array;

  /** `key` is an AES key of 16, 24 or 32 bytes. It stays the caller's: it may be wiped. */
  constructor(key: Uint8Array) {
    this.#cipher = new CbcEncryptor(key);
    this.#wholeMask = double(this.#lastBlock(new Uint8Array(BLOCK_BYTES)));
    this.#paddedMask = double(new Uint8Array(this.#wholeMask));
  }

  /** The 16-byte CMAC of a message given in parts. */
  of(...parts: readonly Uint8Array[]): Uint8Array {
    const length = parts.reduce((total, part) => total + part.length, 0);
    const lastStart = Math.max(0, Math.ceil(length / BLOCK_BYTES) - 1) * BLOCK_BYTES;
    const isLastWhole = length === lastStart + BLOCK_BYTES;
    const blocks = new Uint8Array(lastStart + BLOCK_BYTES);
    let end = 0;
    for (const part of parts) {
      blocks.set(part, end);
      end += part.length;
    }
    if (!isLastWhole) blocks[length] = 0x80;
    const mask = isLastWhole ? this.#wholeMask : this.#paddedMask;
    for (let i = 0; i < BLOCK_BYTES; i++) {
      blocks[lastStart + i] = (blocks[lastStart + i] ?? 0) ^ (mask[i] ?? 0);
    }
    return this.#lastBlock(blocks);
  }

  /** Wipes what was worked out, and frees the cipher. */
  [Symbol.dispose](): void {
    this.#cipher[Symbol.dispose]();
    this.#wholeMask.fill(0);
    this.#paddedMask.fill(0);
  }

  /** The CMAC of blocks that are already masked. */
  #lastBlock(blocks: Uint8Array): Uint8Array {
    return new Uint8Array(this.#cipher.encrypt(blocks).subarray(-BLOCK_BYTES));
  }
}

/** Doubles a block in GF(2^128), in place. No branch depends on its bits. */
function double(block: Uint8Array): Uint8Array {
  const carry = (block[0] ?? 0) >>> 7;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    block[i] = ((block[i] ?? 0) << 1) | ((block[i + 1] ?? 0) >>> 7);
  }
  block[BLOCK_BYTES - 1] = (block[BLOCK_BYTES - 1] ?? 0) ^ (carry * REDUCTION);
  return block;
}
