/**
 * `identity.json`: the key by which nodes know this signer, in the format of a CometBFT node key
 * (spec/cometbft-0.40.md 1.3): one line, seed and public key in base64, mode 0600.
 *
 * Never a consensus key. Nothing of it becomes a string on the way in or out (S18).
 */
import { decodeBase64Into, encodeBase64Into, encodedBytes } from '@privval/hsm/file/base64-bytes';
import { type JsonSpan, readJsonObject, textOfSpan } from '@privval/hsm/file/json-spans';
import { KeyFileMalformedError, KeyFileMismatchError } from '@privval/hsm/file/key-file-errors';
import { readSecretFile } from '@privval/hsm/file/secret-file';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { ED25519_PRIVATE_KEY_JSON_TYPE } from '@privval/proto/crypto/key-json';
import { ED25519_SEED_BYTES, Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { equalBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { createFile } from './durable-file.ts';

const MAX_IDENTITY_FILE_BYTES = 16 * 1024;

/** `priv_key.value`: seed, then public key. */
const PRIVATE_VALUE_BYTES = 64;

const BEFORE_VALUE = utf8Bytes(`{"priv_key":{"type":"${ED25519_PRIVATE_KEY_JSON_TYPE}","value":"`);
const AFTER_VALUE = utf8Bytes('"}}');

/**
 * The signer's identity. The caller disposes it.
 *
 * @throws what {@link readSecretFile} throws.
 * @throws {KeyFileMalformedError} ERR_KEY_FILE_MALFORMED
 * @throws {KeyFileMismatchError} ERR_KEY_FILE_MISMATCH when the public half is not the seed's.
 */
export function readIdentity(path: string): Ed25519SecretKey {
  using file = readSecretFile(path, { maxBytes: MAX_IDENTITY_FILE_BYTES });
  return file.use((bytes) => {
    const { type, value } = privateKeySpans(bytes, path);
    if (wellFormed(path, () => textOfSpan(bytes, type)) !== ED25519_PRIVATE_KEY_JSON_TYPE) {
      throw malformed(path, `its key is not of type ${ED25519_PRIVATE_KEY_JSON_TYPE}`);
    }
    using decoded = GuardedBytes.alloc(PRIVATE_VALUE_BYTES);
    return decoded.use((secret) => {
      const length = decodeBase64Into(secret, bytes.subarray(value.start + 1, value.end - 1));
      if (length !== PRIVATE_VALUE_BYTES) {
        throw malformed(path, 'priv_key.value is not the base64 of 64 bytes');
      }
      const publicHalf = secret.slice(ED25519_SEED_BYTES);
      const key = Ed25519SecretKey.fromSeed(secret.subarray(0, ED25519_SEED_BYTES));
      if (equalBytes(publicHalf, key.publicKey.bytes)) return key;
      key[Symbol.dispose]();
      throw new KeyFileMismatchError(path, 'priv_key.value (its public half)');
    });
  });
}

/** Makes a fresh identity at `path`, durably. @throws the system's error. */
export function createIdentity(path: string): void {
  using key = Ed25519SecretKey.generate();
  const valueBytes = encodedBytes(PRIVATE_VALUE_BYTES);
  using content = GuardedBytes.alloc(BEFORE_VALUE.length + valueBytes + AFTER_VALUE.length);
  using value = GuardedBytes.alloc(PRIVATE_VALUE_BYTES);
  value.use((secret) => {
    key.exportSeed((seed) => secret.set(seed));
    secret.set(key.publicKey.bytes, ED25519_SEED_BYTES);
    content.use((file) => {
      file.set(BEFORE_VALUE);
      encodeBase64Into(
        file.subarray(BEFORE_VALUE.length, BEFORE_VALUE.length + valueBytes),
        secret,
      );
      file.set(AFTER_VALUE, BEFORE_VALUE.length + valueBytes);
    });
  });
  content.use((bytes) => createFile(path, bytes));
}

function privateKeySpans(bytes: Uint8Array, path: string): { type: JsonSpan; value: JsonSpan } {
  const top = wellFormed(path, () => readJsonObject(bytes));
  const members = top.members.get('priv_key')?.members;
  const type = members?.get('type');
  const value = members?.get('value');
  if (type?.kind !== 'string' || value?.kind !== 'string') {
    throw malformed(path, 'it has no priv_key with type and value');
  }
  return { type, value };
}

/** JSON faults as what they are here: a malformed key file. */
function wellFormed<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new KeyFileMalformedError({ path, reason: cause.message }, { cause });
  }
}

function malformed(path: string, reason: string): KeyFileMalformedError {
  return new KeyFileMalformedError({ path, reason });
}
