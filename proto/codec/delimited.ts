/** Frames on a byte stream: each message behind its length as a varint (spec/privval.md 3.2). */
import type { AbortOptions } from '../runtime/abort.ts';
import type { ByteStream } from '../runtime/byte-stream.ts';
import { CodedError, InvariantError } from '../runtime/coded-error.ts';

/** The peer announced a frame longer than the limit. Nothing was allocated for it; the stream is out of step. */
export class FrameTooLargeError extends CodedError {
  override readonly name = 'FrameTooLargeError';
  readonly code = 'ERR_FRAME_TOO_LARGE';
  readonly announcedBytes: number;
  readonly maxBytes: number;

  constructor(announcedBytes: number, maxBytes: number) {
    super(`frame too large: ${announcedBytes} bytes announced, ${maxBytes} allowed`);
    this.announcedBytes = announcedBytes;
    this.maxBytes = maxBytes;
  }
}

/** The peer closed the stream in the middle of a frame. */
export class TruncatedFrameError extends CodedError {
  override readonly name = 'TruncatedFrameError';
  readonly code = 'ERR_TRUNCATED_FRAME';
  /** `undefined` when the length itself was cut short. */
  readonly expectedBytes: number | undefined;
  readonly receivedBytes: number;

  constructor(expectedBytes: number | undefined, receivedBytes: number) {
    super(
      expectedBytes === undefined
        ? 'frame truncated within its length'
        : `frame truncated: ${expectedBytes} bytes announced, ${receivedBytes} received`,
    );
    this.expectedBytes = expectedBytes;
    this.receivedBytes = receivedBytes;
  }
}

/** Where a frame's length belongs there is no varint of at most 64 bits. */
export class BadFrameLengthError extends CodedError {
  override readonly name = 'BadFrameLengthError';
  readonly code = 'ERR_BAD_FRAME_LENGTH';

  constructor() {
    super('a frame length of more than 64 bits');
  }
}

/** Longest varint of 64 bits. */
const MAX_LENGTH_BYTES = 10;

/** What is allocated for a frame before its first byte came; more only as more arrives. */
const FIRST_BODY_BYTES = 16_384;

const NO_BYTES = new Uint8Array(0);

/** `body` behind its length. */
export function encodeFrame(body: Uint8Array): Uint8Array {
  const lengthBytes = varintBytes(body.length);
  const frame = new Uint8Array(lengthBytes + body.length);
  let rest = body.length;
  for (let i = 0; i < lengthBytes; i++) {
    frame[i] = i === lengthBytes - 1 ? rest : (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  frame.set(body, lengthBytes);
  return frame;
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) count += 1;
  return count;
}

/** What a {@link FrameReader} works with. */
export interface FrameReaderDeps {
  /** Read from, never written or disposed. */
  readonly stream: ByteStream;
}

/** Limits of a {@link FrameReader}. */
export interface FrameReaderOptions {
  /** The longest body that is read. */
  readonly maxBytes: number;
}

/**
 * Cuts a stream into frames, however the stream was cut on its way.
 *
 * A frame that lies within one chunk is a view of that chunk; only one that spans several is
 * copied, and memory grows with what has arrived, not with what was announced. An abort while
 * waiting loses nothing: the next read goes on where the last one was. After an error the stream
 * is out of step, and every later read fails alike.
 */
export class FrameReader {
  readonly #stream: ByteStream;
  readonly #maxBytes: number;
  /** Received, and not consumed from `#chunkPos` on. */
  #chunk: Uint8Array = NO_BYTES;
  #chunkPos = 0;
  /** The length so far, while it is read. */
  #length = 0;
  #lengthBytes = 0;
  #lengthKnown = false;
  /** A body that spans chunks: its first `#bodyBytes` bytes are there. */
  #body: Uint8Array = NO_BYTES;
  #bodyBytes = 0;
  #fault: CodedError | undefined;
  #reading = false;

  constructor(deps: FrameReaderDeps, options: FrameReaderOptions) {
    this.#stream = deps.stream;
    this.#maxBytes = options.maxBytes;
  }

  /**
   * The next frame's body, empty for the frame `00`; `undefined` when the peer closed between frames.
   *
   * @throws {FrameTooLargeError} ERR_FRAME_TOO_LARGE
   * @throws {BadFrameLengthError} ERR_BAD_FRAME_LENGTH
   * @throws {TruncatedFrameError} ERR_TRUNCATED_FRAME
   */
  async read(options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#reading) throw new InvariantError('two reads of one FrameReader at once');
    this.#reading = true;
    try {
      for (;;) {
        const body = this.#take();
        if (body !== undefined) return body;
        const chunk = await this.#stream.read(options);
        if (chunk === undefined) return this.#endOfStream();
        this.#chunk = chunk;
        this.#chunkPos = 0;
      }
    } finally {
      this.#reading = false;
    }
  }

  /** The next body, if what has arrived completes one; otherwise all that has arrived is stowed. */
  #take(): Uint8Array | undefined {
    if (!this.#lengthKnown && !this.#takeLength()) return undefined;
    const chunk = this.#chunk;
    const available = chunk.length - this.#chunkPos;
    const missing = this.#length - this.#bodyBytes;
    const end = this.#chunkPos + Math.min(missing, available);
    const part = chunk.subarray(this.#chunkPos, end);
    this.#chunkPos = end;
    if (missing > available) {
      this.#stow(part);
      return undefined;
    }
    if (this.#bodyBytes === 0) return this.#complete(part);
    this.#stow(part);
    return this.#complete(this.#body.subarray(0, this.#length));
  }

  #takeLength(): boolean {
    while (this.#chunkPos < this.#chunk.length) {
      const byte = this.#chunk[this.#chunkPos++] as number;
      // In floating point, for a shift would drop what makes it too large.
      this.#length += (byte & 0x7f) * 2 ** (7 * this.#lengthBytes);
      this.#lengthBytes += 1;
      if (this.#lengthBytes === MAX_LENGTH_BYTES && byte > 1)
        throw this.#fail(new BadFrameLengthError());
      if (byte < 0x80) {
        if (this.#length > this.#maxBytes) {
          throw this.#fail(new FrameTooLargeError(this.#length, this.#maxBytes));
        }
        this.#lengthKnown = true;
        return true;
      }
    }
    return false;
  }

  #stow(part: Uint8Array): void {
    const needed = this.#bodyBytes + part.length;
    if (needed > this.#body.length) {
      const grown = Math.max(needed, this.#body.length * 2, FIRST_BODY_BYTES);
      const body = new Uint8Array(Math.min(grown, this.#length));
      body.set(this.#body.subarray(0, this.#bodyBytes));
      this.#body = body;
    }
    this.#body.set(part, this.#bodyBytes);
    this.#bodyBytes = needed;
  }

  #complete(body: Uint8Array): Uint8Array {
    this.#length = 0;
    this.#lengthBytes = 0;
    this.#lengthKnown = false;
    this.#body = NO_BYTES;
    this.#bodyBytes = 0;
    return body;
  }

  #endOfStream(): undefined {
    if (this.#lengthBytes === 0) return undefined;
    const expected = this.#lengthKnown ? this.#length : undefined;
    throw this.#fail(new TruncatedFrameError(expected, this.#bodyBytes));
  }

  #fail(fault: CodedError): CodedError {
    this.#fault = fault;
    return fault;
  }
}
