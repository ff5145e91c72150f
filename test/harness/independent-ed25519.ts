/** Ed25519 by OpenSSL: a second opinion on every signature, sharing nothing with the product. */

import { createPublicKey, verify } from 'node:crypto';

/** DER head of an Ed25519 public key (RFC 8410). */
const SPKI_HEAD = Uint8Array.from(Buffer.from('302a300506032b6570032100', 'hex'));

/** Whether OpenSSL takes `signature` for one by the 32-byte `publicKey` over `message`. */
export function opensslVerifies(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({
    key: Buffer.concat([SPKI_HEAD, publicKey]),
    format: 'der',
    type: 'spki',
  });
  return verify(null, message, key, signature);
}
