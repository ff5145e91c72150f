/** Makes bad input out of good: a few random edits, of the kinds that break decoders of bytes. */
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import type { SeededRandom } from '../harness/seeded-random.ts';

/** Longest input that is made. */
const MAX_INPUT_BYTES = 4096;

/** Lengths, numbers and tags at the edges of what protobuf, JSON and our limits know. */
const TOKENS: readonly Uint8Array[] = [
  '00',
  '7f',
  '8000',
  '8001',
  'ff7f',
  'ffffffff07',
  'ffffffff0f',
  '8080808010',
  'ffffffffffffffffff01',
  'ffffffffffffffffff7f',
  '8080808080808080808000',
  '80808080808080808001',
  '0a00',
  '0b',
  '0c',
  '1200',
  '2200',
  '2a00',
  '0801',
  '0802',
  '0820',
  '1a00',
  'efbbbf',
  'eda080',
  'ffff',
  '0000000000000080',
  '5b7b22',
  '7d5d',
  '2d',
].map((hex) => bytesFromHex(hex));

type Edit = (bytes: Uint8Array, random: SeededRandom, other: Uint8Array) => Uint8Array;

const EDITS: readonly [Edit, ...Edit[]] = [
  flipBit,
  flipBit,
  setByte,
  nudgeByte,
  insertToken,
  overwriteToken,
  removeRange,
  repeatRange,
  swapRanges,
  truncate,
  splice,
  insertOther,
];

/** One to five edits of `input`; some of them take a piece of `other`. */
export function mutate(input: Uint8Array, random: SeededRandom, other: Uint8Array): Uint8Array {
  let bytes = input;
  for (let edits = 1 + random.below(random.below(5) + 1); edits > 0; edits--) {
    bytes = random.pick(EDITS)(bytes, random, other);
  }
  return bytes.length > MAX_INPUT_BYTES ? bytes.slice(0, MAX_INPUT_BYTES) : bytes;
}

function replaced(bytes: Uint8Array, start: number, end: number, piece: Uint8Array): Uint8Array {
  const result = new Uint8Array(start + piece.length + bytes.length - end);
  result.set(bytes.subarray(0, start));
  result.set(piece, start);
  result.set(bytes.subarray(end), start + piece.length);
  return result;
}

/** Two places, in order, at most 64 bytes apart most of the time. */
function range(bytes: Uint8Array, random: SeededRandom): [number, number] {
  const start = random.below(bytes.length + 1);
  const most = random.below(4) === 0 ? bytes.length - start : Math.min(8, bytes.length - start);
  return [start, start + random.below(most + 1)];
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const result = bytes.slice();
  if (result.length > 0) result[at] = value;
  return result;
}

function flipBit(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length);
  return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
}

function setByte(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  return withByte(bytes, random.below(bytes.length), random.below(256));
}

function nudgeByte(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length);
  return withByte(bytes, at, (bytes[at] ?? 0) + random.below(9) - 4);
}

function token(random: SeededRandom): Uint8Array {
  return TOKENS[random.below(TOKENS.length)] ?? new Uint8Array(1);
}

function insertToken(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, at, token(random));
}

function overwriteToken(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const piece = token(random);
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, Math.min(bytes.length, at + piece.length), piece);
}

function removeRange(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const [start, end] = range(bytes, random);
  return replaced(bytes, start, end, new Uint8Array(0));
}

function repeatRange(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const [start, end] = range(bytes, random);
  return replaced(bytes, end, end, bytes.subarray(start, end));
}

function swapRanges(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const [start, end] = range(bytes, random);
  const middle = start + random.below(end - start + 1);
  const piece = new Uint8Array(end - start);
  piece.set(bytes.subarray(middle, end));
  piece.set(bytes.subarray(start, middle), end - middle);
  return replaced(bytes, start, end, piece);
}

function truncate(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  return bytes.slice(0, random.below(bytes.length + 1));
}

function splice(bytes: Uint8Array, random: SeededRandom, other: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, bytes.length, other.subarray(random.below(other.length + 1)));
}

function insertOther(bytes: Uint8Array, random: SeededRandom, other: Uint8Array): Uint8Array {
  const [start, end] = range(other, random);
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, at, other.subarray(start, end));
}
