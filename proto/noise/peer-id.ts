/** libp2p peer ids: how both ends of `noise://` are pinned (spec/cometbft-0.40.md 1.3). Not CometBFT node ids. */
import { createHash } from 'node:crypto';
import type { PublicKey } from '../crypto/public-key.ts';
import { concatBytes, equalBytes } from '../runtime/bytes.ts';
import { CodedError } from '../runtime/coded-error.ts';
import { encodeIdentityKey, type IdentityKey } from './identity-key.ts';
import { decodeBase58, decodeMultibase, encodeBase58 } from './multibase.ts';

/** Marshalled keys up to this length are the id themselves; longer ones are hashed. */
const MAX_INLINE_KEY_BYTES = 42;

/** Multihash codes. */
const IDENTITY = 0x00;
const SHA2_256 = 0x12;

/** Version 1 of a CID, and the codec `libp2p-key`. */
const CID_PREFIX: Uint8Array = Uint8Array.of(0x01, 0x72);

/** A text is not a libp2p peer id. */
export class InvalidPeerIdError extends CodedError {
  override readonly name = 'InvalidPeerIdError';
  readonly code = 'ERR_INVALID_PEER_ID';

  constructor(reason: string, options?: ErrorOptions) {
    super(`not a libp2p peer id: ${reason}`, options);
  }
}

/** The id of a key as text: base58btc, `12D3KooW…` for Ed25519. */
export function libp2pPeerIdFromPublicKey(key: PublicKey): string {
  return encodeBase58(peerIdBytes(key));
}

/** The id of a key of either type: a multihash. */
export function peerIdBytes(key: IdentityKey): Uint8Array {
  const marshalled = encodeIdentityKey(key);
  return marshalled.length <= MAX_INLINE_KEY_BYTES
    ? concatBytes(Uint8Array.of(IDENTITY, marshalled.length), marshalled)
    : concatBytes(Uint8Array.of(SHA2_256, 32), createHash('sha256').update(marshalled).digest());
}

/** A multihash as peer id text. */
export function formatLibp2pPeerId(multihash: Uint8Array): string {
  return encodeBase58(multihash);
}

/**
 * The multihash a text stands for. Ids are compared by it: one id has several spellings.
 *
 * Taken are base58btc text starting with `1` or `Qm`, and CIDs with codec libp2p-key in base58btc
 * (`z…`), base36 (`k…`) or base32 (`b…`).
 *
 * @throws {InvalidPeerIdError} ERR_INVALID_PEER_ID
 */
export function parseLibp2pPeerId(text: string): Uint8Array {
  const bytes = decodeText(text);
  const [code, length] = bytes;
  const known =
    (code === IDENTITY && bytes.length > 2 && bytes.length <= 2 + MAX_INLINE_KEY_BYTES) ||
    (code === SHA2_256 && bytes.length === 2 + 32);
  if (!known || length !== bytes.length - 2) {
    throw new InvalidPeerIdError(`${JSON.stringify(text)} holds no key and no hash of one`);
  }
  return bytes;
}

function decodeText(text: string): Uint8Array {
  try {
    if (text.startsWith('1') || text.startsWith('Qm')) return decodeBase58(text);
    const cid = decodeMultibase(text);
    if (equalBytes(cid.subarray(0, CID_PREFIX.length), CID_PREFIX)) {
      return cid.slice(CID_PREFIX.length);
    }
  } catch (cause) {
    throw new InvalidPeerIdError(`${JSON.stringify(text)} is neither base58 nor a CID`, { cause });
  }
  throw new InvalidPeerIdError(`${JSON.stringify(text)} is a CID of something else`);
}
