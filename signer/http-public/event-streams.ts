/** The page's event streams: at most 16, each with the newest of what it missed. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Clock } from '@privval/proto/runtime/clock';
import type { StatusEvent, StatusFeed } from '../page/status-event.ts';

/** Streams at the same time. */
export const MAX_STREAMS = 16;

/** A comment goes out as often as this, so that a reader that is gone is found out. */
const BEAT_MS = 15_000;

/** Collaborators of {@link EventStreams}. */
export interface EventStreamsDeps {
  readonly feed: StatusFeed;
  readonly clock: Clock;
}

/** Nothing is kept for a reader beyond what its socket holds: while that is full, the feed is not read. */
export class EventStreams {
  readonly #deps: EventStreamsDeps;
  readonly #open = new Set<AbortController>();
  /** Events are the same objects for all streams; each is made text once. */
  readonly #texts = new WeakMap<StatusEvent, string>();
  #closing = false;

  constructor(deps: EventStreamsDeps) {
    this.#deps = deps;
  }

  get hasRoom(): boolean {
    return this.#open.size < MAX_STREAMS && !this.#closing;
  }

  /** Writes events until the reader or {@link EventStreams.close} ends it. Its headers were written. */
  async serve(response: ServerResponse): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    this.#open.add(controller);
    response.once('close', () => controller.abort());
    const beat = this.#beat(response, signal);
    try {
      let id = 0;
      response.write('retry: 2000\n\n');
      for await (const event of this.#deps.feed.subscribe({ signal })) {
        if (signal.aborted) break;
        response.write(`id: ${++id}\n${this.#textOf(event)}`);
        if (response.writableNeedDrain) await once(response, 'drain', { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      controller.abort();
      this.#open.delete(controller);
      response.end();
      await beat;
    }
  }

  /** Ends all of them. */
  close(): void {
    this.#closing = true;
    for (const controller of this.#open) controller.abort();
  }

  async #beat(response: ServerResponse, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#deps.clock.sleep(BEAT_MS, { signal });
        // A reader that has not taken the last ones is given up.
        if (response.writableNeedDrain) response.destroy();
        else response.write(':\n\n');
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #textOf(event: StatusEvent): string {
    const known = this.#texts.get(event);
    if (known !== undefined) return known;
    const text = `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
    this.#texts.set(event, text);
    return text;
  }
}
