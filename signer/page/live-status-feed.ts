/** The status page's events, made from decisions and from what the signer knows, while anybody looks. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { Operations } from '../operations.ts';
import type { DecisionObserver } from '../priv-validator/decision-outcome.ts';
import { HeightStrip } from './height-strip.ts';
import type { StatusEvent, StatusFeed, ValidatorPicture } from './status-event.ts';
import { validatorPicture } from './validator-picture.ts';

/** Least time between two pictures of a validator. */
const TICK_MS = 250;

/** Ticks after which validators are looked at that nobody asked anything of. */
const TICKS_A_LOOK = 8;

/** Collaborators of a {@link LiveStatusFeed}. */
export interface LiveStatusFeedDeps {
  /** Asked when somebody subscribes: the feed is part of it. */
  readonly operations: () => Operations;
  readonly clock: Clock;
}

/** Of which program. */
export interface LiveStatusFeedOptions {
  readonly version: string;
}

interface Subscriber {
  /** Validators whose newest picture it has not had. */
  readonly waiting: Set<string>;
  wake: () => void;
}

/**
 * One event of each validator is kept, the newest. A reader that is slow finds the newest when it
 * comes back. Without readers only heights and times are noted; no loop runs. With readers one loop
 * runs for all, which ends with the last of them.
 */
export class LiveStatusFeed implements StatusFeed {
  readonly #deps: LiveStatusFeedDeps;
  readonly #options: LiveStatusFeedOptions;
  readonly #strips = new Map<string, HeightStrip>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #dirty = new Set<string>();
  readonly #newest = new Map<string, { readonly event: StatusEvent; readonly json: string }>();
  /** When an alarm was first seen, by validator and code. */
  readonly #alarmsSince = new Map<string, number>();
  #isPumping = false;

  constructor(deps: LiveStatusFeedDeps, options: LiveStatusFeedOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** To be told of every decision. */
  readonly observer: DecisionObserver = (outcome) => {
    const { validator } = outcome;
    // Where a strip begins is nothing that a node may choose: a refused height is not believed.
    if (!this.#strips.has(validator) && outcome.outcome === 'signed') {
      this.#strips.set(validator, new HeightStrip(outcome.at.height - 1n));
    }
    this.#strips.get(validator)?.note(outcome);
    if (this.#subscribers.size > 0) this.#dirty.add(validator);
  };

  get subscribers(): number {
    return this.#subscribers.size;
  }

  async *subscribe(options: AbortOptions): AsyncIterable<StatusEvent> {
    const { signal } = options;
    const subscriber: Subscriber = { waiting: new Set(), wake: () => undefined };
    this.#subscribers.add(subscriber);
    const onAbort = (): void => subscriber.wake();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      yield await this.#picture();
      this.#pump();
      for (;;) {
        signal?.throwIfAborted();
        const [name] = subscriber.waiting;
        if (name === undefined) {
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve;
          });
          continue;
        }
        subscriber.waiting.delete(name);
        const newest = this.#newest.get(name);
        if (newest !== undefined) yield newest.event;
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#subscribers.delete(subscriber);
    }
  }

  async #picture(): Promise<StatusEvent> {
    const operations = this.#deps.operations();
    const { startedAtMs, validators: all } = operations.status();
    const validators: ValidatorPicture[] = [];
    for (const { name } of all) {
      const picture = this.#pictureOf(operations, name);
      if (picture !== undefined) validators.push(picture);
      await nextTurn();
    }
    const { version } = this.#options;
    return { type: 'picture', validators, version, startedAt: new Date(startedAtMs).toISOString() };
  }

  /** Starts the loop, unless it runs. It ends when nobody reads. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    // Its faults are bugs: nothing in it waits for anything but the clock.
    void this.#run().finally(() => {
      this.#isPumping = false;
    });
  }

  async #run(): Promise<void> {
    const operations = this.#deps.operations();
    for (let tick = 1; this.#subscribers.size > 0; tick++) {
      await this.#deps.clock.sleep(TICK_MS);
      if (tick % TICKS_A_LOOK === 0) {
        for (const { name } of operations.status().validators) this.#dirty.add(name);
      }
      const names = [...this.#dirty];
      this.#dirty.clear();
      for (const name of names) {
        this.#publish(operations, name);
        await nextTurn();
      }
    }
  }

  #publish(operations: Operations, name: string): void {
    const validator = this.#pictureOf(operations, name);
    if (validator === undefined) return;
    const json = JSON.stringify(validator);
    if (this.#newest.get(name)?.json === json) return;
    this.#newest.set(name, { event: { type: 'validator', validator }, json });
    for (const subscriber of this.#subscribers) {
      subscriber.waiting.add(name);
      subscriber.wake();
    }
  }

  #pictureOf(operations: Operations, name: string): ValidatorPicture | undefined {
    const status = operations.status().validators.find((one) => one.name === name);
    if (status === undefined) return undefined;
    const strip = this.#strips.get(name) ?? new HeightStrip(status.floor.height);
    this.#strips.set(name, strip);
    const since = (code: string): number => this.#since(`${name}/${code}`);
    try {
      return validatorPicture({ operations, status, strip, since });
    } catch (error) {
      // A store that broke a moment ago reads nothing: the next look shows that.
      if (error instanceof CodedError) return undefined;
      throw error;
    }
  }

  #since(key: string): number {
    const known = this.#alarmsSince.get(key);
    if (known !== undefined) return known;
    const nowMs = this.#deps.clock.now();
    this.#alarmsSince.set(key, nowMs);
    return nowMs;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
