/** Takes a reply apart, strictly: what is missing or left over makes it malformed. */
import { MalformedReplyError } from './malformed-reply-error.ts';
import { copyOf } from './wire-bytes.ts';

/** Reads the fields of one reply in their order. All numbers are big-endian. */
export class ReplyReader {
  readonly #what: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  /** `what` names the reply in errors: the vendor's name of the command. */
  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes have not been read. */
  get left(): number {
    return this.#bytes.length - this.#position;
  }

  /** One byte. @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY at the end, as all of these. */
  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  /** Two bytes. */
  uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  /** Four bytes. */
  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** Eight bytes. */
  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** The next `count` bytes, copied: a reply's buffer belongs to whoever received it. */
  bytes(count: number): Uint8Array {
    const start = this.#take(count);
    return copyOf(this.#bytes.subarray(start, start + count));
  }

  /** All that is left, copied. */
  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  /** Declares the reply complete. @throws {MalformedReplyError} when bytes are left. */
  end(): void {
    if (this.left > 0) this.fail(`${this.left} bytes more than there should be`);
  }

  /** Refuses the reply for a reason of the caller's. */
  fail(reason: string, options?: ErrorOptions): never {
    throw new MalformedReplyError(this.#what, reason, options);
  }

  #take(count: number): number {
    if (count > this.left) this.fail(`${this.#bytes.length} bytes, which is too few`);
    const start = this.#position;
    this.#position += count;
    return start;
  }
}

/** Reads a whole reply: what `read` does not take is an error. */
export function readReply<Reply>(
  what: string,
  bytes: Uint8Array,
  read: (reader: ReplyReader) => Reply,
): Reply {
  const reader = new ReplyReader(what, bytes);
  const reply = read(reader);
  reader.end();
  return reply;
}
