/**
 * Noise's transport phase (spec/cometbft-0.40.md 1.5): frames of a 2-byte big-endian length and
 * ChaCha20-Poly1305 ciphertext, one key and one counter for each direction, never rekeyed.
 */
import {
  type CipherOptions,
  CipherState,
  SealedFrameError,
  TAG_BYTES,
} from '../crypto/cipher-state.ts';
import type { Opener, Sealer } from '../crypto/sealed-stream.ts';
import { sodium } from '../crypto/sodium.ts';

/** Bytes before a frame that say how long it is. */
export const LENGTH_PREFIX_BYTES = 2;

/** Longest Noise message: what the length can say. */
export const MAX_MESSAGE_BYTES = 65_535;

/** Most plaintext in one frame; longer writes are cut. */
export const MAX_PLAINTEXT_BYTES: number = MAX_MESSAGE_BYTES - TAG_BYTES;

/** Largest buffer for sealed frames that is kept from one write to the next. */
const KEPT_BUFFER_BYTES: number = LENGTH_PREFIX_BYTES + MAX_MESSAGE_BYTES;

/** Seals one direction. */
export class NoiseSealer implements Sealer {
  readonly #cipher: CipherState;
  #buffer: Uint8Array = new Uint8Array(1024);

  constructor(key: Uint8Array, options: CipherOptions = {}) {
    this.#cipher = new CipherState(key, options);
  }

  seal(bytes: Uint8Array): Uint8Array {
    const frames = Math.ceil(bytes.length / MAX_PLAINTEXT_BYTES);
    const wire = this.#bufferOf(bytes.length + frames * (LENGTH_PREFIX_BYTES + TAG_BYTES));
    let end = 0;
    for (let offset = 0; offset < bytes.length; offset += MAX_PLAINTEXT_BYTES) {
      const plaintext = bytes.subarray(offset, offset + MAX_PLAINTEXT_BYTES);
      const length = plaintext.length + TAG_BYTES;
      wire[end] = length >>> 8;
      wire[end + 1] = length & 0xff;
      const start = end + LENGTH_PREFIX_BYTES;
      end = start + length;
      this.#cipher.encrypt(wire.subarray(start, end), plaintext, null);
    }
    return wire;
  }

  [Symbol.dispose](): void {
    this.#cipher[Symbol.dispose]();
  }

  #bufferOf(length: number): Uint8Array {
    if (this.#buffer.length >= length) return this.#buffer.subarray(0, length);
    const buffer = new Uint8Array(length);
    if (length <= KEPT_BUFFER_BYTES) this.#buffer = buffer;
    return buffer;
  }
}

/** Opens the other direction. */
export class NoiseOpener implements Opener {
  readonly #cipher: CipherState;
  /** The beginning of a frame whose rest has not come yet; grows to the largest frame seen in pieces. */
  #partial: Uint8Array = new Uint8Array(1024);
  #partialBytes = 0;
  #failure: unknown;

  constructor(key: Uint8Array, options: CipherOptions = {}) {
    this.#cipher = new CipherState(key, options);
  }

  get failure(): unknown {
    return this.#failure;
  }

  get insideFrame(): boolean {
    return this.#partialBytes > 0;
  }

  open(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    let head: Uint8Array | undefined;
    let offset = 0;
    if (this.#partialBytes > 0) {
      offset = this.#completePartial(chunk);
      const wanted = frameBytes(this.#partial, 0, this.#partialBytes);
      if (wanted === undefined || this.#partialBytes < wanted) return undefined;
      this.#partialBytes = 0;
      head = this.#partial.slice(LENGTH_PREFIX_BYTES, this.#openInPlace(this.#partial, 0, wanted));
    }
    const rest = this.#openFrames(chunk, offset, head !== undefined);
    if (head === undefined || head.length === 0) return rest;
    if (rest.length === 0) return head;
    const joined = new Uint8Array(head.length + rest.length);
    joined.set(head);
    joined.set(rest, head.length);
    return joined;
  }

  [Symbol.dispose](): void {
    this.#cipher[Symbol.dispose]();
    sodium.sodium_memzero(this.#partial);
  }

  /** Moves what the begun frame still needs out of `chunk`. @returns how many bytes that were. */
  #completePartial(chunk: Uint8Array): number {
    let taken = 0;
    for (;;) {
      // The length comes first; only with it is it known how much belongs to the frame.
      const wanted = frameBytes(this.#partial, 0, this.#partialBytes) ?? LENGTH_PREFIX_BYTES;
      const count = Math.min(wanted - this.#partialBytes, chunk.length - taken);
      if (count === 0) return taken;
      this.#keep(chunk.subarray(taken, taken + count), wanted);
      taken += count;
    }
  }

  /** Appends to the begun frame, of which `wanted` bytes are known to come. */
  #keep(bytes: Uint8Array, wanted: number): void {
    if (this.#partial.length < wanted) {
      const grown = new Uint8Array(wanted);
      grown.set(this.#partial.subarray(0, this.#partialBytes));
      this.#partial = grown;
    }
    this.#partial.set(bytes, this.#partialBytes);
    this.#partialBytes += bytes.length;
  }

  /** Opens the whole frames of `chunk` from `offset`, moves their data together, keeps the rest for later. */
  #openFrames(chunk: Uint8Array, offset: number, hasEarlierData: boolean): Uint8Array {
    const start = offset + LENGTH_PREFIX_BYTES;
    let end = start;
    let frame = offset;
    for (;;) {
      const wanted = frameBytes(chunk, frame, chunk.length);
      if (wanted === undefined || chunk.length - frame < wanted) break;
      let dataEnd: number;
      try {
        dataEnd = this.#openInPlace(chunk, frame, wanted);
      } catch (error) {
        if (!hasEarlierData && end === start) throw error;
        return chunk.subarray(start, end);
      }
      const data = frame + LENGTH_PREFIX_BYTES;
      if (data !== end) chunk.copyWithin(end, data, dataEnd);
      end += dataEnd - data;
      frame += wanted;
    }
    if (frame < chunk.length) {
      this.#keep(
        chunk.subarray(frame),
        frameBytes(chunk, frame, chunk.length) ?? LENGTH_PREFIX_BYTES,
      );
    }
    return chunk.subarray(start, end);
  }

  /** Opens the frame of `length` bytes at `offset` where it lies. @returns where its data ends. */
  #openInPlace(memory: Uint8Array, offset: number, length: number): number {
    const start = offset + LENGTH_PREFIX_BYTES;
    const end = offset + length;
    try {
      if (end - start < TAG_BYTES) throw new SealedFrameError('it is shorter than its tag');
      this.#cipher.decrypt(
        memory.subarray(start, end - TAG_BYTES),
        memory.subarray(start, end),
        null,
      );
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    return end - TAG_BYTES;
  }
}

/** Length of the frame at `offset`, prefix included; `undefined` while its prefix is not there whole. */
function frameBytes(memory: Uint8Array, offset: number, end: number): number | undefined {
  if (end - offset < LENGTH_PREFIX_BYTES) return undefined;
  return LENGTH_PREFIX_BYTES + (((memory[offset] ?? 0) << 8) | (memory[offset + 1] ?? 0));
}
