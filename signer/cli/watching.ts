/** What counts and watches for `serve --http`: from the first decision on, loaded only where somebody looks. */
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { HttpConfig } from '../config/config-operations.ts';
import type { ConnectionChange } from '../connection/node-link.ts';
import { SignerMetrics } from '../metrics/signer-metrics.ts';
import type { Operations } from '../operations.ts';
import { LiveStatusFeed } from '../page/live-status-feed.ts';
import type { DecisionObserver } from '../priv-validator/decision-outcome.ts';
import { VERSION } from './release.ts';

/** Counts from its making on; {@link Watching.listen} is called once the desks are there. */
export class Watching implements AsyncDisposable {
  readonly #deps: { readonly clock: Clock; readonly logger: Logger };
  readonly #metrics: SignerMetrics;
  readonly #feed: LiveStatusFeed;
  readonly #resources = new AsyncDisposableStack();
  #operations: Operations | undefined;

  constructor(deps: { readonly clock: Clock; readonly logger: Logger }) {
    const { clock } = deps;
    this.#deps = deps;
    this.#metrics = this.#resources.use(new SignerMetrics({ clock }, { version: VERSION }));
    const operations = (): Operations => {
      if (this.#operations === undefined) throw new InvariantError('the page is asked too early');
      return this.#operations;
    };
    this.#feed = new LiveStatusFeed({ operations, clock }, { version: VERSION });
  }

  /** To be told of every decision. */
  readonly observer: DecisionObserver = (outcome) => {
    this.#metrics.observer(outcome);
    if (this.#operations !== undefined) this.#feed.observer(outcome);
  };

  /** To be told of every connection. */
  readonly onConnection = (validator: string, change: ConnectionChange): void =>
    this.#metrics.onConnection(validator, change);

  /** To be told of every admin request over its limit or without the right. */
  readonly onAdminRefused: SignerMetrics['onAdminRefused'] = (limit) =>
    this.#metrics.onAdminRefused(limit);

  /** Opens the listener. Throws what `startPublicServer` throws. */
  async listen(operations: Operations, http: HttpConfig): Promise<void> {
    this.#operations = operations;
    const { clock, logger } = this.#deps;
    const { startPublicServer } = await import('../http-public/public-server.ts');
    const server = await startPublicServer(
      { operations, metrics: this.#metrics, feed: this.#feed, clock, logger },
      { ...http, version: VERSION },
    );
    this.#resources.use(server);
    logger.info(
      { host: http.listen?.host, port: server.port },
      'health, metrics and status page are up',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
