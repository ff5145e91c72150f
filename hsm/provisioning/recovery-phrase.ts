/**
 * Recovery phrases: 24 English words (BIP-39) for 32 bytes of entropy, from which everything that
 * opens a device is derived.
 *
 * The published library works on strings, which cannot be wiped; only its word list is used, and
 * phrase and entropy stay in guarded memory (S18).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import { wordlist } from '@scure/bip39/wordlists/english.js';

/** Words of a phrase. Shorter ones have too little entropy for what hangs on them. */
export const PHRASE_WORDS = 24;

/** Bytes of entropy in a phrase. */
export const ENTROPY_BYTES = 32;

/** Bits a word stands for. */
const WORD_BITS = 11;

const SPACE = 0x20;

/** A text is not a recovery phrase of 24 words, or a word of it was mistaken for another. */
export class InvalidRecoveryPhraseError extends CodedError {
  override readonly name = 'InvalidRecoveryPhraseError';
  readonly code = 'ERR_RECOVERY_PHRASE';
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`${path} is no recovery phrase: ${reason}`);
    this.path = path;
  }
}

/** The words of 32 bytes of entropy, joined by single spaces. Both are the caller's to dispose. */
export function phraseFromEntropy(entropy: GuardedBytes): GuardedBytes {
  if (entropy.length !== ENTROPY_BYTES) {
    throw new InvariantError(`a phrase of ${entropy.length} bytes of entropy`);
  }
  return entropy.use((bytes) => {
    const checksum = checksumOf(bytes);
    const words = Array.from({ length: PHRASE_WORDS }, (_, at) => wordAt(bytes, checksum, at));
    const length = words.reduce((total, word) => total + word.length, PHRASE_WORDS - 1);
    const phrase = GuardedBytes.alloc(length);
    phrase.use((target) => writeWords(target, words));
    return phrase;
  });
}

/**
 * The entropy of a phrase. White space around and between words does not count; case does.
 *
 * `path` is for the error, which never quotes a word.
 *
 * @throws {InvalidRecoveryPhraseError} ERR_RECOVERY_PHRASE
 */
export function entropyFromPhrase(phrase: GuardedBytes, path: string): GuardedBytes {
  return phrase.use((text) => {
    const words = wordSpans(text);
    if (words.length !== PHRASE_WORDS) {
      throw new InvalidRecoveryPhraseError(
        path,
        `it has ${words.length} words instead of ${PHRASE_WORDS}`,
      );
    }
    const entropy = GuardedBytes.alloc(ENTROPY_BYTES);
    try {
      readWords(entropy, text, words, path);
      return entropy;
    } catch (error) {
      entropy[Symbol.dispose]();
      throw error;
    }
  });
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function readWords(
  entropy: GuardedBytes,
  text: Uint8Array,
  words: readonly Span[],
  path: string,
): void {
  entropy.use((bytes) => {
    let checksum = 0;
    for (const [at, { start, end }] of words.entries()) {
      const index = indexOfWord(text.subarray(start, end));
      if (index === undefined) {
        throw new InvalidRecoveryPhraseError(
          path,
          `word ${at + 1} is not in the English word list`,
        );
      }
      for (let bit = 0; bit < WORD_BITS; bit++) {
        const isSet = (index >> (WORD_BITS - 1 - bit)) & 1;
        const position = at * WORD_BITS + bit;
        const mask = isSet << (7 - (position & 7));
        if (position < ENTROPY_BYTES * 8) {
          bytes[position >> 3] = (bytes[position >> 3] ?? 0) | mask;
        } else {
          checksum |= mask;
        }
      }
    }
    if (checksum !== checksumOf(bytes)) {
      throw new InvalidRecoveryPhraseError(
        path,
        'its checksum is wrong, so a word is not the one that was written down, or two are swapped',
      );
    }
  });
}

/** The first byte of the entropy's SHA-256. */
function checksumOf(entropy: Uint8Array): number {
  const digest = createHash('sha256').update(entropy).digest();
  const checksum = digest[0] ?? 0;
  digest.fill(0);
  return checksum;
}

function wordAt(entropy: Uint8Array, checksum: number, at: number): string {
  let index = 0;
  for (let bit = at * WORD_BITS; bit < (at + 1) * WORD_BITS; bit++) {
    const byte = entropy[bit >> 3] ?? checksum;
    index = (index << 1) | ((byte >> (7 - (bit & 7))) & 1);
  }
  return wordlist[index] ?? '';
}

function writeWords(target: Uint8Array, words: readonly string[]): void {
  let at = 0;
  for (const word of words) {
    if (at > 0) target[at++] = SPACE;
    for (let i = 0; i < word.length; i++) target[at++] = word.charCodeAt(i);
  }
}

function wordSpans(text: Uint8Array): readonly Span[] {
  const spans: Span[] = [];
  let start: number | undefined;
  for (let at = 0; at <= text.length; at++) {
    const isInside = at < text.length && !isSpace(text[at]);
    if (isInside) start ??= at;
    else if (start !== undefined) {
      spans.push({ start, end: at });
      start = undefined;
    }
  }
  return spans;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** By halving: the list is sorted, and its words have letters a to z only. */
function indexOfWord(word: Uint8Array): number | undefined {
  let low = 0;
  let high = wordlist.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareWord(word, wordlist[middle] ?? '');
    if (order === 0) return middle;
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return undefined;
}

function compareWord(word: Uint8Array, listed: string): number {
  const length = Math.min(word.length, listed.length);
  for (let at = 0; at < length; at++) {
    const difference = (word[at] ?? 0) - listed.charCodeAt(at);
    if (difference !== 0) return difference;
  }
  return word.length - listed.length;
}
