/**
 * A strict JSON reader that gives places, not values: no part of a key file becomes a string
 * before its reader asks for that one part (S18).
 *
 * It is stricter than `JSON.parse`: the top is an object, a key occurs once, nothing follows.
 *
 * @module
 */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** Deepest nesting read. The files this is for have two levels. */
const MAX_DEPTH = 8;

/** A value of a JSON text by its place: bytes `start` to `end` (exclusive), quotes and braces included. */
export interface JsonSpan {
  readonly kind: 'string' | 'number' | 'object' | 'array' | 'literal';
  readonly start: number;
  readonly end: number;
  /** Of an object: its members by key. Empty otherwise. */
  readonly members: ReadonlyMap<string, JsonSpan>;
}

/** Bytes are not the JSON they should be. The message names the place, never the content. */
export class JsonSyntaxError extends CodedError {
  override readonly name = 'JsonSyntaxError';
  readonly code = 'ERR_JSON_SYNTAX';
  /** Byte offset of what was not understood. */
  readonly offset: number;

  constructor(expected: string, offset: number) {
    super(`${expected} expected at byte ${offset}`);
    this.offset = offset;
  }
}

const NO_MEMBERS: ReadonlyMap<string, JsonSpan> = new Map();
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/**
 * The places in one JSON object.
 *
 * @throws {JsonSyntaxError} ERR_JSON_SYNTAX on anything but one object and white space around it.
 */
export function readJsonObject(bytes: Uint8Array): JsonSpan {
  const reader = new JsonReader(bytes);
  const top = reader.value(0);
  if (top.kind !== 'object') throw new JsonSyntaxError('an object', top.start);
  reader.skipSpace();
  if (reader.offset !== bytes.length) throw new JsonSyntaxError('the end', reader.offset);
  return top;
}

/**
 * The text of a string or number span. Only for spans that hold no secret.
 *
 * @throws {JsonSyntaxError} ERR_JSON_SYNTAX on bad escapes or bytes that are not UTF-8.
 */
export function textOfSpan(bytes: Uint8Array, span: JsonSpan): string {
  try {
    const source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(span.start, span.end),
    );
    return span.kind === 'string' ? String(JSON.parse(source)) : source;
  } catch {
    // biome-ignore lint/style/useErrorCause: the parser's own message would quote the text
    throw new JsonSyntaxError('a well-formed text', span.start);
  }
}

/** One walk over the bytes; `offset` is the next unread byte. */
class JsonReader {
  readonly #bytes: Uint8Array;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  skipSpace(): void {
    while ([0x20, 0x09, 0x0a, 0x0d].includes(this.#peek())) this.offset++;
  }

  value(depth: number): JsonSpan {
    if (depth > MAX_DEPTH) throw new JsonSyntaxError('less nesting', this.offset);
    this.skipSpace();
    const first = this.#peek();
    if (first === 0x7b) return this.#object(depth);
    if (first === 0x5b) return this.#array(depth);
    if (first === 0x22) return this.#string();
    return this.#word();
  }

  #peek(): number {
    return this.#bytes[this.offset] ?? -1;
  }

  #expect(byte: number): void {
    if (this.#peek() !== byte) throw new JsonSyntaxError(String.fromCharCode(byte), this.offset);
    this.offset++;
  }

  #object(depth: number): JsonSpan {
    const start = this.offset;
    const members = new Map<string, JsonSpan>();
    this.#expect(0x7b);
    this.skipSpace();
    if (this.#peek() !== 0x7d) {
      for (;;) {
        this.skipSpace();
        const keyAt = this.offset;
        const key = textOfSpan(this.#bytes, this.#string());
        if (members.has(key)) throw new JsonSyntaxError('a key not yet used', keyAt);
        this.skipSpace();
        this.#expect(0x3a);
        members.set(key, this.value(depth + 1));
        this.skipSpace();
        if (this.#peek() !== 0x2c) break;
        this.offset++;
      }
    }
    this.#expect(0x7d);
    return { kind: 'object', start, end: this.offset, members };
  }

  #array(depth: number): JsonSpan {
    const start = this.offset;
    this.#expect(0x5b);
    this.skipSpace();
    if (this.#peek() !== 0x5d) {
      for (;;) {
        this.value(depth + 1);
        this.skipSpace();
        if (this.#peek() !== 0x2c) break;
        this.offset++;
      }
    }
    this.#expect(0x5d);
    return { kind: 'array', start, end: this.offset, members: NO_MEMBERS };
  }

  #string(): JsonSpan {
    const start = this.offset;
    this.#expect(0x22);
    for (;;) {
      const byte = this.#peek();
      if (byte < 0x20) throw new JsonSyntaxError('the end of a string', this.offset);
      this.offset++;
      if (byte === 0x22) break;
      if (byte === 0x5c) this.offset++;
    }
    return { kind: 'string', start, end: this.offset, members: NO_MEMBERS };
  }

  /** A number, `true`, `false` or `null`. */
  #word(): JsonSpan {
    const start = this.offset;
    const isWordByte = (byte: number): boolean =>
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      [0x2b, 0x2d, 0x2e, 0x45].includes(byte);
    // The longest thing of use is an int64; a run of letters beyond that is never read as a text.
    while (isWordByte(this.#peek()) && this.offset - start < 32) this.offset++;
    const word = String.fromCharCode(...this.#bytes.subarray(start, this.offset));
    const kind = NUMBER.test(word)
      ? 'number'
      : ['true', 'false', 'null'].includes(word)
        ? 'literal'
        : undefined;
    if (kind === undefined) throw new JsonSyntaxError('a value', start);
    return { kind, start, end: this.offset, members: NO_MEMBERS };
  }
}
