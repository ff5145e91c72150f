/**
 * Our own key file: the seed sealed by a passphrase.
 *
 * JSON whose every field but `ciphertext` and `checksum` is the header. The header, in one fixed
 * spelling, is the associated data of the cipher: nothing in it can be changed unnoticed. The
 * checksum over header and ciphertext needs no key: it tells a damaged file from a wrong passphrase
 * before any work is spent on either.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { publicKeyFromJson, publicKeyToJson } from '@privval/proto/crypto/key-json';
import { equalPublicKeys, type PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { sodium } from '@privval/proto/crypto/sodium';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import {
  base64FromBytes,
  bytesFromBase64,
  hexFromBytes,
  utf8Bytes,
} from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { type Argon2idParameters, deriveKey, isAllowedCost, SALT_BYTES } from './argon2id.ts';
import {
  KeyFileDamagedError,
  KeyFileMalformedError,
  KeyFileMismatchError,
  WrongPassphraseError,
} from './key-file-errors.ts';

const FORMAT = 'privval-encrypted-key';
const VERSION = 1;
const SEED_BYTES = 32;
const NONCE_BYTES: number = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
const TAG_BYTES: number = sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES;

/** What a new file costs to try one passphrase on: 64 MiB, 3 passes. */
export const DEFAULT_COST: Pick<Argon2idParameters, 'memoryKiB' | 'passes'> = {
  memoryKiB: 65_536,
  passes: 3,
};

/** Everything in the file that is authenticated but not secret. */
interface Header {
  readonly publicKey: PublicKey;
  readonly kdf: Argon2idParameters;
  readonly nonce: Uint8Array;
}

/** Whether the bytes name this format. */
export function looksLikeEncryptedKey(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(`"${FORMAT}"`);
}

/**
 * Seals `secret` with a fresh salt and nonce; the text is what goes into the file.
 * Deriving the key takes long and happens off the main thread; `secret` may not be disposed meanwhile.
 */
export async function encryptKey(
  secret: Ed25519SecretKey,
  passphrase: GuardedBytes,
  options: AbortOptions & { readonly cost?: typeof DEFAULT_COST | undefined } = {},
): Promise<Uint8Array> {
  const header: Header = {
    publicKey: secret.publicKey,
    kdf: { ...(options.cost ?? DEFAULT_COST), salt: new Uint8Array(randomBytes(SALT_BYTES)) },
    nonce: new Uint8Array(randomBytes(NONCE_BYTES)),
  };
  using key = await deriveKey(passphrase, header.kdf, options);
  const ciphertext = new Uint8Array(SEED_BYTES + TAG_BYTES);
  secret.exportSeed((seed) =>
    key.use((keyBytes) =>
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        ciphertext,
        seed,
        associatedData(header),
        null,
        header.nonce,
        keyBytes,
      ),
    ),
  );
  const file = {
    ...headerJson(header),
    ciphertext: base64FromBytes(ciphertext),
    checksum: checksum(header, ciphertext),
  };
  return utf8Bytes(`${JSON.stringify(file, null, 2)}\n`);
}

/**
 * Opens a file of this format. `passphrase` stays the caller's.
 *
 * @throws {KeyFileMalformedError} ERR_KEY_FILE_MALFORMED, for parameters beyond the bounds too
 * @throws {KeyFileDamagedError} ERR_KEY_FILE_DAMAGED when the checksum does not match.
 * @throws {WrongPassphraseError} ERR_WRONG_PASSPHRASE
 * @throws {KeyFileMismatchError} ERR_KEY_FILE_MISMATCH when the header names another public key.
 */
export async function decryptKey(
  bytes: Uint8Array,
  passphrase: GuardedBytes,
  path: string,
  options: AbortOptions = {},
): Promise<Ed25519SecretKey> {
  const { header, ciphertext } = parseEncryptedKey(bytes, path);
  using key = await deriveKey(passphrase, header.kdf, options);
  using seed = GuardedBytes.alloc(SEED_BYTES);
  const isOpen = seed.use((seedBytes) =>
    key.use((keyBytes) => {
      try {
        sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
          seedBytes,
          null,
          ciphertext,
          associatedData(header),
          header.nonce,
          keyBytes,
        );
        return true;
      } catch {
        return false;
      }
    }),
  );
  if (!isOpen) throw new WrongPassphraseError(path);
  const opened = Ed25519SecretKey.fromGuarded(seed);
  if (!equalPublicKeys(opened.publicKey, header.publicKey)) {
    opened[Symbol.dispose]();
    throw new KeyFileMismatchError(path, 'publicKey');
  }
  return opened;
}

