import { createCipheriv, createDecipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CbcDecryptor, CbcEncryptor } from 'yubihsm/channel/cbc-chains';

const ZERO_BLOCK = new Uint8Array(16);

/** Bytes that follow from a number and nothing else. */
function bytes(count: number, seed: number): Uint8Array {
  return new Uint8Array(count).map((_, index) => (index * 151 + seed * 97 + 13) & 0xff);
}

/** What one cipher for each chain makes of it. */
function encrypted(key: Uint8Array, vector: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, vector);
  return new Uint8Array(cipher.setAutoPadding(false).update(blocks));
}

function decrypted(key: Uint8Array, vector: Uint8Array, blocks: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, vector);
  return new Uint8Array(decipher.setAutoPadding(false).update(blocks));
}

describe.each([16, 24, 32])('a key of %i bytes', (keyBytes) => {
  const key = bytes(keyBytes, 1);

  test('encrypts each chain as a cipher of its own would, from a zero vector', () => {
    using encryptor = new CbcEncryptor(key);
    for (const [index, blocks] of [1, 3, 1, 1, 197, 2].entries()) {
      const plain = bytes(blocks * 16, index);
      const expected = encrypted(key, ZERO_BLOCK, plain);
      expect(new Uint8Array(encryptor.encrypt(plain))).toEqual(expected);
    }
  });

  test('encrypts from another vector behind the block that becomes it', () => {
    using encryptor = new CbcEncryptor(key);
    for (const seed of [1, 2, 3]) {
      const [block, plain] = [bytes(16, seed), bytes(48, seed)];
      const vector = encrypted(key, ZERO_BLOCK, block);
      const chain = encryptor.encrypt(Buffer.concat([block, plain]));
      expect(new Uint8Array(chain)).toEqual(
        new Uint8Array(Buffer.concat([vector, encrypted(key, vector, plain)])),
      );
    }
  });

  test('decrypts each chain from the vector before it', () => {
    using decryptor = new CbcDecryptor(key);
    for (const [index, blocks] of [1, 3, 1, 197, 2].entries()) {
      const [vector, ciphertext] = [bytes(16, index + 7), bytes(blocks * 16, index)];
      const plain = decryptor.decrypt(Buffer.concat([vector, ciphertext]));
      expect(new Uint8Array(plain)).toEqual(decrypted(key, vector, ciphertext));
    }
  });

  test('may be wiped by its owner meanwhile', () => {
    const own = key.slice();
    using encryptor = new CbcEncryptor(own);
    own.fill(0);
    expect(new Uint8Array(encryptor.encrypt(bytes(32, 1)))).toEqual(
      encrypted(key, ZERO_BLOCK, bytes(32, 1)),
    );
  });
});

test("what was encrypted is its taker's: a change of it does not reach the next chain", () => {
  using encryptor = new CbcEncryptor(bytes(16, 1));
  encryptor.encrypt(bytes(16, 2)).fill(0xff);
  expect(new Uint8Array(encryptor.encrypt(bytes(16, 3)))).toEqual(
    encrypted(bytes(16, 1), ZERO_BLOCK, bytes(16, 3)),
  );
});

test('a cipher that was freed is of no use any more, and freed once', () => {
  const encryptor = new CbcEncryptor(bytes(16, 1));
  const decryptor = new CbcDecryptor(bytes(16, 1));
  for (const cipher of [encryptor, decryptor, encryptor, decryptor]) cipher[Symbol.dispose]();
  expect(() => encryptor.encrypt(bytes(16, 2))).toThrow();
  expect(() => decryptor.decrypt(bytes(32, 2))).toThrow();
});
