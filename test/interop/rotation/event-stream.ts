/** A node's event stream as it really is: every message of its WebSocket, kept word for word. */
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** A message, and when it came. */
export interface StreamMessage {
  readonly atMs: number;
  readonly text: string;
}

/** The WebSocket could not be opened, or ended while a message was awaited. */
export class EventStreamError extends CodedError {
  override readonly name = 'EventStreamError';
  readonly code = 'ERR_EVENT_STREAM';
}

/**
 * One connection to `/websocket` of a stock node. Holds all that came since it was opened; ends at disposal.
 */
export class EventStream implements AsyncDisposable {
  readonly messages: StreamMessage[] = [];
  readonly #socket: WebSocket;
  readonly #closed = Promise.withResolvers<void>();
  #arrival = Promise.withResolvers<void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      this.messages.push({ atMs: performance.now(), text: String(data) });
      this.#arrival.resolve();
      this.#arrival = Promise.withResolvers();
    });
    socket.addEventListener('close', () => this.#closed.resolve());
  }

  /** Opens the stream of the node whose RPC is at `url`. */
  static async open(url: string, options: AbortOptions = {}): Promise<EventStream> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/websocket`);
    const opened = Promise.withResolvers<void>();
    socket.addEventListener('open', () => opened.resolve());
    socket.addEventListener('error', () => {
      opened.reject(new EventStreamError(`no event stream at ${url}`));
    });
    const stream = new EventStream(socket);
    await abortable(opened.promise, options);
    return stream;
  }

  /** Sends a JSON-RPC request; the answer is among {@link messages}. */
  request(id: number, method: string, params: Readonly<Record<string, unknown>>): void {
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  }

  /** The first message that `matches`, also among those that came before. */
  async find(matches: (text: string) => boolean, options: AbortOptions = {}): Promise<string> {
    for (let next = 0; ; ) {
      for (; next < this.messages.length; next += 1) {
        const text = this.messages[next]?.text;
        if (text !== undefined && matches(text)) return text;
      }
      const ended = this.#closed.promise.then(() => {
        throw new EventStreamError('the event stream ended');
      });
      await abortable(Promise.race([this.#arrival.promise, ended]), options);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#closed.promise;
  }
}
