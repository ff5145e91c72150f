/**
 * `priv_validator_key.json`: the key file of every node (spec/privval.md 5.2), byte for byte.
 *
 * Nothing of the secret becomes a string on the way in or out (S18). A node recomputes `address`
 * and `pub_key` silently and believes the public half it finds; here they must follow from the seed.
 *
 * @module
 */
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import {
  addressToText,
  ED25519_PRIVATE_KEY_JSON_TYPE,
  publicKeyToJson,
} from '@privval/proto/crypto/key-json';
import { addressFromPublicKey } from '@privval/proto/crypto/public-key';
import { ED25519_SEED_BYTES, Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { equalBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import {
  decodeBase64Into,
  encodeBase64Into,
  encodedBytes,
  maxDecodedBytes,
} from './base64-bytes.ts';
import { type JsonSpan, JsonSyntaxError, readJsonObject, textOfSpan } from './json-spans.ts';
import {
  KeyFileMalformedError,
  KeyFileMismatchError,
  UnsupportedKeyTypeError,
} from './key-file-errors.ts';

/** `priv_key.value` of an Ed25519 key: seed, then public key. */
const PRIVATE_VALUE_BYTES = 64;

/** Key types nodes have (spec/privval.md 5.1). Any other text in that place might be a misplaced secret. */
const FOREIGN_KEY_TYPES: readonly string[] = [
  'tendermint/PrivKeySecp256k1',
  'tendermint/PrivKeySecp256k1eth',
  'cometbft/PrivKeySecp256k1eth',
  'tendermint/PrivKeySr25519',
  'cometbft/PrivKeyBls12_381',
  'cometbft/PrivKeyMlDsa65',
];

/**
 * The secret in a FilePV key file. The caller keeps `content` and disposes it.
 *
 * @throws {KeyFileMalformedError} ERR_KEY_FILE_MALFORMED
 * @throws {UnsupportedKeyTypeError} ERR_KEY_TYPE_UNSUPPORTED
 * @throws {KeyFileMismatchError} ERR_KEY_FILE_MISMATCH when address, `pub_key` or the public half
 *   of the secret do not belong to the seed.
 */
export function parseFilePvKey(content: GuardedBytes, path: string): Ed25519SecretKey {
  return content.use((bytes) => {
    const file = new FilePvFields(bytes, path);
    const type = file.text('priv_key', 'type');
    if (type !== ED25519_PRIVATE_KEY_JSON_TYPE) {
      throw new UnsupportedKeyTypeError(path, FOREIGN_KEY_TYPES.includes(type) ? type : 'unnamed');
    }
    const encoded = file.span('priv_key', 'value');
    const text = bytes.subarray(encoded.start + 1, encoded.end - 1);
    using value = GuardedBytes.alloc(Math.max(maxDecodedBytes(text.length), PRIVATE_VALUE_BYTES));
    return value.use((decoded) => {
      const length = decodeBase64Into(decoded, text);
      if (length === undefined) {
        throw new KeyFileMalformedError({
          path,
          reason: 'priv_key.value is not padded base64',
        });
      }
      if (length !== PRIVATE_VALUE_BYTES) {
        throw new KeyFileMalformedError({
          path,
          reason: `priv_key.value has ${length} bytes instead of 64`,
        });
      }
      const secret = Ed25519SecretKey.fromSeed(decoded.subarray(0, ED25519_SEED_BYTES));
      try {
        file.checkBelongsTo(secret, decoded.subarray(ED25519_SEED_BYTES, PRIVATE_VALUE_BYTES));
      } catch (error) {
        secret[Symbol.dispose]();
        throw error;
      }
      return secret;
    });
  });
}

/** The exact bytes a node would write for this key. The caller disposes them. */
export function encodeFilePvKey(secret: Ed25519SecretKey): GuardedBytes {
  const { publicKey } = secret;
  const text = JSON.stringify(
    {
      address: addressToText(addressFromPublicKey(publicKey)),
      pub_key: publicKeyToJson(publicKey),
      priv_key: { type: ED25519_PRIVATE_KEY_JSON_TYPE, value: '' },
    },
    null,
    2,
  );
  const valueAt = text.lastIndexOf('""') + 1;
  const before = utf8Bytes(text.slice(0, valueAt));
  const after = utf8Bytes(text.slice(valueAt));
  const valueLength = encodedBytes(PRIVATE_VALUE_BYTES);
  const content = GuardedBytes.alloc(before.length + valueLength + after.length);
  using value = GuardedBytes.alloc(PRIVATE_VALUE_BYTES);
  value.use((bytes) => {
    secret.exportSeed((seed) => bytes.set(seed));
    bytes.set(publicKey.bytes, ED25519_SEED_BYTES);
    content.use((target) => {
      target.set(before);
      encodeBase64Into(target.subarray(before.length, before.length + valueLength), bytes);
      target.set(after, before.length + valueLength);
    });
  });
  return content;
}

/** A key file by its fields; every failure says which field. */
class FilePvFields {
  readonly #bytes: Uint8Array;
  readonly #path: string;
  readonly #top: JsonSpan;

  constructor(bytes: Uint8Array, path: string) {
    this.#bytes = bytes;
    this.#path = path;
    try {
      this.#top = readJsonObject(bytes);
    } catch (error) {
      throw this.#malformed(error);
    }
  }

  /** The place of a string, quotes included. */
  span(...keys: readonly string[]): JsonSpan {
    const span = keys.reduce<JsonSpan | undefined>((at, key) => at?.members.get(key), this.#top);
    if (span?.kind !== 'string') {
      throw new KeyFileMalformedError({
        path: this.#path,
        reason: `it has no text ${keys.join('.')}`,
      });
    }
    return span;
  }

  /** A string that is no secret. */
  text(...keys: readonly string[]): string {
    try {
      return textOfSpan(this.#bytes, this.span(...keys));
    } catch (error) {
      throw this.#malformed(error);
    }
  }

  checkBelongsTo(secret: Ed25519SecretKey, publicHalf: Uint8Array): void {
    const { publicKey } = secret;
    if (!equalBytes(publicHalf, publicKey.bytes)) {
      throw new KeyFileMismatchError(this.#path, 'priv_key.value (its public half)');
    }
    const { type, value } = publicKeyToJson(publicKey);
    if (this.text('pub_key', 'type') !== type || this.text('pub_key', 'value') !== value) {
      throw new KeyFileMismatchError(this.#path, 'pub_key');
    }
    const address = addressToText(addressFromPublicKey(publicKey));
    if (this.text('address').toUpperCase() !== address) {
      throw new KeyFileMismatchError(this.#path, 'address');
    }
  }

  #malformed(error: unknown): unknown {
    if (!(error instanceof JsonSyntaxError)) return error;
    return new KeyFileMalformedError({ path: this.#path, reason: error.message }, { cause: error });
  }
}

/** Whether the bytes name a private key the way FilePV does; told without reading values. */
export function looksLikeFilePvKey(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('"priv_key"');
}
