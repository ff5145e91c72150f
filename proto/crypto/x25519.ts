/** X25519 with keys of one connection. */
import { hexFromBytes } from '../runtime/bytes.ts';
import { CodedError } from '../runtime/coded-error.ts';
import { sodium } from './sodium.ts';

/** Length of X25519 secret keys, public keys and shared secrets in bytes. */
export const X25519_BYTES = 32;

/**
 * Public keys of low order, with which the shared secret would be known to everybody
 * (spec/privval.md 4.5, from cr.yp.to/ecdh). The top bit of a key is ignored, so each stands for two.
 */
export const LOW_ORDER_POINTS: ReadonlySet<string> = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** The peer sent a key exchange key with which there is no secret. It is broken or hostile. */
export class LowOrderPointError extends CodedError {
  override readonly name = 'LowOrderPointError';
  readonly code = 'ERR_LOW_ORDER_POINT';

  constructor() {
    super('the key exchange key of the peer is a low-order point');
  }
}

/** A key pair for one connection. Dispose it as soon as the secrets are derived. */
export class X25519KeyPair implements Disposable {
  /** 32 bytes. */
  readonly publicKey: Uint8Array = new Uint8Array(X25519_BYTES);
  readonly #secret: Uint8Array;

  private constructor(secret: Uint8Array) {
    this.#secret = secret;
    sodium.crypto_scalarmult_base(this.publicKey, secret);
  }

  /** A fresh pair from the operating system's randomness. */
  static generate(): X25519KeyPair {
    const secret = new Uint8Array(X25519_BYTES);
    sodium.randombytes_buf(secret);
    return new X25519KeyPair(secret);
  }

  /** The pair of a known secret, for test vectors. The array is used as it is and zeroed on dispose. */
  static fromSecret(secret: Uint8Array): X25519KeyPair {
    return new X25519KeyPair(secret);
  }

  /**
   * The secret shared with the owner of `peer`, 32 bytes in a new array that the caller wipes.
   * @throws {LowOrderPointError} ERR_LOW_ORDER_POINT for each key of {@link LOW_ORDER_POINTS}, and whenever the result is zero.
   */
  sharedSecret(peer: Uint8Array): Uint8Array {
    const canonical = Uint8Array.from(peer);
    canonical[X25519_BYTES - 1] = (canonical[X25519_BYTES - 1] ?? 0) & 0x7f;
    if (LOW_ORDER_POINTS.has(hexFromBytes(canonical))) throw new LowOrderPointError();
    const shared = new Uint8Array(X25519_BYTES);
    try {
      sodium.crypto_scalarmult(shared, this.#secret, peer);
    } catch {
      // libsodium refuses to give a zero result out; the array is still zero then.
    }
    if (sodium.sodium_is_zero(shared, X25519_BYTES)) throw new LowOrderPointError();
    return shared;
  }

  /** Wipes the secret. */
  [Symbol.dispose](): void {
    sodium.sodium_memzero(this.#secret);
  }
}
