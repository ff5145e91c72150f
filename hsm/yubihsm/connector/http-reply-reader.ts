/** One HTTP response, put together from what the network delivers. Pure: no socket, no time. */
import { joinBytes } from '../commands/wire-bytes.ts';
import { OversizeReplyError } from './connector-errors.ts';
import { type BodyEnd, notHttp, parseResponseHead, type ResponseHead } from './http-head.ts';

/** An answer, read to its end. */
export interface HttpReply {
  readonly status: number;
  readonly body: Uint8Array;
  /** Milliseconds for which the connection may be used again; 0 when it is not to be. */
  readonly keepMs: number;
}

/** Bytes of all heads of one answer; also of all that stands between its chunks. */
const MAX_HEAD_BYTES = 16_384;

/** Bytes of the line before a chunk: a size, seldom more. */
const MAX_CHUNK_LINE_BYTES = 256;

const HTTP = 'HTTP/1.';
const LF = 0x0a;

/**
 * Takes bytes until the answer is whole. Heads with 1xx are passed over. What is longer than it may
 * be is refused as soon as that is known.
 */
export class HttpReplyReader {
  readonly #connector: string;
  readonly #maxBodyBytes: number;
  /** Arrived, and not understood yet. */
  #bytes: Uint8Array = new Uint8Array();
  #headBytes = 0;
  #head: ResponseHead | undefined;
  readonly #body: Uint8Array[] = [];
  #bodyBytes = 0;
  /** What comes next of a chunked body. */
  #next: 'size' | 'data' | 'end-of-data' | 'trailer' = 'size';
  /** What is left of the chunk's data. */
  #chunkBytes = 0;

  /** `connector` is for errors. */
  constructor(connector: string, maxBodyBytes: number) {
    this.#connector = connector;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /**
   * The answer, once it is whole: nothing may be pushed after that. A connection that brought
   * more than the answer is not to be used again: `keepMs` is 0 then.
   *
   * @throws {GarbageReplyError} ERR_YUBIHSM_GARBAGE_REPLY when it is not HTTP/1.1.
   * @throws {OversizeReplyError} ERR_YUBIHSM_OVERSIZE_REPLY
   */
  push(chunk: Uint8Array): HttpReply | undefined {
    this.#bytes = this.#bytes.length === 0 ? chunk : joinBytes(this.#bytes, chunk);
    while (this.#head === undefined) {
      const head = this.#readHead();
      if (head === undefined) return undefined;
      if (head.status === 101) throw notHttp(this.#connector, 'another protocol');
      if (head.status >= 200) this.#head = head;
    }
    return this.#readBody(this.#head.bodyEnd) ? this.#reply(this.#head) : undefined;
  }

  /** The answer that the end of the connection completes, if it does. */
  end(): HttpReply | undefined {
    return this.#head?.bodyEnd.kind === 'close' ? this.#reply(this.#head) : undefined;
  }

  #readHead(): ResponseHead | undefined {
    const end = bufferOf(this.#bytes).indexOf('\r\n\r\n');
    if (end < 0) {
      this.#expectHeadBytes(this.#bytes.length);
      if (!mayBecomeHead(latin1(this.#bytes))) throw notHttp(this.#connector, 'status line');
      return undefined;
    }
    this.#countHeadBytes(end + 4);
    return parseResponseHead(this.#connector, latin1(this.#take(end + 4).subarray(0, -4)));
  }

  /** Whether it is whole. */
  #readBody(bodyEnd: BodyEnd): boolean {
    if (bodyEnd.kind === 'chunked') return this.#readChunks();
    if (bodyEnd.kind === 'close') {
      this.#takeBody(this.#bytes.length);
      return false;
    }
    this.#expectBodyBytes(bodyEnd.bytes);
    this.#takeBody(Math.min(bodyEnd.bytes - this.#bodyBytes, this.#bytes.length));
    return this.#bodyBytes === bodyEnd.bytes;
  }

  #readChunks(): boolean {
    for (;;) {
      if (this.#next === 'data') {
        const bytes = Math.min(this.#chunkBytes, this.#bytes.length);
        this.#takeBody(bytes);
        this.#chunkBytes -= bytes;
        if (this.#chunkBytes > 0) return false;
        this.#next = 'end-of-data';
      }
      const line = this.#takeLine();
      if (line === undefined) return false;
      if (this.#next === 'trailer') {
        if (line === '') return true;
      } else if (this.#next === 'end-of-data') {
        if (line !== '') throw notHttp(this.#connector, 'end of a chunk');
        this.#next = 'size';
      } else {
        const bytes = chunkBytesOf(line);
        if (bytes === undefined) throw notHttp(this.#connector, 'size of a chunk');
        this.#chunkBytes = bytes;
        this.#expectBodyBytes(this.#bodyBytes + this.#chunkBytes);
        this.#next = this.#chunkBytes === 0 ? 'trailer' : 'data';
      }
    }
  }

  /** A line between data, without its end; `undefined` while it is not whole. */
  #takeLine(): string | undefined {
    const end = this.#bytes.indexOf(LF);
    const lineBytes = end < 0 ? this.#bytes.length : end + 1;
    if (lineBytes > MAX_CHUNK_LINE_BYTES) throw notHttp(this.#connector, 'line of a chunk');
    if (end < 0) return undefined;
    this.#countHeadBytes(lineBytes);
    const line = latin1(this.#take(lineBytes));
    if (!line.endsWith('\r\n')) throw notHttp(this.#connector, 'end of a line');
    return line.slice(0, -2);
  }

  #countHeadBytes(more: number): void {
    this.#headBytes += more;
    this.#expectHeadBytes(0);
  }

  #expectHeadBytes(more: number): void {
    if (this.#headBytes + more > MAX_HEAD_BYTES) throw notHttp(this.#connector, 'head too long');
  }

  #expectBodyBytes(bytes: number): void {
    if (bytes > this.#maxBodyBytes) {
      throw new OversizeReplyError(this.#connector, this.#maxBodyBytes);
    }
  }

  #takeBody(bytes: number): void {
    this.#expectBodyBytes(this.#bodyBytes + bytes);
    this.#body.push(this.#take(bytes));
    this.#bodyBytes += bytes;
  }

  #take(bytes: number): Uint8Array {
    const taken = this.#bytes.subarray(0, bytes);
    this.#bytes = this.#bytes.subarray(bytes);
    return taken;
  }

  #reply({ status, keepMs }: ResponseHead): HttpReply {
    const hasMore = this.#bytes.length > 0;
    return { status, body: joinBytes(...this.#body), keepMs: hasMore ? 0 : keepMs };
  }
}

/** Whether the start of a head is that of one: no need to wait for its end otherwise. */
function mayBecomeHead(text: string): boolean {
  const isHttp = text.slice(0, HTTP.length) === HTTP.slice(0, text.length);
  return isHttp && !/(?<!\r)\n/.test(text);
}

/** `undefined` for a line that does not begin with a size in hexadecimal. */
function chunkBytesOf(line: string): number | undefined {
  const [, size] = /^([0-9A-Fa-f]{1,8})[\t ]*(?:;.*)?$/.exec(line) ?? [];
  return size === undefined ? undefined : Number.parseInt(size, 16);
}

function latin1(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('latin1');
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
