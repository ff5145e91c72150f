/** A byte stream inside another one, sealed frame by frame: the common part of SecretConnection and Noise. */
import type { AbortOptions } from '../runtime/abort.ts';
import { type ByteStream, StreamBrokenError, StreamClosedError } from '../runtime/byte-stream.ts';
import { CodedError, InvariantError } from '../runtime/coded-error.ts';

/** Turns bytes into sealed frames. */
export interface Sealer extends Disposable {
  /**
   * The frames that carry `bytes` (at least one), back to back. The result is the sealer's own
   * memory and holds until the next call.
   *
   * @throws {NonceExhaustedError} ERR_NONCE_EXHAUSTED
   */
  seal(bytes: Uint8Array): Uint8Array;
}

/** Turns received bytes, cut anywhere, back into what was sealed. */
export interface Opener extends Disposable {
  /**
   * What the frames completed by `chunk` carry, if anything. It takes the chunk over: opens frames
   * where they lie, and the result may share its memory. What came before a bad frame is given out
   * first; {@link failure} tells of it at once, and no call opens anything after it.
   *
   * @throws {SealedFrameError} ERR_SEALED_FRAME
   */
  open(chunk: Uint8Array): Uint8Array | undefined;
  /** Why nothing can be opened any more; `undefined` while all is well. */
  readonly failure: unknown;
  /** Whether a frame has begun and is not complete: an end of the stream is no clean end then. */
  readonly insideFrame: boolean;
}

/** What a sealed stream is made of; it owns all three. */
export interface SealedStreamDeps {
  readonly stream: ByteStream;
  readonly sealer: Sealer;
  readonly opener: Opener;
}

/**
 * Most bytes that one write below carries. The largest privval message (1,056,218 bytes and its
 * length) fits: a message is one system call.
 */
const BATCH_BYTES = 1_081_344;

/**
 * The stream of what is sealed. Frames of one write are written together; a frame without data is
 * never sent, and skipped when received.
 */
export class SealedStream implements ByteStream {
  readonly remote: string;
  readonly #stream: ByteStream;
  readonly #sealer: Sealer;
  readonly #opener: Opener;
  /** Bytes from below that came together with the end of the handshake. */
  #early: Uint8Array | undefined;
  /** Opened bytes that were put back. */
  #unread: Uint8Array | undefined;
  #reading = false;
  #writing = false;
  /** Why nothing can be written any more: a sealed frame may not have left, and the peer waits for its nonce. */
  #torn: Error | undefined;

  constructor(deps: SealedStreamDeps, options: { readonly early?: Uint8Array | undefined } = {}) {
    this.remote = deps.stream.remote;
    this.#stream = deps.stream;
    this.#sealer = deps.sealer;
    this.#opener = deps.opener;
    this.#early = options.early;
  }

  async read(options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    if (options.signal?.aborted) throw options.signal.reason;
    if (this.#reading) throw new InvariantError('two reads of one stream at the same time');
    const unread = this.#unread;
    if (unread !== undefined) {
      this.#unread = undefined;
      return unread;
    }
    this.#reading = true;
    try {
      for (;;) {
        if (this.#opener.failure !== undefined) throw this.#opener.failure;
        const chunk = this.#early ?? (await this.#stream.read(options));
        this.#early = undefined;
        if (chunk === undefined) {
          if (!this.#opener.insideFrame) return undefined;
          throw new StreamBrokenError(this.remote, 'it ended inside a frame');
        }
        const bytes = this.#opener.open(chunk);
        if (bytes !== undefined && bytes.length > 0) return bytes;
      }
    } finally {
      this.#reading = false;
    }
  }

  async write(bytes: Uint8Array, options: AbortOptions = {}): Promise<void> {
    // Before anything is sealed: an abort that comes this early leaves the stream whole.
    if (options.signal?.aborted) throw options.signal.reason;
    if (this.#writing) throw new InvariantError('two writes of one stream at the same time');
    if (this.#torn !== undefined) throw this.#torn;
    this.#writing = true;
    try {
      for (let offset = 0; offset < bytes.length; offset += BATCH_BYTES) {
        const batch = bytes.subarray(offset, offset + BATCH_BYTES);
        await this.#stream.write(this.#sealer.seal(batch), options);
      }
    } catch (error) {
      this.#torn ??=
        error instanceof CodedError
          ? error
          : new StreamBrokenError(this.remote, 'a write was given up', { cause: error });
      throw error;
    } finally {
      this.#writing = false;
    }
  }

  /** Puts bytes that were read back in front: the handshake read more than its own message. */
  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#unread = bytes;
  }

  /** Wipes the keys and closes the stream below. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#torn = new StreamClosedError(this.remote);
    // The stream first: what waits on it must be gone before the keys are.
    try {
      await this.#stream[Symbol.asyncDispose]();
    } finally {
      this.#unread = undefined;
      this.#early = undefined;
      this.#sealer[Symbol.dispose]();
      this.#opener[Symbol.dispose]();
    }
  }
}
