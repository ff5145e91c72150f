/** `tendermint.crypto.PublicKey`, and the bytes-and-type pair v1 has instead (spec/privval.md 2.2, 2.4). */
import type { Writer } from 'protobufjs/minimal.js';
import type { WireReader } from '../codec/wire-reader.ts';
import { ed25519PublicKey, type PublicKey } from '../crypto/public-key.ts';
import { equalBytes } from '../runtime/bytes.ts';
import { CodedError } from '../runtime/coded-error.ts';

/** A signer's public key is of a type this product does not verify. */
export class UnsupportedKeyTypeError extends CodedError {
  override readonly name = 'UnsupportedKeyTypeError';
  readonly code = 'ERR_UNSUPPORTED_KEY_TYPE';
  /** As v1 names it, or the number of the oneof's member; 0 is an empty oneof. */
  readonly keyType: string | number;

  constructor(keyType: string | number) {
    super(`public key of type ${keyType}: only ed25519 is supported`);
    this.keyType = keyType;
  }
}

/** A signer says two different public keys in one reply, for two dialects. */
export class ContradictingPublicKeysError extends CodedError {
  override readonly name = 'ContradictingPublicKeysError';
  readonly code = 'ERR_CONTRADICTING_PUBLIC_KEYS';

  constructor() {
    super('the reply names one public key for v0.34 to v0.40 and another one for v1');
  }
}

/** The oneof's member of Ed25519 keys. */
const ED25519_MEMBER = 1;
const ED25519 = 0x0a;

const NO_BYTES = new Uint8Array(0);

/** A public key while it is read, in either dialect. */
export interface PublicKeyDraft {
  /** The oneof's member that came last; 0 before any. */
  member: number;
  bytes: Uint8Array;
  /** v1's pair. */
  v1Bytes: Uint8Array;
  v1Type: string | undefined;
}

/** No key yet. */
export function newPublicKeyDraft(): PublicKeyDraft {
  return { member: 0, bytes: NO_BYTES, v1Bytes: NO_BYTES, v1Type: '' };
}

/** Reads the oneof into `draft`: its last member counts. */
export function readPublicKey(reader: WireReader, draft: PublicKeyDraft): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field <= 5) {
      draft.member = field;
      draft.bytes = reader.bytes();
    } else reader.skip();
  }
}

/** Writes the fields of the oneof. */
export function writePublicKey(writer: Writer, key: PublicKey): void {
  writer.uint32(ED25519).bytes(key.bytes);
}

/**
 * The key a draft has become.
 *
 * @throws {UnsupportedKeyTypeError} ERR_UNSUPPORTED_KEY_TYPE, also when there is none.
 * @throws {InvalidPublicKeyError} ERR_INVALID_PUBLIC_KEY when it has not 32 bytes.
 * @throws {ContradictingPublicKeysError} ERR_CONTRADICTING_PUBLIC_KEYS
 */
export function publicKeyFromDraft(draft: PublicKeyDraft): PublicKey {
  const key = draft.member === ED25519_MEMBER ? ed25519PublicKey(draft.bytes) : undefined;
  const keyOfV1 = draft.v1Type === 'ed25519' ? ed25519PublicKey(draft.v1Bytes) : undefined;
  if (key !== undefined && keyOfV1 !== undefined && !equalBytes(key.bytes, keyOfV1.bytes)) {
    throw new ContradictingPublicKeysError();
  }
  const either = key ?? keyOfV1;
  if (either === undefined) throw new UnsupportedKeyTypeError(draft.v1Type || draft.member);
  return either;
}
