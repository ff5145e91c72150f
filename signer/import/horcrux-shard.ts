/** The public half of a `*_shard.json`: which key it is a shard of. The share in it is not looked at. */
import { existsSync } from 'node:fs';
import { type JsonSpan, readJsonObject, textOfSpan } from '@privval/hsm/file/json-spans';
import { KeyFileMalformedError } from '@privval/hsm/file/key-file-errors';
import { readSecretFile } from '@privval/hsm/file/secret-file';
import { bytesFromBase64, hexFromBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** Shards of v2 hold the RSA keys of all cosigners, too. */
const MAX_SHARD_FILE_BYTES = 64 * 1024;

/** What stands before the 32 bytes of an Ed25519 key: in protobuf, and in the amino of old shards. */
const PREFIXES: readonly string[] = ['0a20', '1624de6420'];

/**
 * 32 bytes; `undefined` when there is no such file.
 *
 * @throws {KeyFileMalformedError} ERR_KEY_FILE_MALFORMED
 * @throws what {@link readSecretFile} throws.
 */
export function readShardPublicKey(path: string): Uint8Array | undefined {
  if (!existsSync(path)) return undefined;
  using file = readSecretFile(path, { maxBytes: MAX_SHARD_FILE_BYTES });
  const key = file.use((bytes) => {
    try {
      const { members } = readJsonObject(bytes);
      return publicKeyIn(bytes, members.get('pubKey') ?? members.get('pub_key'));
    } catch (error) {
      if (error instanceof CodedError) return undefined;
      throw error;
    }
  });
  if (key !== undefined) return key;
  throw new KeyFileMalformedError({ path, reason: 'it has no pubKey of an Ed25519 key' });
}

function publicKeyIn(bytes: Uint8Array, span: JsonSpan | undefined): Uint8Array | undefined {
  if (span?.kind !== 'string') return undefined;
  const encoded = bytesFromBase64(textOfSpan(bytes, span));
  const prefix = PREFIXES.find((text) => hexFromBytes(encoded).startsWith(text));
  const key = prefix === undefined ? undefined : encoded.subarray(prefix.length / 2);
  return key?.length === 32 ? key : undefined;
}
