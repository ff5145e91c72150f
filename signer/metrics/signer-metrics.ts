/** The signer's metrics: counted in plain numbers from the start, rendered once somebody asks. */
import { statfs } from 'node:fs/promises';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import type { ConnectionChange } from '../connection/node-link.ts';
import { SignStateUnavailableError } from '../guard/sign-state-errors.ts';
import type { Operations } from '../operations.ts';
import type { DecisionObserver } from '../priv-validator/decision-outcome.ts';
import type { SignerStatus } from '../signer-status.ts';
import { DecisionTally } from './decision-tally.ts';
import type { Metric } from './metric.ts';
import type { MetricsRegistry } from './metrics-registry.ts';
import { MissedBlocks } from './missed-blocks.ts';
import type { Sample, ValidatorFacts } from './validator-samples.ts';

/** How long a text is given again: scrapes that come together are one. */
const CACHE_MS = 500;

/** A view keeps 256 heights: missed blocks are looked at far more often than they go. */
const LOOK_INTERVAL_MS = 5_000;

/** Limits of the admin API, as the label `limit` has them. */
export type AdminLimit = 'read' | 'act' | 'heavy' | 'unproven';

const ADMIN_LIMITS: readonly AdminLimit[] = ['read', 'act', 'heavy', 'unproven'];

/** Collaborators of {@link SignerMetrics}. */
export interface SignerMetricsDeps {
  readonly clock: Clock;
}

/** Of which program. */
export interface SignerMetricsOptions {
  readonly version: string;
}

/** What is scraped. */
export interface Scraped {
  readonly operations: Operations;
  /** Whether the floor can be made durable. */
  readonly isStoreWritable: boolean;
}

/** The exposition format. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/**
 * Made at the start of the daemon, for next to nothing: prom-client is loaded by the first
 * {@link SignerMetrics.load} or scrape. It counts what it is told; everything else is read at a scrape.
 */
export class SignerMetrics implements Disposable {
  readonly #deps: SignerMetricsDeps;
  readonly #options: SignerMetricsOptions;
  readonly #tally = new DecisionTally();
  readonly #missed = new MissedBlocks();
  /** By validator and node, as configured. */
  readonly #connects = new Map<string, Map<string, number>>();
  readonly #adminRefused = new Map<AdminLimit, number>();
  #registry: Promise<MetricsRegistry> | undefined;
  #cached: { readonly text: Promise<MetricsText>; readonly untilMs: number } | undefined;

  constructor(deps: SignerMetricsDeps, options: SignerMetricsOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** To be told of every decision. */
  get observer(): DecisionObserver {
    return this.#tally.observe;
  }

  /** To be told of every connection that came or went. */
  readonly onConnection = (validator: string, { node, isUp }: ConnectionChange): void => {
    if (!isUp) return;
    const nodes = this.#connects.get(validator) ?? new Map<string, number>();
    this.#connects.set(validator, nodes.set(node, (nodes.get(node) ?? 0) + 1));
  };

  /** To be told of every admin request that was over its limit or without the right. */
  readonly onAdminRefused = (limit: AdminLimit): void => {
    this.#adminRefused.set(limit, (this.#adminRefused.get(limit) ?? 0) + 1);
  };

  /** Loads prom-client ahead of the first scrape. */
  async load(): Promise<void> {
    await this.#loaded();
  }

  /** The metrics as of now, or of half a second ago; scrapes that come together share one text. */
  async scrape(scraped: Scraped): Promise<MetricsText> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#cached === undefined || nowMs >= this.#cached.untilMs) {
      this.#cached = { text: this.#render(scraped), untilMs: nowMs + CACHE_MS };
    }
    return this.#cached.text;
  }

  /** Looks at the chains for missed blocks until it is aborted: scrapes may be rarer than they are kept. */
  async watch(operations: Operations, options: AbortOptions): Promise<void> {
    for (;;) {
      await this.#look(operations);
      await this.#deps.clock.sleep(LOOK_INTERVAL_MS, options);
    }
  }

  [Symbol.dispose](): void {
    // Nobody waits for it: a registry that did not load has nothing to release.
    this.#registry?.then(
      (registry) => registry[Symbol.dispose](),
      () => undefined,
    );
  }

  async #loaded(): Promise<MetricsRegistry> {
    this.#registry ??= import('./metrics-registry.ts').then(
      ({ MetricsRegistry }) => new MetricsRegistry(this.#tally),
    );
    return this.#registry;
  }

  async #render(scraped: Scraped): Promise<MetricsText> {
    const registry = await this.#loaded();
    const { operations } = scraped;
    await this.#look(operations);
    const status = operations.status();
    const home = await this.#homeSamples(scraped);
    const validators: ValidatorFacts[] = [];
    for (const validator of status.validators) {
      validators.push(this.#factsOf(operations, validator));
      await nextTurn();
    }
    return { contentType: registry.contentType, text: await registry.render({ validators, home }) };
  }

  async #look(operations: Operations): Promise<void> {
    for (const { name } of operations.store.validators()) {
      const view = operations.chain(name);
      if (view === undefined) continue;
      this.#missed.look(view);
      await nextTurn();
    }
  }

  #factsOf(operations: Operations, status: SignerStatus['validators'][number]): ValidatorFacts {
    const { name } = status;
    return {
      status,
      control: operations.controls.control(name),
      rotation: unlessBroken(() => operations.rotations.status(name)),
      tip: operations.chain(name)?.tip(),
      missedBlocks: this.#missed.of(name),
      tally: this.#tally.of(name),
      connects: this.#connects.get(name) ?? new Map(),
    };
  }

  async #homeSamples({
    operations,
    isStoreWritable,
  }: Scraped): Promise<ReadonlyMap<Metric['name'], readonly Sample[]>> {
    const audit = unlessBroken(() => operations.audit.status());
    const freeBytes = await freeBytesAt(operations.home);
    const plain = (value: number): readonly Sample[] => [{ labels: {}, value }];
    return new Map<Metric['name'], readonly Sample[]>([
      ['privval_build_info', [{ labels: { version: this.#options.version }, value: 1 }]],
      ['privval_store_writable', plain(isStoreWritable ? 1 : 0)],
      ['privval_audit_entries_total', audit === undefined ? [] : plain(Number(audit.newestSeq))],
      ['privval_audit_bytes', audit === undefined ? [] : plain(audit.bytes)],
      ['privval_disk_free_bytes', freeBytes === undefined ? [] : plain(freeBytes)],
      [
        'privval_admin_refused_total',
        ADMIN_LIMITS.map((limit) => ({
          labels: { limit },
          value: this.#adminRefused.get(limit) ?? 0,
        })),
      ],
    ]);
  }
}

/** `undefined` while the store reads nothing either: the metrics are what says so. */
function unlessBroken<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SignStateUnavailableError) return undefined;
    throw error;
  }
}

/** `undefined` where it cannot be told. */
async function freeBytesAt(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
