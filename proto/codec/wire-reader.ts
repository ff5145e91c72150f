/**
 * Reads protobuf as a Go node reads it, and stricter where Go guesses.
 *
 * Why not the generated decoders: they skip a known field of a wrong wire type and cut numbers to
 * 32 bits without a word. Here the first is an error, and a number arrives whole, so that a rule
 * can refuse it (spec/privval.md 2.5, rules 11 and 12).
 */
import { CodedError } from '../runtime/coded-error.ts';

/** Bytes are not the protobuf message they should be: cut short, an impossible tag, a wrong wire type. */
export class MalformedMessageError extends CodedError {
  override readonly name = 'MalformedMessageError';
  readonly code = 'ERR_MALFORMED_MESSAGE';
  /** Where in the bytes it was noticed. */
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(`malformed message: ${reason} at byte ${offset}`);
    this.offset = offset;
  }
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const START_GROUP = 3;
const END_GROUP = 4;
const FIXED32 = 5;

/** Longest varint: 64 bits in groups of seven. */
const MAX_VARINT_BYTES = 10;
const TWO_32 = 0x1_0000_0000;

/** Fatal, so that no two byte strings become one text; a leading U+FEFF is text, not a mark to drop. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * One message, or one nested in another: a window of bytes that is read from front to end.
 *
 * The loop is always `while ((field = reader.next()) !== 0) switch (field)`, where each case reads
 * its value with the method of its type, and the default calls {@link skip}. Bytes and texts that
 * are returned are copies: nothing decoded aliases what a peer sent.
 *
 * Every method throws {@link MalformedMessageError} ERR_MALFORMED_MESSAGE when the bytes are not that.
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #pos: number;
  #wireType = VARINT;
  // The varint read last, as two unsigned halves: bigint only where a caller wants one.
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#pos = start;
    this.#end = end;
  }

  /** A reader of the message behind its own length; the bytes hold nothing else. */
  static ofDelimited(bytes: Uint8Array): WireReader {
    const reader = new WireReader(bytes);
    const length = reader.#readLength();
    if (length !== bytes.length - reader.#pos) throw reader.#malformed('a length that is wrong');
    return reader;
  }

  /** Moves to the next field. @returns its number, or 0 at the end. */
  next(): number {
    if (this.#pos === this.#end) return 0;
    this.#readVarint();
    if (this.#high !== 0) throw this.#malformed('a tag of more than 32 bits');
    this.#wireType = this.#low & 7;
    const field = this.#low >>> 3;
    if (field === 0) throw this.#malformed('field number 0');
    return field;
  }

  /** An int64. */
  int64(): bigint {
    this.#expect(VARINT);
    this.#readVarint();
    return this.#signed();
  }

  /**
   * An int32, uint32, enum or bool: exact as far as 53 bits go and rounded beyond, so that a value
   * outside a field's range stays outside it.
   */
  number(): number {
    this.#expect(VARINT);
    this.#readVarint();
    return (this.#high | 0) * TWO_32 + this.#low;
  }

  /** A sfixed64. */
  sfixed64(): bigint {
    this.#expect(FIXED64);
    const start = this.#advance(8);
    this.#low = this.#fixed32(start);
    this.#high = this.#fixed32(start + 4);
    return this.#signed();
  }

  /** Bytes, copied. */
  bytes(): Uint8Array {
    this.#expect(DELIMITED);
    const length = this.#readLength();
    const start = this.#advance(length);
    // Not slice(): on a Buffer it would share memory.
    const copy = new Uint8Array(length);
    copy.set(this.#bytes.subarray(start, start + length));
    return copy;
  }

  /** A string, or `undefined` when it is not UTF-8 or has more than `maxBytes`. */
  text(maxBytes: number = Number.POSITIVE_INFINITY): string | undefined {
    this.#expect(DELIMITED);
    const length = this.#readLength();
    const start = this.#advance(length);
    if (length > maxBytes) return undefined;
    try {
      return utf8.decode(this.#bytes.subarray(start, start + length));
    } catch {
      return undefined;
    }
  }

  /** A nested message. */
  message(): WireReader {
    this.#expect(DELIMITED);
    const length = this.#readLength();
    const start = this.#advance(length);
    return new WireReader(this.#bytes, start, start + length);
  }

  /** Passes over the value of an unknown field. */
  skip(): void {
    if (this.#wireType === START_GROUP) this.#skipGroup();
    else this.#skipValue();
  }

  /** Passes over all that is left: for messages none of whose fields matter. */
  skipRest(): void {
    while (this.next() !== 0) this.skip();
  }

  #skipGroup(): void {
    for (let depth = 1; depth > 0; ) {
      if (this.next() === 0) throw this.#malformed('a group without its end');
      if (this.#wireType === START_GROUP) depth += 1;
      else if (this.#wireType === END_GROUP) depth -= 1;
      else this.#skipValue();
    }
  }

  #skipValue(): void {
    if (this.#wireType === VARINT) this.#readVarint();
    else if (this.#wireType === FIXED64) this.#advance(8);
    else if (this.#wireType === DELIMITED) this.#advance(this.#readLength());
    else if (this.#wireType === FIXED32) this.#advance(4);
    else throw this.#malformed(`wire type ${this.#wireType}`);
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) {
      throw this.#malformed(`wire type ${this.#wireType} where ${wireType} belongs`);
    }
  }

  /** Moves on by `length` bytes. @returns where they start. */
  #advance(length: number): number {
    const start = this.#pos;
    if (length > this.#end - start) throw this.#malformed(`${length} bytes announced, fewer there`);
    this.#pos = start + length;
    return start;
  }

  #readLength(): number {
    this.#readVarint();
    // High bits make it at least 4 GiB: #advance refuses it without knowing how much more.
    return this.#high * TWO_32 + this.#low;
  }

  #readVarint(): void {
    let low = 0;
    let high = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.#pos === this.#end) throw this.#malformed('a varint cut short');
      const byte = this.#bytes[this.#pos++] as number;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        // Of the tenth byte only one bit has room; Go drops the others, nobody sends them.
        if (i === 9 && bits > 1) throw this.#malformed('a varint of more than 64 bits');
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw this.#malformed('a varint of more than ten bytes');
  }

  #fixed32(at: number): number {
    const bytes = this.#bytes;
    const top = bytes[at + 3] as number;
    const rest =
      (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
    return (rest | (top << 24)) >>> 0;
  }

  /** The two halves as a signed number; heights and times of our century take the short way. */
  #signed(): bigint {
    const high = this.#high | 0;
    if (high >= 0 && high < 0x20_0000) return BigInt(high * TWO_32 + this.#low);
    return (BigInt(high) << 32n) | BigInt(this.#low);
  }

  #malformed(reason: string): MalformedMessageError {
    return new MalformedMessageError(reason, this.#pos);
  }
}
