/**
 * The registry of {@link METRICS}: prom-client's classes and its text, in slices short enough for a
 * thread that signs.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { DECISION_TYPES, type DecisionTally, SIGN_STAGES } from './decision-tally.ts';
import { METRICS, type Metric } from './metric.ts';
import { type Sample, type ValidatorFacts, validatorSamples } from './validator-samples.ts';

/** Validators rendered in one turn of the event loop: 64 of them at once take longer than 5 ms. */
const VALIDATORS_A_SLICE = 4;

/** The monitor wakes the thread as often as this; more often costs signatures. */
const DELAY_RESOLUTION_MS = 50;

/** What is known at a scrape. */
export interface ScrapeFacts {
  readonly validators: readonly ValidatorFacts[];
  /** The metrics without the label `validator`, by name. */
  readonly home: ReadonlyMap<Metric['name'], readonly Sample[]>;
}

/** One metric that is set anew for each scrape. */
interface Rendered {
  readonly metric: Metric;
  readonly set: (samples: readonly Sample[]) => void;
}

/** Loaded with prom-client, so not before somebody is to scrape. */
export class MetricsRegistry implements Disposable {
  readonly #registry = new Registry();
  readonly #rendered: readonly Rendered[];
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>;

  constructor(tally: DecisionTally) {
    this.#rendered = METRICS.map((metric) => this.#made(metric, tally));
    this.#delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
    this.#delay.enable();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The exposition format, metric by metric, with a turn of the event loop after each slice. */
  async render(facts: ScrapeFacts): Promise<string> {
    const texts: string[] = [];
    for (const { metric, set } of this.#rendered) {
      const isOfValidators = metric.labels.includes('validator');
      const slices = isOfValidators ? slicesOf(facts.validators) : [[]];
      let isFirst = true;
      for (const slice of slices) {
        set(
          isOfValidators
            ? slice.flatMap((validator) => validatorSamples(metric.name, validator))
            : this.#homeSamples(metric.name, facts),
        );
        const text = await this.#registry.getSingleMetricAsString(metric.name);
        texts.push(isFirst ? text : withoutHead(text));
        isFirst = false;
        await nextTurn();
      }
    }
    return `${texts.filter((text) => text !== '').join('\n')}\n`;
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
    this.#registry.clear();
  }

  #homeSamples(name: Metric['name'], { home }: ScrapeFacts): readonly Sample[] {
    if (name !== 'privval_event_loop_delay_seconds') return home.get(name) ?? [];
    // What it measures is the time between its own wake-ups.
    const p99Ms = this.#delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS;
    this.#delay.reset();
    return [{ labels: {}, value: Math.max(0, p99Ms) / 1000 }];
  }

  #made(metric: Metric, tally: DecisionTally): Rendered {
    const { name, help, labels, buckets } = metric;
    const config = { name, help, labelNames: labels, registers: [this.#registry] };
    switch (metric.type) {
      case 'counter': {
        const of = new Counter(config);
        const set = (samples: readonly Sample[]): void => {
          of.reset();
          for (const { labels, value } of samples) of.inc(labels, value);
        };
        return { metric, set };
      }
      case 'gauge': {
        const of = new Gauge(config);
        const set = (samples: readonly Sample[]): void => {
          of.reset();
          for (const { labels, value } of samples) of.set(labels, value);
        };
        return { metric, set };
      }
      case 'histogram': {
        const of = new Histogram({ ...config, buckets: [...(buckets ?? [])] });
        listen(of, tally);
        return { metric, set: () => undefined };
      }
    }
  }
}

/** Each pair of labels is looked up once, not with each request. */
function listen(histogram: Histogram, tally: DecisionTally): void {
  const children = new Map(
    DECISION_TYPES.map((type) => [
      type,
      new Map(SIGN_STAGES.map((stage) => [stage, histogram.labels({ type, stage })])),
    ]),
  );
  tally.onSample(({ type, stage, seconds }) => children.get(type)?.get(stage)?.observe(seconds));
}

function slicesOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  const slices: (readonly T[])[] = [];
  for (let start = 0; start === 0 || start < all.length; start += VALIDATORS_A_SLICE) {
    slices.push(all.slice(start, start + VALIDATORS_A_SLICE));
  }
  return slices;
}

/** What HELP and TYPE say is said once. */
function withoutHead(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
