/** Statements of where the audit log was, signed by a key of its own. */
import { existsSync } from 'node:fs';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { bytesFromHex, hexFromBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { createIdentity, readIdentity } from '../home/identity.ts';
import type { Checkpoint } from './audit-segment.ts';

const FORMAT = 'privval audit checkpoint 1';

/** What a checkpoint states. */
export type CheckpointFacts = Omit<Checkpoint, 'format' | 'auditKey' | 'signature'>;

/**
 * The home's audit key, in the form of its identity; made when there is none. The caller disposes it.
 *
 * @throws what {@link readIdentity} throws, and the system's error when none can be made.
 */
export function openAuditKey(path: string): Ed25519SecretKey {
  if (!existsSync(path)) createIdentity(path);
  return readIdentity(path);
}

/** Signs. */
export function signCheckpoint(facts: CheckpointFacts, secret: Ed25519SecretKey): Checkpoint {
  const auditKey = hexFromBytes(secret.publicKey.bytes);
  const unsigned = { format: FORMAT, ...facts, auditKey } as const;
  return { ...unsigned, signature: hexFromBytes(secret.sign(signedBytes(unsigned))) };
}

/**
 * A checkpoint out of a file; `undefined` when it is none, or its signature is not by the key it names.
 */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  try {
    const checkpoint = JSON.parse(text) as Checkpoint;
    const { format, auditKey, signature } = checkpoint;
    if (format !== FORMAT || !/^\d+$/.test(checkpoint.seq)) return undefined;
    const key = ed25519PublicKey(bytesFromHex(auditKey));
    return verifyStrict(key, signedBytes(checkpoint), bytesFromHex(signature))
      ? checkpoint
      : undefined;
  } catch {
    return undefined;
  }
}

/** Each field behind its length in bytes; the floors by name. */
function signedBytes(checkpoint: Omit<Checkpoint, 'signature'>): Uint8Array {
  const { format, homeId, seq, hash, floors, time, auditKey } = checkpoint;
  const sorted = Object.entries(floors).sort(([a], [b]) => (a < b ? -1 : 1));
  const fields = [format, homeId, seq, hash, ...sorted.flat(), time, auditKey];
  return utf8Bytes(fields.map((field) => `${utf8Bytes(field).length}:${field}`).join(''));
}
