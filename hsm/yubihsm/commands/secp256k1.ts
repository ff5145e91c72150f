/** What Cosmos chains want of a secp256k1 key, from what the device gives. */

import { MalformedReplyError } from './malformed-reply-error.ts';
import { joinBytes, sized } from './wire-bytes.ts';

/** The order of the group. */
const N = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n;

/**
 * The 33 bytes `02 or 03 ‖ X` of a key that GetPublicKey gave as `X ‖ Y`.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST unless it has 64 bytes.
 */
export function compressSecp256k1(publicKey: Uint8Array): Uint8Array {
  sized('publicKey', publicKey, [64]);
  const isOdd = ((publicKey[63] ?? 0) & 1) === 1;
  return Uint8Array.of(isOdd ? 0x03 : 0x02, ...publicKey.subarray(0, 32));
}

/**
 * The 64 bytes `r ‖ s` of a DER signature that SignEcdsa gave, with `s` in the lower half: chains refuse
 * the other one of the two valid values.
 *
 * @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY unless it is strict DER with r and s in range.
 */
export function compactSecp256k1Signature(der: Uint8Array): Uint8Array {
  const [tag, length] = der;
  if (tag !== 0x30 || length !== der.length - 2 || length > 72) fail();
  const r = readScalar(der, 2);
  const s = readScalar(der, r.end);
  if (s.end !== der.length) fail();
  return joinBytes(scalarBytes(r.value), scalarBytes(s.value > N / 2n ? N - s.value : s.value));
}

function readScalar(der: Uint8Array, start: number): { value: bigint; end: number } {
  const length = der[start + 1] ?? 0;
  const end = start + 2 + length;
  if (der[start] !== 0x02 || length === 0 || length > 33 || end > der.length) fail();
  const [first = 0, second = 0] = der.subarray(start + 2, end);
  if (first >= 0x80 || (first === 0 && length > 1 && second < 0x80)) fail();
  const value = BigInt(`0x${Buffer.from(der.subarray(start + 2, end)).toString('hex')}`);
  if (value === 0n || value >= N) fail();
  return { value, end };
}

function scalarBytes(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
}

function fail(): never {
  throw new MalformedReplyError('SignEcdsa', 'it is no signature of secp256k1 in DER');
}
