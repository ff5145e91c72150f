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
  readonly #links: readonly NodeLink[];
  readonly #grpc: GrpcLink | undefined;

  private constructor(links: readonly NodeLink[], grpc: GrpcLink | undefined) {
    this.#links = links;
    this.#grpc = grpc;
  }

  /** Starts dialling and listening, and returns at once. */
  static start(deps: ServedValidatorDeps, options: ServedValidatorOptions): ServedValidator {
    const { name: validator, chainId, nodes, grpc } = options;
    const { privValidatorFor, heightsOf, ...shared } = deps;
    const links = nodes.map((address) => {
      const node = printNodeAddress(address);
      const own = { privValidator: privValidatorFor(node), heights: heightsOf?.(node) };
      return NodeLink.start({ ...shared, ...own }, { validator, chainId, address });
    });
    const grpcLink =
      grpc &&
      GrpcLink.start(
        { ...shared, privValidator: privValidatorFor('grpc') },
        { validator, chainId, listen: grpc },
      );
    return new ServedValidator(links, grpcLink);
  }

  /** Each node's connection, in the order of the configuration. */
  nodes(): readonly LinkStatus[] {
    return this.#links.map((link) => link.status());
  }

  /** The gRPC service, if there is one. */
  grpc(): GrpcStatus | undefined {
    return this.#grpc?.status();
  }

  /** Resolves when no answer of before this call is being made or written (S34). */
  async answered(): Promise<void> {
    await Promise.all([...this.#links.map((link) => link.answered()), this.#grpc?.answered()]);
  }

  /** Ends all of them at the same time; answers in flight are finished first, within half a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      ...this.#links.map((link) => link[Symbol.asyncDispose]()),
      this.#grpc?.[Symbol.asyncDispose](),
    ]);
  }
}
