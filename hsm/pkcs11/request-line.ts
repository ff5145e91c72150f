/** Requests that wait for a device that does one thing at a time: bounded, each with a limit. */
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { ModuleBusyError } from './module-errors.ts';

/** Collaborators of {@link RequestLine}. */
export interface RequestLineDeps {
  readonly clock: Clock;
  /** Called when a request has come; may take it at once. */
  readonly onRequest: () => void;
}

/** How long the line is. */
export interface RequestLineOptions {
  /** How many may wait; one more is refused. */
  readonly maxQueued: number;
}

/** How one request waits. */
export interface TurnOptions extends AbortOptions {
  /** How long it waits for its turn, in milliseconds. */
  readonly queueTimeoutMs: number;
}

/** A request whose turn has come. Whoever took it settles it; the asker may have left. */
export interface Turn<Request, Answer> {
  readonly request: Request;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * First come, first served. Capacity `maxQueued`; when full, a request is refused, since one that
 * waits longer than its asker is of use to nobody. Who gives up while in line is taken out of it: the
 * device never sees it.
 */
export class RequestLine<Request, Answer> {
  readonly #deps: RequestLineDeps;
  readonly #options: RequestLineOptions;
  readonly #waiting: Turn<Request, Answer>[] = [];

  constructor(deps: RequestLineDeps, options: RequestLineOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * Waits for the turn and for its outcome; the queue's limit counts for the turn only.
   *
   * @throws {ModuleBusyError} ERR_PKCS11_BUSY when the line is full, or moved too slowly.
   * @throws whatever the turn is rejected with.
   */
  async enter(request: Request, options: TurnOptions): Promise<Answer> {
    const { maxQueued } = this.#options;
    if (this.#waiting.length >= maxQueued) {
      throw new ModuleBusyError({ reason: `${maxQueued} requests are in line` });
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const turn = { request, resolve, reject };
    this.#waiting.push(turn);
    this.#deps.onRequest();
    const { queueTimeoutMs, signal } = options;
    using limit = this.#deps.clock.deadline(queueTimeoutMs);
    limit.signal.addEventListener(
      'abort',
      () => {
        // Once its turn has come this is not the limit that counts.
        if (!this.#leave(turn)) return;
        const reason = `its turn did not come within ${queueTimeoutMs} ms`;
        reject(new ModuleBusyError({ reason }, { cause: limit.signal.reason }));
      },
      { once: true },
    );
    try {
      return await abortable(promise, { signal });
    } finally {
      this.#leave(turn);
    }
  }

  /** The next request, which has its turn from here on. */
  take(): Turn<Request, Answer> | undefined {
    return this.#waiting.shift();
  }

  /** Sends everybody in line away. */
  refuseAll(error: unknown): void {
    for (const turn of this.#waiting.splice(0)) turn.reject(error);
  }

  /** Whether it was in line. */
  #leave(turn: Turn<Request, Answer>): boolean {
    const position = this.#waiting.indexOf(turn);
    if (position >= 0) this.#waiting.splice(position, 1);
    return position >= 0;
  }
}
