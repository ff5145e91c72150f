/** The key that lies in the key files of the corpus, and whether an error says a piece of it. */
import { createHash } from 'node:crypto';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { base64FromBytes } from '@privval/proto/runtime/bytes';
import { owed } from './fuzz-target.ts';

/** The seed of the fact sheet's vectors (spec/privval.md 5.1). */
function corpusSeed(): Uint8Array {
  return new Uint8Array(createHash('sha256').update("it's a secret").digest());
}

/** Whose the key and state files of the corpus are. */
export const CORPUS_PUBLIC_KEY: PublicKey = Ed25519SecretKey.fromSeed(corpusSeed()).publicKey;

/** The base64 of the seed in the corpus's key files: 42 letters are the seed's alone. */
const SEED_TEXT: string = base64FromBytes(corpusSeed()).slice(0, 42);

/** Letters in a row by which a piece of the seed is known: 48 bits, no accident. */
const TELLING_LETTERS = 8;

const SEED_PIECES: readonly string[] = Array.from(
  { length: SEED_TEXT.length - TELLING_LETTERS + 1 },
  (_, at) => SEED_TEXT.slice(at, at + TELLING_LETTERS),
);

/** @throws {BrokenPromiseError} when the error or one of its causes quotes the seed (S18). */
export function owedNoSecret(error: unknown): void {
  for (const text of textsOf(error)) {
    owed(!SEED_PIECES.some((piece) => text.includes(piece)), 'no error quotes a secret (S18)');
  }
}

/** Every text of an error and of its causes: message and fields. */
function* textsOf(error: unknown): Generator<string> {
  for (let at = error; at instanceof Error; at = at.cause) {
    yield at.message;
    for (const value of Object.values(at)) if (typeof value === 'string') yield value;
  }
}
