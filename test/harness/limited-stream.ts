/** A stream that ends, or lets something happen, after so many received bytes. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';

/** Passes everything on, but gives its reader the first `limitBytes` bytes only. */
export class LimitedStream implements ByteStream {
  readonly remote: string;
  readonly #lower: ByteStream;
  readonly #atLimit: (() => void) | undefined;
  #leftBytes: number;

  /**
   * @param atLimit is called as the last byte is handed out (at once for a limit of 0); later reads
   *   wait for more below. Without it the stream then ends.
   */
  constructor(lower: ByteStream, limitBytes: number, atLimit?: () => void) {
    this.remote = lower.remote;
    this.#lower = lower;
    this.#leftBytes = limitBytes;
    this.#atLimit = atLimit;
    if (limitBytes === 0) atLimit?.();
  }

  async read(options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    if (this.#leftBytes === 0) {
      return this.#atLimit === undefined ? undefined : this.#lower.read(options);
    }
    const chunk = await this.#lower.read(options);
    if (chunk === undefined) return undefined;
    const given = chunk.subarray(0, this.#leftBytes);
    this.#leftBytes -= given.length;
    if (this.#leftBytes === 0) this.#atLimit?.();
    return given;
  }

  write(bytes: Uint8Array, options: AbortOptions = {}): Promise<void> {
    return this.#lower.write(bytes, options);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#lower[Symbol.asyncDispose]();
  }
}
