/** AES-CCM without additional data. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat } from '../device/bytes.ts';

/** Bytes of the nonce in front of everything that is wrapped. */
export const NONCE_BYTES = 13;

/** Bytes of the tag at its end. */
export const TAG_BYTES = 16;

/** `ciphertext ‖ tag`. The key has 16, 24 or 32 bytes. */
export function sealCcm(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  tagBytes: 8 | 16 = TAG_BYTES,
): Uint8Array {
  const cipher = createCipheriv(nameOf(key), key, nonce, { authTagLength: tagBytes });
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return concat(ciphertext, cipher.getAuthTag());
}

/** The plaintext. @throws when the tag is wrong. */
export function openCcm(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  tagBytes: 8 | 16 = TAG_BYTES,
): Uint8Array {
  if (sealed.length < tagBytes) throw new RangeError('no room for a tag');
  const decipher = createDecipheriv(nameOf(key), key, nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const plaintext = decipher.update(sealed.subarray(0, -tagBytes));
  decipher.final();
  return Uint8Array.from(plaintext);
}

function nameOf(key: Uint8Array): 'aes-128-ccm' | 'aes-192-ccm' | 'aes-256-ccm' {
  if (key.length === 16) return 'aes-128-ccm';
  return key.length === 24 ? 'aes-192-ccm' : 'aes-256-ccm';
}
