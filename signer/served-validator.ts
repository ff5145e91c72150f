/** One validator at work: its key checked, its nodes dialled, its gRPC service up. */
import type { PrivValidator } from '@privval/proto/privval/priv-validator';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { DialNode } from './connection/dial-node.ts';
import { GrpcLink, type GrpcStatus } from './connection/grpc-link.ts';
import type { GrpcListenOptions } from './connection/grpc-options.ts';
import type { NodeAddress } from './connection/node-address.ts';
import { type LinkStatus, NodeLink } from './connection/node-link.ts';

/** Collaborators of a {@link ServedValidator}. */
export interface ServedValidatorDeps {
  readonly privValidator: PrivValidator;
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
    return new ServedValidator(
      nodes.map((address) => NodeLink.start(deps, { validator, chainId, address })),
      grpc && GrpcLink.start(deps, { validator, chainId, listen: grpc }),
    );
  }

  /** Each node's connection, in the order of the configuration. */
  nodes(): readonly LinkStatus[] {
    return this.#links.map((link) => link.status());
  }

  /** The gRPC service, if there is one. */
  grpc(): GrpcStatus | undefined {
    return this.#grpc?.status();
  }

  /** Ends all of them at the same time; answers in flight are finished first, within half a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      ...this.#links.map((link) => link[Symbol.asyncDispose]()),
      this.#grpc?.[Symbol.asyncDispose](),
    ]);
  }
}
