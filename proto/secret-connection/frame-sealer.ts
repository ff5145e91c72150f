/**
 * SecretConnection's frames (spec/privval.md 4.2): 1,044 bytes on the wire, whatever they carry.
 *
 *     plaintext (1028) = LE32(n) ‖ n data bytes ‖ zeros       1 ≤ n ≤ 1024
 *     wire (1044)      = ChaCha20-Poly1305(key, nonce, plaintext), no associated data
 */
import {
  type CipherOptions,
  CipherState,
  SealedFrameError,
  TAG_BYTES,
} from '../crypto/cipher-state.ts';
import type { Opener, Sealer } from '../crypto/sealed-stream.ts';
import { sodium } from '../crypto/sodium.ts';

/** Most data bytes in a frame. */
export const FRAME_DATA_BYTES = 1024;

/** A frame on the wire. */
export const FRAME_BYTES = 1044;

const LENGTH_BYTES = 4;
const PLAINTEXT_BYTES: number = FRAME_BYTES - TAG_BYTES;

/** Largest buffer for sealed frames that is kept from one write to the next. */
const KEPT_BUFFER_BYTES: number = 64 * FRAME_BYTES;

/** Seals one direction. Owns the key, which it wipes. */
export class FrameSealer implements Sealer {
  readonly #cipher: CipherState;
  readonly #plaintext = new Uint8Array(PLAINTEXT_BYTES);
  readonly #header = new DataView(this.#plaintext.buffer);
  /** Data bytes in the plaintext buffer that are not zero any more. */
  #usedBytes = 0;
  #buffer: Uint8Array = new Uint8Array(FRAME_BYTES);

  constructor(key: Uint8Array, options: CipherOptions = {}) {
    this.#cipher = new CipherState(key, options);
  }

  seal(bytes: Uint8Array): Uint8Array {
    const frames = Math.ceil(bytes.length / FRAME_DATA_BYTES);
    const wire = this.#bufferOf(frames * FRAME_BYTES);
    for (let i = 0; i < frames; i++) {
      this.#fill(bytes.subarray(i * FRAME_DATA_BYTES, (i + 1) * FRAME_DATA_BYTES));
      const frame = frames === 1 ? wire : wire.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES);
      this.#cipher.encrypt(frame, this.#plaintext, null);
    }
    return wire;
  }

  [Symbol.dispose](): void {
    this.#cipher[Symbol.dispose]();
    sodium.sodium_memzero(this.#plaintext);
  }

  #fill(data: Uint8Array): void {
    this.#header.setUint32(0, data.length, true);
    this.#plaintext.set(data, LENGTH_BYTES);
    // The padding is zero, not what an earlier frame carried.
    if (data.length < this.#usedBytes) {
      this.#plaintext.fill(0, LENGTH_BYTES + data.length, LENGTH_BYTES + this.#usedBytes);
    }
    this.#usedBytes = data.length;
  }

  #bufferOf(length: number): Uint8Array {
    if (this.#buffer.length === length) return this.#buffer;
    if (this.#buffer.length > length) return this.#buffer.subarray(0, length);
    const buffer = new Uint8Array(length);
    if (length <= KEPT_BUFFER_BYTES) this.#buffer = buffer;
    return buffer;
  }
}

/** Opens the other direction. Owns the key, which it wipes. */
export class FrameOpener implements Opener {
  readonly #cipher: CipherState;
  /** The beginning of a frame whose rest has not come yet. */
  readonly #partial = new Uint8Array(FRAME_BYTES);
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
      offset = Math.min(FRAME_BYTES - this.#partialBytes, chunk.length);
      this.#partial.set(chunk.subarray(0, offset), this.#partialBytes);
      this.#partialBytes += offset;
      if (this.#partialBytes < FRAME_BYTES) return undefined;
      this.#partialBytes = 0;
      const length = this.#openInPlace(this.#partial, 0);
      head = this.#partial.slice(LENGTH_BYTES, LENGTH_BYTES + length);
    }
    return join(head, this.#openFrames(chunk, offset, head !== undefined));
  }

  [Symbol.dispose](): void {
    this.#cipher[Symbol.dispose]();
    sodium.sodium_memzero(this.#partial);
  }

  /** Opens the whole frames of `chunk` from `offset`, moves their data together, keeps the rest for later. */
  #openFrames(chunk: Uint8Array, offset: number, hasEarlierData: boolean): Uint8Array {
    const start = offset + LENGTH_BYTES;
    let end = start;
    let frame = offset;
    for (; chunk.length - frame >= FRAME_BYTES; frame += FRAME_BYTES) {
      let length: number;
      try {
        length = this.#openInPlace(chunk, frame);
      } catch (error) {
        if (!hasEarlierData && end === start) throw error;
        return chunk.subarray(start, end);
      }
      const data = frame + LENGTH_BYTES;
      if (data !== end) chunk.copyWithin(end, data, data + length);
      end += length;
    }
    if (frame < chunk.length) {
      this.#partial.set(chunk.subarray(frame));
      this.#partialBytes = chunk.length - frame;
    }
    return chunk.subarray(start, end);
  }

  /** Opens the frame at `offset` where it lies. @returns how many data bytes it carries. */
  #openInPlace(memory: Uint8Array, offset: number): number {
    try {
      const plaintext = memory.subarray(offset, offset + PLAINTEXT_BYTES);
      this.#cipher.decrypt(plaintext, memory.subarray(offset, offset + FRAME_BYTES), null);
      return dataLength(plaintext);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

/** @throws {SealedFrameError} ERR_SEALED_FRAME when the frame claims more than it can carry. */
function dataLength(plaintext: Uint8Array): number {
  const length =
    ((plaintext[0] ?? 0) |
      ((plaintext[1] ?? 0) << 8) |
      ((plaintext[2] ?? 0) << 16) |
      ((plaintext[3] ?? 0) << 24)) >>>
    0;
  if (length > FRAME_DATA_BYTES) throw new SealedFrameError(`it claims to carry ${length} bytes`);
  return length;
}

function join(head: Uint8Array | undefined, rest: Uint8Array): Uint8Array {
  if (head === undefined || head.length === 0) return rest;
  if (rest.length === 0) return head;
  const joined = new Uint8Array(head.length + rest.length);
  joined.set(head);
  joined.set(rest, head.length);
  return joined;
}
