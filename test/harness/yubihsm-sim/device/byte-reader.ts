/** Reads the fields of a command, in order. What is missing or left over is error 08. */
import { DeviceFault, FAULT } from './device-fault.ts';

/** A cursor over the data of one command. Big-endian. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8));
  }

  /** The next `count` bytes, copied. */
  take(count: number): Uint8Array {
    const start = this.#step(count);
    return this.#bytes.slice(start, start + count);
  }

  /** All that is left, copied. */
  rest(): Uint8Array {
    return this.take(this.left);
  }

  /** Nothing may be left. */
  end(): void {
    if (this.left !== 0) throw new DeviceFault(FAULT.wrongLength);
  }

  #step(count: number): number {
    const start = this.#at;
    if (count < 0 || count > this.left) throw new DeviceFault(FAULT.wrongLength);
    this.#at += count;
    return start;
  }
}
