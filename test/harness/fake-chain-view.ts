/** A view of a chain that tells what a test says, without sources. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { ChainSource, FollowerStatus } from '@privval/signer/chain/chain-follower';
import type { Attendance, ChainEvent, ChainView } from '@privval/signer/chain/chain-view';
import { NewsHub } from '@privval/signer/chain/news-hub';
import type { NodeRpc, SignedHeaderFacts } from '@privval/signer/chain/node-rpc';
import { NoSourceError } from '@privval/signer/chain/node-rpc-errors';

/** Readers get what is put after they subscribed; a put resolves when every reader has room for it. */
export class FakeChainView implements ChainView {
  readonly validator: string;
  /** What {@link tip} gives. */
  newest: { readonly height: bigint; readonly timeMs: number } | undefined;
  /** What {@link attendance} gives, ascending. */
  readonly attended: Attendance[] = [];
  /** What {@link followers} gives. */
  statuses: readonly FollowerStatus[] = [];
  /** Whom {@link ask} asks. @default nobody */
  rpc: NodeRpc | undefined;
  sources: readonly ChainSource[] = [];
  readonly #events = new NewsHub<ChainEvent>(1_024);
  readonly #commits = new NewsHub<SignedHeaderFacts>(1_024);

  constructor(validator: string) {
    this.validator = validator;
  }

  /** Tells an event. Resolves once every reader there is has come back for the next one. */
  async tell(event: ChainEvent): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    await this.#events.put(event, {}, resolve);
    await promise;
  }

  /** The same for a commit. */
  async tellCommit(commit: SignedHeaderFacts): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    await this.#commits.put(commit, {}, resolve);
    await promise;
  }

  tip(): bigint | undefined {
    return this.newest?.height;
  }

  tipTimeMs(): number | undefined {
    return this.newest?.timeMs;
  }

  events(options: AbortOptions = {}): AsyncIterable<ChainEvent> {
    return this.#events.subscribe(options);
  }

  commits(options: AbortOptions = {}): AsyncIterable<SignedHeaderFacts> {
    return this.#commits.subscribe(options);
  }

  attendance(fromHeight: bigint): readonly Attendance[] {
    return this.attended.filter(({ height }) => height >= fromHeight);
  }

  followers(): readonly FollowerStatus[] {
    return this.statuses;
  }

  async ask<T>(question: (rpc: NodeRpc) => Promise<T>): Promise<T> {
    if (this.rpc === undefined) throw new NoSourceError(this.validator);
    return question(this.rpc);
  }

  setSources(sources: readonly ChainSource[]): void {
    this.sources = sources;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#events.close();
    this.#commits.close();
  }
}
