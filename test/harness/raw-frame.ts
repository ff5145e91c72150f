/** SecretConnection frames that no honest sealer makes. */
import { createCipheriv } from 'node:crypto';

/**
 * A frame of zeros whose length field says `length`, sealed rightly with nonce `counter`. Made with
 * Node's own cipher: a second implementation beside the one under test.
 */
export function rawFrame(length: number, key: Uint8Array, counter = 0n): Uint8Array {
  const plaintext = Buffer.alloc(1028);
  plaintext.writeUInt32LE(length);
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64LE(counter, 4);
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return new Uint8Array(Buffer.concat([body, cipher.getAuthTag()]));
}
