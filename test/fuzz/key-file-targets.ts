/** What operators bring: key files of both formats, and state files. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { decryptKey } from '@privval/hsm/file/encrypted-key';
import { encodeFilePvKey, parseFilePvKey } from '@privval/hsm/file/file-pv-key';
import {
  checkFilePvState,
  encodeFilePvState,
  type FilePvState,
  parseFilePvState,
} from '@privval/hsm/file/file-pv-state';
import { parseSignBytes } from '@privval/proto/codec/sign-bytes';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { equalPublicKeys } from '@privval/proto/crypto/public-key';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { parseChainId } from '@privval/proto/types/chain-id';
import { type FuzzTarget, owed, refusedAs } from './fuzz-target.ts';
import { CORPUS_PUBLIC_KEY, owedNoSecret } from './secret-pieces.ts';

/** The chain of the state files of the corpus. */
const CHAIN = parseChainId('mychainid');

const refusedAsForeign = refusedAs(
  'ERR_STATE_FILE_STALE',
  'ERR_STATE_FILE_FOREIGN',
  'ERR_STATE_FILE_MALFORMED',
);

/** `priv_validator_key.json`. Whatever is wrong with it, no error says a piece of the secret (S18). */
export const filePvKeyTarget: FuzzTarget = {
  name: 'file-pv-key',
  // Guarded memory is a system call at every turn.
  share: 0.3,
  run(bytes) {
    if (bytes.length === 0) return;
    // `take` zeroes what it is given, and a finding has to show its input.
    using content = GuardedBytes.take(bytes.slice());
    try {
      using secret = parseFilePvKey(content, 'key.json');
      using written = encodeFilePvKey(secret);
      using again = parseFilePvKey(written, 'key.json');
      owed(equalPublicKeys(again.publicKey, secret.publicKey), 'a key survives its file');
    } catch (error) {
      owedNoSecret(error);
      throw error;
    }
  },
  allowed: refusedAs('ERR_KEY_FILE_MALFORMED', 'ERR_KEY_FILE_MISMATCH', 'ERR_KEY_TYPE_UNSUPPORTED'),
};

/** Never read: the signal below is aborted before a key would be derived. */
const PASSPHRASE = GuardedBytes.alloc(1);

class NotDerivedError extends CodedError {
  override readonly name = 'NotDerivedError';
  readonly code = 'ERR_NOT_DERIVED';
}

const NOT_DERIVED = new NotDerivedError('the file is one whose key would be derived now');
const ABORTED = AbortSignal.abort(NOT_DERIVED);

/**
 * Encrypted key files up to the derivation, which is never begun here. An odd first byte asks for
 * the checksum to be made right, as whoever writes a hostile file would.
 */
export const encryptedKeyTarget: FuzzTarget = {
  name: 'encrypted-key',
  async run(bytes) {
    const file = ((bytes[0] ?? 0) & 1) === 1 ? withChecksum(bytes.subarray(1)) : bytes.subarray(1);
    try {
      await decryptKey(file, PASSPHRASE, 'key.json', { signal: ABORTED });
    } catch (error) {
      if (error !== NOT_DERIVED) throw error;
      const { memoryKiB, passes } = JSON.parse(new TextDecoder().decode(file)).kdf;
      owed(memoryKiB >= 8192 && passes >= 1, 'no passphrase is guarded by next to nothing');
      owed(memoryKiB <= 2 ** 20, 'a file cannot ask for more than 1 GiB');
      owed(memoryKiB * passes <= 2 ** 26, 'a file cannot ask for more than a minute of work');
      return;
    }
    owed(false, 'no key is opened with a signal that is aborted');
  },
  allowed: refusedAs('ERR_KEY_FILE_MALFORMED', 'ERR_KEY_FILE_DAMAGED'),
};

/** The file with the checksum its header and ciphertext call for; as it is where it has none. */
function withChecksum(bytes: Uint8Array): Uint8Array {
  try {
    const file = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const { ciphertext, checksum: _, format, version, publicKey, kdf, cipher } = file;
    const { memoryKiB, passes, salt } = kdf;
    // The header in the one spelling it has when a file is written.
    const header = JSON.stringify({
      format,
      version,
      publicKey: { type: publicKey.type, value: publicKey.value },
      kdf: { name: 'argon2id', memoryKiB, passes, parallelism: 1, salt },
      cipher: { name: 'xchacha20-poly1305', nonce: cipher.nonce },
    });
    const hash = createHash('sha256').update(header).update(Buffer.from(ciphertext, 'base64'));
    return new TextEncoder().encode(JSON.stringify({ ...file, checksum: hash.digest('hex') }));
  } catch {
    return bytes;
  }
}

/** `priv_validator_state.json`, as an import reads it. */
export const filePvStateTarget: FuzzTarget = {
  name: 'file-pv-state',
  run(bytes) {
    const state = parseFilePvState(bytes);
    owed(state.height >= 0n && state.height < 2n ** 63n, 'a height is an int64');
    owed(state.round >= 0 && state.round < 2 ** 31, 'a round is an int32');
    owed(
      isDeepStrictEqual(parseFilePvState(encodeFilePvState(state)), state),
      'a state survives its file (S3)',
    );
    checkOwner(state);
  },
  allowed: refusedAs('ERR_STATE_FILE_MALFORMED'),
};

/** A state with sign bytes that passes is one this key signed, at its own position (S3). */
function checkOwner(state: FilePvState): void {
  try {
    checkFilePvState(state, { chainId: CHAIN, publicKey: CORPUS_PUBLIC_KEY });
  } catch (error) {
    owed(refusedAsForeign(error), `a state is refused as what it is: ${String(error)}`);
    return;
  }
  owed(!state.isStale, 'a stale state is refused (S12)');
  if (state.signBytes === undefined) return;
  const message = parseSignBytes(state.signBytes);
  owed(message.chainId === CHAIN, 'a state is of the chain it is taken for');
  owed(message.height === state.height && message.round === state.round, 'a state is of one piece');
}
