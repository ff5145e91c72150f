/** The chain of hashes over every entry of the audit log. */
import { sodium } from '@privval/proto/crypto/sodium';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { JournalRow } from '../guard/floor-journal.ts';

/** What the hashes are hashes of, should the columns ever change. */
const ENTRY_FORMAT = 'privval audit entry 1';
const LOG_FORMAT = 'privval audit log 1';

const SHA256_BYTES = 32;

/** What the first entry of a home's log hangs on. */
export function firstPrevious(homeId: Uint8Array): Uint8Array {
  return sha256(`${LOG_FORMAT}\n${hexFromBytes(homeId)}`);
}

/**
 * The hash of an entry: SHA-256 over the format's name, the hash before it and each column behind its
 * length in bytes; bytes as hex, a column that is null as `-;`. The body as it is stored.
 */
export function hashOfEntry(previous: Uint8Array, row: Omit<JournalRow, 'hash'>): Uint8Array {
  const { seq, timeMs, kind, validator, height, round, step, signHash, body } = row;
  // One text, made once: this stands in the way of a signature.
  return sha256(
    `${ENTRY_FORMAT}\n64:${hexFromBytes(previous)}${column(seq)}${column(timeMs)}${text(kind)}` +
      `${validator === null ? '-;' : text(validator)}${column(height)}${column(round)}${column(step)}` +
      `${signHash === null ? '-;' : text(hexFromBytes(signHash))}${text(body)}`,
  );
}

function column(value: bigint | number | null): string {
  if (value === null) return '-;';
  const digits = String(value);
  return `${digits.length}:${digits}`;
}

function text(value: string): string {
  return `${Buffer.byteLength(value)}:${value}`;
}

/** libsodium's: a third of the time of OpenSSL's, whose calls are not made for short texts. */
function sha256(content: string): Uint8Array {
  return sha256Of(Buffer.from(content));
}

/** SHA-256, 32 bytes. */
export function sha256Of(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(SHA256_BYTES);
  sodium.crypto_hash_sha256(digest, bytes);
  return digest;
}
