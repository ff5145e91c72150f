/** {@link NodeRpc} over HTTP, for CometBFT and Tendermint 0.34 to 1.0. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import type {
  EvidenceParams,
  HeaderFacts,
  NodeRpc,
  NodeStatus,
  PowerUpdate,
  SetMember,
  SignedHeaderFacts,
} from './node-rpc.ts';
import { ForeignNodeError, NodeRpcError } from './node-rpc-errors.ts';
import { RpcExchange } from './rpc-exchange.ts';
import {
  commitFromJson,
  evidenceParamsFromJson,
  headersFromJson,
  RpcShapeError,
  statusFromJson,
  updatesFromJson,
  validatorsFromJson,
} from './rpc-json.ts';
import { parseRpcUrl } from './rpc-url.ts';

/** A node answers in milliseconds; one that is busy with a block in a second. */
const TIMEOUT_MS = 2_000;

/** The results of a full block may have many megabytes. */
const RESULTS_TIMEOUT_MS = 10_000;

/** The most that `blockchain` gives at once. */
const MAX_HEADERS = 20n;

/** The most that `validators` gives at once. */
const PAGE_SIZE = 100;

/** Largest set believed in: CometBFT's own limit. */
const MAX_VALIDATORS = 10_000;

/** Whose RPC, and of which chain it has to be. */
export interface HttpNodeRpcOptions {
  /** As in `signer.toml`. */
  readonly url: string;
  readonly chainId: string;
  /** @default 2000; that of results is at least 10000 */
  readonly timeoutMs?: number | undefined;
}

/**
 * Answers that name no chain are asked for only after `status` has named the right one, on this
 * connection or the one before it failed: behind one address there may be another node by now.
 */
export class HttpNodeRpc implements NodeRpc, Disposable {
  readonly url: string;
  readonly #exchange: RpcExchange;
  readonly #chainId: string;
  readonly #timeoutMs: number;
  #isChainKnown = false;

  /** @throws {InvalidRpcUrlError} ERR_INVALID_RPC_URL */
  constructor(deps: { readonly clock: Clock }, options: HttpNodeRpcOptions) {
    const url = parseRpcUrl(options.url);
    this.url = url.shown;
    this.#exchange = new RpcExchange(deps, url);
    this.#chainId = options.chainId;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  async status(options: AbortOptions = {}): Promise<NodeStatus> {
    const status = this.#read(await this.#ask('status', {}, options), statusFromJson);
    this.#checkChain(status.chainId);
    this.#isChainKnown = true;
    return status;
  }

  async headers(
    from: bigint,
    to: bigint,
    options: AbortOptions = {},
  ): Promise<readonly HeaderFacts[]> {
    const last = to - from >= MAX_HEADERS ? from + MAX_HEADERS - 1n : to;
    const params = { minHeight: String(from), maxHeight: String(last) };
    const headers = this.#read(await this.#ask('blockchain', params, options), headersFromJson);
    for (const { chainId } of headers) this.#checkChain(chainId);
    return headers.filter(({ height }) => height >= from && height <= last);
  }

  async powerUpdates(
    height: bigint,
    options: AbortOptions = {},
  ): Promise<readonly PowerUpdate[] | undefined> {
    await this.#proveChain(options);
    const answer = await this.#askUnlessAbsent(
      'block_results',
      { height: String(height) },
      { ...options, onlyMember: 'validator_updates', isAheadAnError: true },
    );
    return answer === undefined ? undefined : this.#read(answer, updatesFromJson);
  }

  async commit(height: bigint, options: AbortOptions = {}): Promise<SignedHeaderFacts | undefined> {
    const answer = await this.#askUnlessAbsent('commit', { height: String(height) }, options);
    if (answer === undefined) return undefined;
    const commit = this.#read(answer, commitFromJson);
    this.#checkChain(commit.chainId);
    if (commit.height !== height) throw this.#wrong(`commit: it is of height ${commit.height}`);
    return commit;
  }

  async validators(
    height: bigint,
    options: AbortOptions = {},
  ): Promise<readonly SetMember[] | undefined> {
    await this.#proveChain(options);
    const members: SetMember[] = [];
    for (let page = 1; ; page++) {
      const params = { height: String(height), page: String(page), per_page: String(PAGE_SIZE) };
      const answer = await this.#askUnlessAbsent('validators', params, options);
      if (answer === undefined) return undefined;
      const part = this.#read(answer, validatorsFromJson);
      members.push(...part.members);
      if (part.total > MAX_VALIDATORS || members.length > part.total) {
        throw this.#wrong(`validators: ${members.length} of ${part.total}`);
      }
      if (members.length === part.total) return members;
      if (part.members.length === 0) throw this.#wrong('validators: a page is empty');
    }
  }

  async evidenceParams(height: bigint, options: AbortOptions = {}): Promise<EvidenceParams> {
    await this.#proveChain(options);
    const answer = await this.#ask('consensus_params', { height: String(height) }, options);
    return this.#read(answer, evidenceParamsFromJson);
  }

  /** Closes its connections. */
  [Symbol.dispose](): void {
    this.#exchange[Symbol.dispose]();
  }

  async #proveChain(options: AbortOptions): Promise<void> {
    if (!this.#isChainKnown) await this.status(options);
  }

  #checkChain(found: string): void {
    if (found === this.#chainId) return;
    this.#isChainKnown = false;
    throw new ForeignNodeError(this.url, { expected: this.#chainId, found });
  }

  async #ask(
    method: string,
    params: Readonly<Record<string, string>>,
    options: AbortOptions & { readonly onlyMember?: string | undefined },
  ): Promise<unknown> {
    const { signal, onlyMember } = options;
    const timeoutMs =
      onlyMember === undefined ? this.#timeoutMs : Math.max(this.#timeoutMs, RESULTS_TIMEOUT_MS);
    try {
      return await this.#exchange.call({ method, params, timeoutMs, signal, onlyMember });
    } catch (error) {
      if (error instanceof NodeRpcError && error.kind === 'unreachable') this.#isChainKnown = false;
      throw error;
    }
  }

  /** `undefined` for a height that is not kept, or not there yet. */
  async #askUnlessAbsent(
    method: string,
    params: Readonly<Record<string, string>>,
    options: AbortOptions & {
      readonly onlyMember?: string | undefined;
      readonly isAheadAnError?: boolean;
    },
  ): Promise<unknown> {
    try {
      return await this.#ask(method, params, options);
    } catch (error) {
      if (!(error instanceof NodeRpcError)) throw error;
      const isAhead = error.kind === 'ahead' && options.isAheadAnError !== true;
      if (error.kind === 'absent' || isAhead) return undefined;
      throw error;
    }
  }

  #read<T>(answer: unknown, read: (answer: unknown) => T): T {
    try {
      return read(answer);
    } catch (cause) {
      if (!(cause instanceof RpcShapeError)) throw cause;
      throw this.#wrong(cause.message, cause);
    }
  }

  #wrong(text: string, cause?: unknown): NodeRpcError {
    return new NodeRpcError(
      this.url,
      { kind: 'answer', text },
      cause === undefined ? {} : { cause },
    );
  }
}
