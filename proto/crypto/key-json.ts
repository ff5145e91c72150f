/** Public keys and addresses as CometBFT writes them in JSON (spec/privval.md 5.1 and 5.2). */
import { base64FromBytes, bytesFromBase64, bytesFromHex, hexFromBytes } from '../runtime/bytes.ts';
import { CodedError } from '../runtime/coded-error.ts';
import { ED25519_PUBLIC_KEY_BYTES, ed25519PublicKey, type PublicKey } from './public-key.ts';

/** The name CometBFT's JSON gives an Ed25519 public key. */
export const ED25519_PUBLIC_KEY_JSON_TYPE = 'tendermint/PubKeyEd25519';

/** The name CometBFT's JSON gives an Ed25519 private key; its value is the base64 of seed ‖ public key. */
export const ED25519_PRIVATE_KEY_JSON_TYPE = 'tendermint/PrivKeyEd25519';

/** Length of an address in bytes. */
const ADDRESS_BYTES = 20;

/** A public key in JSON. */
export interface PublicKeyJson {
  readonly type: string;
  /** Standard base64. */
  readonly value: string;
}

/** A JSON value is not a public key, or a text not an address, that this product can use. */
export class InvalidKeyJsonError extends CodedError {
  override readonly name = 'InvalidKeyJsonError';
  readonly code = 'ERR_INVALID_KEY_JSON';
}

/** The key as `{"type":"tendermint/PubKeyEd25519","value":"…"}`, members in that order. */
export function publicKeyToJson(key: PublicKey): PublicKeyJson {
  return { type: ED25519_PUBLIC_KEY_JSON_TYPE, value: base64FromBytes(key.bytes) };
}

/** @throws {InvalidKeyJsonError} ERR_INVALID_KEY_JSON on any other type, shape, base64 or length. */
export function publicKeyFromJson(value: unknown): PublicKey {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('value' in value)) {
    throw new InvalidKeyJsonError('a public key is an object with the members type and value');
  }
  if (value.type !== ED25519_PUBLIC_KEY_JSON_TYPE) {
    throw new InvalidKeyJsonError(
      `public key type ${JSON.stringify(value.type)}: only ${ED25519_PUBLIC_KEY_JSON_TYPE} is supported`,
    );
  }
  if (typeof value.value !== 'string') {
    throw new InvalidKeyJsonError('the value of a public key is base64 text');
  }
  let bytes: Uint8Array;
  try {
    bytes = bytesFromBase64(value.value);
  } catch (cause) {
    throw new InvalidKeyJsonError('the value of a public key is not base64', { cause });
  }
  if (bytes.length !== ED25519_PUBLIC_KEY_BYTES) {
    throw new InvalidKeyJsonError(`an Ed25519 public key has 32 bytes, not ${bytes.length}`);
  }
  return ed25519PublicKey(bytes);
}

/** An address as CometBFT prints it: upper-case hex. */
export function addressToText(address: Uint8Array): string {
  return hexFromBytes(address).toUpperCase();
}

/** @throws {InvalidKeyJsonError} ERR_INVALID_KEY_JSON unless 40 hex digits, of either case. */
export function addressFromText(text: string): Uint8Array {
  if (text.length !== 2 * ADDRESS_BYTES) {
    throw new InvalidKeyJsonError(`an address has 40 hexadecimal digits, not ${text.length}`);
  }
  try {
    return bytesFromHex(text);
  } catch (cause) {
    throw new InvalidKeyJsonError('an address is hexadecimal', { cause });
  }
}
