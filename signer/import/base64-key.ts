/** Ed25519 keys in base64, as tmkms and cosmos kms keep them: by their length, in guarded memory all the way (S18). */
import { decodeBase64Into, maxDecodedBytes } from '@privval/hsm/file/base64-bytes';
import { looksLikeFilePvKey, parseFilePvKey } from '@privval/hsm/file/file-pv-key';
import { KeyFileMalformedError, KeyFileMismatchError } from '@privval/hsm/file/key-file-errors';
import { readSecretFile } from '@privval/hsm/file/secret-file';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { ED25519_SEED_BYTES, Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { equalBytes } from '@privval/proto/runtime/bytes';

/** Room for the largest key a node knows (ML-DSA), so that its type can be named. */
const MAX_FILE_BYTES = 16 * 1024;

/** Seed, then public key: Go's private key. To tmkms the same length is an expanded key. */
const GO_KEY_BYTES = 64;

/** An expanded key with its public half, as tmkms exports one from a YubiHSM. */
const EXPORTED_KEY_BYTES = 96;

/** A file holds what a seed was made into, and no way leads back from that. */
export class ExpandedKeyFound {
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/**
 * tmkms's soft key: the seed of 32 bytes. Of the two longer forms that it also takes, the seed does
 * not follow; they are a value, for the caller to refuse.
 *
 * @throws {KeyFileMalformedError} ERR_KEY_FILE_MALFORMED
 * @throws what {@link readSecretFile} throws.
 */
export function readTmkmsKey(path: string): Ed25519SecretKey | ExpandedKeyFound {
  using file = readSecretFile(path, { maxBytes: MAX_FILE_BYTES });
  return withDecoded(file, path, (decoded) => {
    if (decoded.length === ED25519_SEED_BYTES) return Ed25519SecretKey.fromSeed(decoded);
    if (decoded.length === GO_KEY_BYTES || decoded.length === EXPORTED_KEY_BYTES) {
      return new ExpandedKeyFound(decoded.length);
    }
    throw new KeyFileMalformedError({
      path,
      reason: `it has ${decoded.length} bytes in base64 instead of 32`,
    });
  });
}

/**
 * cosmos kms's key: FilePV JSON, or bare base64 of 64 bytes, seed and public key.
 *
 * @throws {KeyFileMalformedError} ERR_KEY_FILE_MALFORMED
 * @throws {KeyFileMismatchError} ERR_KEY_FILE_MISMATCH when the public half is not the seed's.
 * @throws what {@link readSecretFile} and {@link parseFilePvKey} throw.
 */
export function readKmsKey(path: string): Ed25519SecretKey {
  using file = readSecretFile(path, { maxBytes: MAX_FILE_BYTES });
  if (file.use(looksLikeFilePvKey)) return parseFilePvKey(file, path);
  return withDecoded(file, path, (decoded) => {
    if (decoded.length !== GO_KEY_BYTES) {
      throw new KeyFileMalformedError({
        path,
        reason: `it has ${decoded.length} bytes in base64 instead of 64`,
      });
    }
    const publicHalf = new Uint8Array(decoded.subarray(ED25519_SEED_BYTES));
    const secret = Ed25519SecretKey.fromSeed(decoded.subarray(0, ED25519_SEED_BYTES));
    if (equalBytes(publicHalf, secret.publicKey.bytes)) return secret;
    secret[Symbol.dispose]();
    throw new KeyFileMismatchError(path, 'second half');
  });
}

function withDecoded<T>(file: GuardedBytes, path: string, use: (decoded: Uint8Array) => T): T {
  return file.use((bytes) => {
    const text = trimmed(bytes);
    using value = GuardedBytes.alloc(Math.max(maxDecodedBytes(text.length), ED25519_SEED_BYTES));
    return value.use((target) => {
      const length = decodeBase64Into(target, text);
      if (length === undefined) {
        throw new KeyFileMalformedError({ path, reason: 'it is not padded base64' });
      }
      return use(target.subarray(0, length));
    });
  });
}

/** Without white space at both ends, which both programs drop. */
function trimmed(bytes: Uint8Array): Uint8Array {
  const isSpace = (byte: number | undefined): boolean =>
    byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
  let start = 0;
  let end = bytes.length;
  while (start < end && isSpace(bytes[start])) start += 1;
  while (end > start && isSpace(bytes[end - 1])) end -= 1;
  return bytes.subarray(start, end);
}
