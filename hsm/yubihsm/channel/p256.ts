/** The curve of asymmetric authentication: NIST P-256, by `node:crypto`. */
import { createECDH } from 'node:crypto';
import { InvalidRequestError } from '../commands/invalid-request-error.ts';

/** Bytes of a private key: a scalar. */
export const P256_PRIVATE_KEY_BYTES = 32;

/** Bytes of a public key as points are written: 04, X, Y. Key objects hold it without the 04. */
export const P256_POINT_BYTES = 65;

const CURVE = 'prime256v1';
const GROUP_ORDER = Buffer.from(
  'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  'hex',
);

/** Whether bytes are a private key: 32 of them, neither 0 nor beyond the group's order. */
export function isP256PrivateKey(bytes: Uint8Array): boolean {
  const isScalar = bytes.length === P256_PRIVATE_KEY_BYTES && bytes.some((byte) => byte !== 0);
  return isScalar && Buffer.compare(bytes, GROUP_ORDER) < 0;
}

/** The public key, 65 bytes. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function p256PublicKey(privateKey: Uint8Array): Uint8Array {
  return new Uint8Array(withPrivateKey(privateKey).getPublicKey());
}

/**
 * A public key in the one form used here, 65 bytes, from that or from the 64 bytes of a key object.
 * Whether the point is on the curve shows when it is used.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function p256Point(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length === P256_POINT_BYTES && publicKey[0] === 0x04) return publicKey;
  if (publicKey.length !== P256_POINT_BYTES - 1) {
    throw new InvalidRequestError(
      'public key',
      'a P-256 key has 64 bytes, or 65 that begin with 04',
    );
  }
  const point = new Uint8Array(P256_POINT_BYTES);
  point[0] = 0x04;
  point.set(publicKey, 1);
  return point;
}

/** The X coordinate both sides compute; `undefined` when `point` is none of the curve. */
export function p256SharedSecret(
  privateKey: Uint8Array,
  point: Uint8Array,
): Uint8Array | undefined {
  const own = withPrivateKey(privateKey);
  try {
    const secret = own.computeSecret(point);
    const copy = new Uint8Array(secret);
    secret.fill(0);
    return copy;
  } catch {
    return undefined;
  }
}

/** A private key from random bytes, as many of them as it takes. */
export function generateP256PrivateKey(randomBytes: (count: number) => Uint8Array): Uint8Array {
  for (;;) {
    const candidate = randomBytes(P256_PRIVATE_KEY_BYTES);
    if (isP256PrivateKey(candidate)) return candidate;
  }
}

function withPrivateKey(privateKey: Uint8Array): ReturnType<typeof createECDH> {
  if (!isP256PrivateKey(privateKey)) {
    throw new InvalidRequestError('private key', 'not a P-256 private key of 32 bytes');
  }
  const ecdh = createECDH(CURVE);
  ecdh.setPrivateKey(privateKey);
  return ecdh;
}
