/** Bech32 (BIP-173) and the two things Cosmos SDK chains write in it about a validator. */
import { concatBytes, utf8Bytes } from '../runtime/bytes.ts';
import { CodedError } from '../runtime/coded-error.ts';
import { addressFromPublicKey, type PublicKey } from './public-key.ts';

/** The 32 symbols, by value. */
const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** Coefficients of the checksum's generator. */
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;

/** Symbols of a checksum. */
const CHECKSUM_SYMBOLS = 6;

/** Longest text: BIP-173 allows 90, but Cosmos keys with long prefixes pass it; its SDK allows 1023. */
const MAX_TEXT_LENGTH = 1023;

/** Amino's name of an Ed25519 public key, and the length 32: what `cosmosvalconspub` texts start with. */
const AMINO_ED25519_PREFIX: Uint8Array = Uint8Array.of(0x16, 0x24, 0xde, 0x64, 0x20);

/** A text is not bech32, or a prefix cannot be part of one. */
export class InvalidBech32Error extends CodedError {
  override readonly name = 'InvalidBech32Error';
  readonly code = 'ERR_INVALID_BECH32';

  constructor(reason: string) {
    super(`not bech32: ${reason}`);
  }
}

/**
 * The bytes under a human-readable prefix, in lower case.
 * @throws {InvalidBech32Error} ERR_INVALID_BECH32 when the prefix is not 1 to 83 printable lower-case characters.
 */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  return new TextDecoder().decode(encodeBech32Bytes(prefix, bytes));
}

/**
 * As {@link encodeBech32}, as ASCII bytes: for what is secret and must be wiped, which a string
 * cannot be (S18).
 * @throws {InvalidBech32Error} ERR_INVALID_BECH32
 */
export function encodeBech32Bytes(prefix: string, bytes: Uint8Array): Uint8Array {
  checkPrefix(prefix);
  if (prefix !== prefix.toLowerCase()) throw new InvalidBech32Error('the prefix is in upper case');
  const symbols = symbolsFromBytes(bytes);
  const sum = checksum(prefix, symbols);
  const text = new Uint8Array(prefix.length + 1 + symbols.length + sum.length);
  text.set(utf8Bytes(`${prefix}1`));
  for (const [at, symbol] of [...symbols, ...sum].entries()) {
    text[prefix.length + 1 + at] = ALPHABET.charCodeAt(symbol);
  }
  symbols.fill(0);
  return text;
}

/** @throws {InvalidBech32Error} ERR_INVALID_BECH32 on anything BIP-173 refuses, or bits that are no whole bytes. */
export function decodeBech32(text: string): { prefix: string; bytes: Uint8Array } {
  const { prefix, symbols } = decodeSymbols(text);
  return { prefix, bytes: bytesFromSymbols(symbols) };
}

/** A consensus key as Cosmos SDK chains wrote it until v0.42 (`cosmosvalconspub1zcjduepq…`). */
export function bech32FromPublicKey(key: PublicKey, prefix = 'cosmosvalconspub'): string {
  return encodeBech32(prefix, concatBytes(AMINO_ED25519_PREFIX, key.bytes));
}

/** A validator's consensus address (`cosmosvalcons1…`). */
export function bech32FromAddress(key: PublicKey, prefix = 'cosmosvalcons'): string {
  return encodeBech32(prefix, addressFromPublicKey(key));
}

/** Checks the text and its checksum. Apart from {@link decodeBech32}: BIP-173's own vectors are not whole bytes. */
export function decodeSymbols(text: string): { prefix: string; symbols: readonly number[] } {
  if (text.length > MAX_TEXT_LENGTH) throw new InvalidBech32Error('too long');
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) throw new InvalidBech32Error('mixed case');
  const separator = lower.lastIndexOf('1');
  if (separator < 0) throw new InvalidBech32Error('no separator');
  const prefix = lower.slice(0, separator);
  checkPrefix(prefix);
  const symbols = Array.from(lower.slice(separator + 1), (character) => {
    const symbol = ALPHABET.indexOf(character);
    if (symbol < 0) throw new InvalidBech32Error(`character ${JSON.stringify(character)}`);
    return symbol;
  });
  if (symbols.length < CHECKSUM_SYMBOLS) throw new InvalidBech32Error('too short');
  if (polymod([...prefixSymbols(prefix), ...symbols]) !== 1) {
    throw new InvalidBech32Error('the checksum is wrong');
  }
  return { prefix, symbols: symbols.slice(0, -CHECKSUM_SYMBOLS) };
}

function checkPrefix(prefix: string): void {
  if (!/^[\x21-\x7e]{1,83}$/.test(prefix)) {
    throw new InvalidBech32Error('the prefix is not 1 to 83 printable characters');
  }
}

function checksum(prefix: string, symbols: readonly number[]): number[] {
  const padded = [...prefixSymbols(prefix), ...symbols, 0, 0, 0, 0, 0, 0];
  const remainder = polymod(padded) ^ 1;
  return Array.from({ length: CHECKSUM_SYMBOLS }, (_, i) => (remainder >>> (5 * (5 - i))) & 31);
}

function prefixSymbols(prefix: string): number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0));
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)];
}

function polymod(symbols: readonly number[]): number {
  let remainder = 1;
  for (const symbol of symbols) {
    const top = remainder >>> 25;
    remainder = ((remainder & 0x1ffffff) << 5) ^ symbol;
    for (const [bit, coefficient] of GENERATOR.entries()) {
      if ((top >>> bit) & 1) remainder ^= coefficient;
    }
  }
  return remainder;
}

function symbolsFromBytes(bytes: Uint8Array): number[] {
  const symbols: number[] = [];
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; ) {
      bits -= 5;
      symbols.push((held >>> bits) & 31);
    }
  }
  if (bits > 0) symbols.push((held << (5 - bits)) & 31);
  return symbols;
}

function bytesFromSymbols(symbols: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const symbol of symbols) {
    held = ((held << 5) | symbol) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >>> bits) & 0xff);
    }
  }
  if (bits >= 5 || (held & ((1 << bits) - 1)) !== 0) {
    throw new InvalidBech32Error('the bits are no whole bytes');
  }
  return Uint8Array.from(bytes);
}
