/** Streams that arrive because a test says so. */

import type { StreamListener } from '@privval/node-client/privval/stream-listener';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { type MemoryStream, type MemoryStreamOptions, memoryStreamPair } from './memory-stream.ts';

/** A {@link StreamListener} in memory. */
export class MemoryListener implements StreamListener {
  readonly local = 'memory:node';
  readonly #backlog: ByteStream[] = [];
  #arrival = Promise.withResolvers<void>();

  /** Connects, and returns the dialer's end. */
  dial(options: MemoryStreamOptions = {}): MemoryStream {
    const [ours, theirs] = memoryStreamPair(options);
    this.#backlog.push(theirs);
    this.#arrival.resolve();
    return ours;
  }

  async accept(options: AbortOptions = {}): Promise<ByteStream> {
    for (;;) {
      const stream = this.#backlog.shift();
      if (stream !== undefined) return stream;
      this.#arrival = Promise.withResolvers();
      await abortable(this.#arrival.promise, options);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#backlog.splice(0)) await stream[Symbol.asyncDispose]();
  }
}
