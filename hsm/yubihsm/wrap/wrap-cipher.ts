/**
 * Wrapping without a device: `nonce(13) ‖ AES-CCM ciphertext ‖ tag(16)`, nothing else authenticated.
 *
 * For backups that are to be examined, and for keys that are to be brought in under wrap. Whoever has the
 * wrap key has every object that was exported under it.
 */
import { type CipherCCMTypes, createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { InvalidRequestError } from '../commands/invalid-request-error.ts';
import { joinBytes, sized } from '../commands/wire-bytes.ts';
import { MalformedWrapError, WrongWrapKeyError } from './wrap-errors.ts';
import { decodeWrappedObject, encodeWrappedObject, type WrappedObject } from './wrapped-object.ts';

const NONCE_BYTES = 13;
const TAG_BYTES = 16;

const CIPHERS: ReadonlyMap<number, CipherCCMTypes> = new Map<number, CipherCCMTypes>([
  [16, 'aes-128-ccm'],
  [24, 'aes-192-ccm'],
  [32, 'aes-256-ccm'],
]);

/** What {@link wrapObject} takes besides the key and the object. */
export interface WrapOptions {
  /** 13 bytes, never the same twice under one key. @default random */
  readonly nonce?: Uint8Array | undefined;
}

/**
 * Wraps an object as ExportWrapped does: for ImportWrapped, or any tool that reads such files. The key
 * has 16, 24 or 32 bytes.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function wrapObject(
  wrapKey: Uint8Array,
  object: WrappedObject,
  options: WrapOptions = {},
): Uint8Array {
  const nonce = options.nonce ?? randomFillSync(new Uint8Array(NONCE_BYTES));
  sized('nonce', nonce, [NONCE_BYTES]);
  const plaintext = encodeWrappedObject(object);
  const cipher = createCipheriv(cipherFor(wrapKey), wrapKey, nonce, { authTagLength: TAG_BYTES });
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  plaintext.fill(0);
  return joinBytes(nonce, ciphertext, cipher.getAuthTag());
}

/**
 * Opens a wrapped object. The body is in the clear then: overwrite it when done.
 *
 * @throws {WrongWrapKeyError} ERR_YUBIHSM_WRONG_WRAP_KEY when it does not authenticate.
 * @throws {MalformedWrapError} ERR_YUBIHSM_MALFORMED_WRAP when it is no wrapped object.
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST unless the key has 16, 24 or 32 bytes.
 */
export function unwrapObject(wrapKey: Uint8Array, blob: Uint8Array): WrappedObject {
  const name = cipherFor(wrapKey);
  if (blob.length <= NONCE_BYTES + TAG_BYTES) {
    throw new MalformedWrapError(`${blob.length} bytes are too few`);
  }
  const plaintext = decrypt(name, wrapKey, blob);
  try {
    return decodeWrappedObject(plaintext);
  } finally {
    plaintext.fill(0);
  }
}

function decrypt(name: CipherCCMTypes, wrapKey: Uint8Array, blob: Uint8Array): Uint8Array {
  const nonce = blob.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(name, wrapKey, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(blob.subarray(-TAG_BYTES));
  try {
    const plaintext = decipher.update(blob.subarray(NONCE_BYTES, -TAG_BYTES));
    decipher.final();
    return plaintext;
  } catch (cause) {
    throw new WrongWrapKeyError(wrapKey.length, { cause });
  }
}

function cipherFor(wrapKey: Uint8Array): CipherCCMTypes {
  const name = CIPHERS.get(wrapKey.length);
  if (name === undefined) {
    throw new InvalidRequestError('wrapKey', `${wrapKey.length} bytes, but it has 16, 24 or 32`);
  }
  return name;
}
