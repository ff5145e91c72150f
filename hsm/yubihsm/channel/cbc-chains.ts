/** AES-CBC for many short messages: one cipher of OpenSSL serves them all, and is freed when told to. */
import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto';

/** Bytes of a block of AES. */
export const BLOCK_BYTES = 16;

const ZERO_BLOCK = new Uint8Array(BLOCK_BYTES);

/**
 * Encrypts chains of blocks, each from a zero vector. To make a cipher costs several times what it
 * costs to encrypt a message: the cipher of the chain before goes on, and what it would mix into the
 * first block is taken out beforehand.
 *
 * A chain from another vector is one from zero, of one block more: the first block becomes the vector.
 */
export class CbcEncryptor implements Disposable {
  readonly #cipher: Cipheriv;
  /** What the cipher mixes into the next block. Ciphertext: no secret. */
  #last: Uint8Array = ZERO_BLOCK;
  #isOver = false;

  /** `key`, of 16, 24 or 32 bytes, stays the caller's: it may be wiped. */
  constructor(key: Uint8Array) {
    this.#cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, ZERO_BLOCK);
    this.#cipher.setAutoPadding(false);
  }

  /** As many blocks as were given. Changes the first of those. */
  encrypt(blocks: Uint8Array): Uint8Array {
    xorInto(blocks, this.#last);
    const encrypted = this.#cipher.update(blocks);
    this.#last = new Uint8Array(encrypted.subarray(-BLOCK_BYTES));
    return encrypted;
  }

  /** Frees the cipher, and its key with it. */
  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cipher.final();
  }
}

/** Decrypts chains of blocks. One cipher serves for all of them: see {@link CbcEncryptor}. */
export class CbcDecryptor implements Disposable {
  readonly #decipher: Decipheriv;
  #isOver = false;

  /** `key`, of 16, 24 or 32 bytes, stays the caller's: it may be wiped. */
  constructor(key: Uint8Array) {
    this.#decipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, ZERO_BLOCK);
    this.#decipher.setAutoPadding(false);
  }

  /** The blocks behind the vector, which is the first of those given. */
  decrypt(vectorAndBlocks: Uint8Array): Uint8Array {
    // The first block is mixed with the last of the chain before, and means nothing.
    return this.#decipher.update(vectorAndBlocks).subarray(BLOCK_BYTES);
  }

  /** Frees the decipher, and its key with it. */
  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#decipher.final();
  }
}

/** Changes the first of `blocks`. */
function xorInto(blocks: Uint8Array, block: Uint8Array): void {
  for (let i = 0; i < BLOCK_BYTES; i++) blocks[i] = (blocks[i] ?? 0) ^ (block[i] ?? 0);
}
