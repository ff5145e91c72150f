/** One validator at work: its key checked, its nodes dialled, its gRPC service up. */
import type { PrivValidator } from '@privval/proto/privval/priv-validator';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { DialNode } from './connection/dial-node.ts';
import { GrpcLink, type GrpcStatus } from './connection/grpc-link.ts';
import type { GrpcListenOptions } from './connection/grpc-options.ts';
import { type NodeAddress, printNodeAddress } from './connection/node-address.ts';
import { type ConnectionChange, type LinkStatus, NodeLink } from './connection/node-link.ts';
import type { ConnectionHeights, NodeHeights } from './session/node-heights.ts';

/** Collaborators of a {@link ServedValidator}. */
export interface ServedValidatorDeps {
  /** What signs for one asker: a node's address as configured, or `grpc`. */
  readonly privValidatorFor: (asker: string) => PrivValidator;
  /** What is proven of a configured node's height (S41). @default nothing is known */
  readonly heightsOf?: ((node: string) => NodeHeights) | undefined;
  /** The same for one connection of a node that dials us. */
  readonly connected?: (() => ConnectionHeights) | undefined;
  readonly onConnection?: ((change: ConnectionChange) => void) | undefined;
  readonly dial: DialNode;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
}

/** Whom it serves. */
export interface ServedValidatorOptions {
  readonly name: string;
  readonly chainId: ChainId;
  /** Nodes to dial; each has a connection of its own. */
  readonly nodes: readonly NodeAddress[];
  /** Where nodes may dial the signer. @default nowhere */
  readonly grpc?: GrpcListenOptions | undefined;
}

/** A validator's connections, up for as long as it is not disposed. They share nothing but the PrivValidator. */
export class ServedValidator implements AsyncDisposable {
  readonly #deps: ServedValidatorDeps;
  readonly #options: Omit<ServedValidatorOptions, 'nodes'>;
  /** By printed address, in the order of the configuration. */
  #links: ReadonlyMap<string, NodeLink> = new Map();
  readonly #grpc: GrpcLink | undefined;
  /** Of nodes that are gone: their last answers are still on their way. */
  readonly #leaving = new Set<NodeLink>();
  #isDisposed = false;

  private constructor(deps: ServedValidatorDeps, options: Omit<ServedValidatorOptions, 'nodes'>) {
    this.#deps = deps;
    this.#options = options;
    const { name: validator, chainId, grpc } = options;
    const { privValidatorFor, heightsOf: _, ...shared } = deps;
    this.#grpc =
      grpc &&
      GrpcLink.start(
        { ...shared, privValidator: privValidatorFor('grpc') },
        { validator, chainId, listen: grpc },
      );
  }

  /** Starts dialling and listening, and returns at once. */
  static start(deps: ServedValidatorDeps, options: ServedValidatorOptions): ServedValidator {
    const { nodes, ...rest } = options;
    const served = new ServedValidator(deps, rest);
    served.#connect(nodes);
    return served;
  }

  /**
   * Serves these nodes from here on: new ones are dialled at once, the others' connections are not
   * touched. Resolves when those that are no longer there have ended, their last answers given.
   */
  async setNodes(nodes: readonly NodeAddress[]): Promise<void> {
    if (this.#isDisposed) return;
    const before = this.#links;
    this.#connect(nodes);
    const gone = [...before].flatMap(([node, link]) => (this.#links.has(node) ? [] : link));
    for (const link of gone) this.#leaving.add(link);
    await Promise.all(
      gone.map(async (link) => {
        await link[Symbol.asyncDispose]();
        this.#leaving.delete(link);
      }),
    );
  }

  #connect(nodes: readonly NodeAddress[]): void {
    const { privValidatorFor, heightsOf, ...shared } = this.#deps;
    const { name: validator, chainId } = this.#options;
    const before = this.#links;
    this.#links = new Map(
      nodes.map((address) => {
        const node = printNodeAddress(address);
        const there = before.get(node);
        if (there !== undefined) return [node, there];
        const own = { privValidator: privValidatorFor(node), heights: heightsOf?.(node) };
        return [
          node,
          NodeLink.start({ ...shared, ...own }, { validator, chainId, address }),
        ] as const;
      }),
    );
  }

  /** Each node's connection, in the order of the configuration. */
  nodes(): readonly LinkStatus[] {
    return [...this.#links.values()].map((link) => link.status());
  }

  /** The gRPC service, if there is one. */
  grpc(): GrpcStatus | undefined {
    return this.#grpc?.status();
  }

  /** Resolves when no answer of before this call is being made or written (S34). */
  async answered(): Promise<void> {
    const links = [...this.#links.values(), ...this.#leaving];
    await Promise.all([...links.map((link) => link.answered()), this.#grpc?.answered()]);
  }

  /** Ends all of them at the same time; answers in flight are finished first, within half a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await Promise.all([
      ...[...this.#links.values()].map((link) => link[Symbol.asyncDispose]()),
      this.#grpc?.[Symbol.asyncDispose](),
    ]);
  }
}
