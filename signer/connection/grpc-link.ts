/** The standing gRPC listener of one validator: listen, and listen again until it works. */
import type { PrivValidator } from '@privval/proto/privval/priv-validator';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import { type Logger, withFields } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { ConnectionHeights } from '../session/node-heights.ts';
import { backOffDelayMs } from './back-off.ts';
import type { GrpcListener } from './grpc-listener.ts';
import type { GrpcListenOptions } from './grpc-options.ts';
import { printEndpoint } from './node-address.ts';
import type { LinkError } from './node-link.ts';

/** Collaborators of a {@link GrpcLink}. */
export interface GrpcLinkDeps {
  readonly privValidator: PrivValidator;
  /** What a connection proves of its node's height, a new one for each (S41). @default nothing is known */
  readonly connected?: (() => ConnectionHeights) | undefined;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
}

/** Whom a {@link GrpcLink} serves, and where. */
export interface GrpcLinkOptions {
  /** The validator's name, for logs. */
  readonly validator: string;
  readonly chainId: ChainId;
  readonly listen: GrpcListenOptions;
}

/** What is known of a listener now. */
export interface GrpcStatus {
  /** `host:port`, with the port the kernel chose where 0 was asked for. */
  readonly listen: string;
  readonly state: 'starting' | 'listening' | 'backing-off' | 'closed';
  /** Whether clients must prove themselves. */
  readonly mutualTls: boolean;
  /** Calls since the start. */
  readonly requests: number;
  readonly lastError: LinkError | undefined;
}

/**
 * Keeps one validator's gRPC service up. A port that is taken or a certificate that cannot be read
 * is tried again for ever, with a capped delay, and touches nothing else.
 *
 * One loop, which ends with the dispose.
 */
export class GrpcLink implements AsyncDisposable {
  /** Settles when the link was disposed. Rejects only with an InvariantError, which ends the process. */
  readonly closed: Promise<void>;
  readonly #deps: GrpcLinkDeps;
  readonly #options: GrpcLinkOptions;
  readonly #logger: Logger;
  readonly #shutdown = new AbortController();
  #state: GrpcStatus['state'] = 'starting';
  #listener: GrpcListener | undefined;
  #lastError: LinkError | undefined;

  private constructor(deps: GrpcLinkDeps, options: GrpcLinkOptions) {
    const { validator, chainId, listen } = options;
    this.#deps = deps;
    this.#options = options;
    this.#logger = withFields(deps.logger, {
      validator,
      chain: chainId,
      grpc: printEndpoint(listen),
    });
    this.closed = this.#run();
  }

  /** Starts listening. */
  static start(deps: GrpcLinkDeps, options: GrpcLinkOptions): GrpcLink {
    return new GrpcLink(deps, options);
  }

  /** What is known now. */
  status(): GrpcStatus {
    const { host, port, tls } = this.#options.listen;
    return {
      listen: printEndpoint({ host, port: this.#listener?.port ?? port }),
      state: this.#state,
      mutualTls: tls !== undefined,
      requests: this.#listener?.requests ?? 0,
      lastError: this.#lastError,
    };
  }

  /** Resolves when no call is being answered that was made before (S34). */
  async answered(): Promise<void> {
    await this.#listener?.answered();
  }

  /** Stops; calls in flight are finished first, within half a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await Promise.allSettled([this.closed]);
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#deps;
    const { signal } = this.#shutdown;
    try {
      for (let failures = 0; !signal.aborted; failures += 1) {
        await using listener = await this.#listen();
        if (listener !== undefined) await this.#serve(listener, signal);
        this.#state = 'backing-off';
        await clock.sleep(backOffDelayMs(failures, random), { signal });
      }
    } catch (error) {
      if (!signal.aborted || error instanceof InvariantError) throw error;
    } finally {
      this.#listener = undefined;
      this.#state = 'closed';
    }
  }

  async #listen(): Promise<GrpcListener | undefined> {
    const { privValidator, connected, clock } = this.#deps;
    const { chainId, listen } = this.#options;
    this.#state = 'starting';
    try {
      const { GrpcListener } = await import('./grpc-listener.ts');
      return await GrpcListener.listen(
        { privValidator, connected, clock, logger: this.#logger },
        { chainId, listen },
      );
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      this.#failed(error);
      return undefined;
    }
  }

  /** A bound listener does not end by itself: this waits for the dispose, and rejects with its reason. */
  async #serve(listener: GrpcListener, signal: AbortSignal): Promise<never> {
    this.#listener = listener;
    this.#state = 'listening';
    this.#logger.info({ port: listener.port }, 'serving gRPC');
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    return await promise;
  }

  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    const code = errorCode(error);
    const isNew = this.#lastError?.code !== code;
    this.#lastError = { code, text, atMs: this.#deps.clock.now() };
    if (isNew) this.#logger.error({ code, reason: text }, 'cannot serve gRPC');
  }
}