function parseEncryptedKey(
  bytes: Uint8Array,
  path: string,
): { header: Header; ciphertext: Uint8Array } {
  let file: unknown;
  try {
    file = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new KeyFileMalformedError({ path, reason: 'it is not JSON' }, { cause });
  }
  const fields = new Fields(file, path);
  const version = fields.number('version');
  if (fields.text('format') !== FORMAT || version !== VERSION) {
    throw new KeyFileMalformedError({
      path,
      reason: `version ${version} of this format is not known here`,
    });
  }
  const kdf = fields.inner('kdf');
  const cipher = fields.inner('cipher');
  if (kdf.text('name') !== 'argon2id' || kdf.number('parallelism') !== 1) {
    throw new KeyFileMalformedError({
      path,
      reason: 'kdf is not argon2id with parallelism 1',
    });
  }
  if (cipher.text('name') !== 'xchacha20-poly1305') {
    throw new KeyFileMalformedError({ path, reason: 'cipher is not xchacha20-poly1305' });
  }
  const header: Header = {
    publicKey: fields.publicKey('publicKey'),
    kdf: {
      memoryKiB: kdf.number('memoryKiB'),
      passes: kdf.number('passes'),
      salt: kdf.bytes('salt', SALT_BYTES),
    },
    nonce: cipher.bytes('nonce', NONCE_BYTES),
  };
  const ciphertext = fields.bytes('ciphertext', SEED_BYTES + TAG_BYTES);
  if (fields.text('checksum') !== checksum(header, ciphertext)) throw new KeyFileDamagedError(path);
  if (!isAllowedCost(header.kdf)) {
    throw new KeyFileMalformedError({
      path,
      reason: 'kdf asks for more, or less, work than is allowed',
    });
  }
  return { header, ciphertext };
}

/** A parsed JSON object by its fields; every failure says which. */
class Fields {
  readonly #object: object;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null) {
      throw new KeyFileMalformedError({ path, reason: 'an object is missing' });
    }
    this.#object = value;
    this.#path = path;
  }

  inner(key: string): Fields {
    return new Fields(this.#get(key), this.#path);
  }

  text(key: string): string {
    const value = this.#get(key);
    if (typeof value !== 'string') throw this.#bad(key, 'a text');
    return value;
  }

  number(key: string): number {
    const value = this.#get(key);
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.#bad(key, 'a number');
    return value;
  }

  bytes(key: string, length: number): Uint8Array {
    const text = this.text(key);
    try {
      const bytes = bytesFromBase64(text);
      if (bytes.length === length) return bytes;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    throw this.#bad(key, `base64 of ${length} bytes`);
  }

  publicKey(key: string): PublicKey {
    try {
      return publicKeyFromJson(this.#get(key));
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      throw new KeyFileMalformedError(
        { path: this.#path, reason: `${key} is not a public key` },
        { cause },
      );
    }
  }

  #get(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? Reflect.get(this.#object, key) : undefined;
  }

  #bad(key: string, expected: string): KeyFileMalformedError {
    return new KeyFileMalformedError({ path: this.#path, reason: `${key} is not ${expected}` });
  }
}

/** The header's one spelling: keys in this order. */
function headerJson(header: Header): object {
  const { memoryKiB, passes, salt } = header.kdf;
  return {
    format: FORMAT,
    version: VERSION,
    publicKey: publicKeyToJson(header.publicKey),
    kdf: { name: 'argon2id', memoryKiB, passes, parallelism: 1, salt: base64FromBytes(salt) },
    cipher: { name: 'xchacha20-poly1305', nonce: base64FromBytes(header.nonce) },
  };
}

function associatedData(header: Header): Uint8Array {
  return utf8Bytes(JSON.stringify(headerJson(header)));
}

/** SHA-256 over header and ciphertext, hexadecimal. */
function checksum(header: Header, ciphertext: Uint8Array): string {
  return hexFromBytes(
    createHash('sha256').update(associatedData(header)).update(ciphertext).digest(),
  );
}
