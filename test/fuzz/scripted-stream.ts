/** A peer of which only the bytes are known: every write is answered as the script says. */
import type { ByteStream } from '@privval/proto/runtime/byte-stream';

/** Whether a connection that could not be made was closed can be seen in {@link isDisposed}. */
export class ScriptedStream implements ByteStream {
  readonly remote = 'fuzz';
  isDisposed = false;
  readonly #answer: (received: Uint8Array) => Uint8Array;
  readonly #chunkBytes: number;
  #waiting: Uint8Array;

  /**
   * @param peer.first what it sends unasked
   * @param peer.answer what it sends on each write; once it has nothing more to say it closes
   * @param peer.chunkBytes most bytes of a read
   */
  constructor(peer: {
    readonly first?: Uint8Array;
    readonly answer: (received: Uint8Array) => Uint8Array;
    readonly chunkBytes: number;
  }) {
    this.#waiting = peer.first ?? new Uint8Array(0);
    this.#answer = peer.answer;
    this.#chunkBytes = peer.chunkBytes;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#waiting.length === 0) return undefined;
    const chunk = this.#waiting.slice(0, this.#chunkBytes);
    this.#waiting = this.#waiting.subarray(chunk.length);
    return chunk;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#waiting = Uint8Array.from([...this.#waiting, ...this.#answer(bytes.slice())]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
  }
}
