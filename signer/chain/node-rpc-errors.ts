/** What a node's RPC can do wrong. None of it ever stops signing. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** No answer, no answer in time, one that is too long, or one that is not what was asked for. */
export class NodeRpcError extends CodedError {
  override readonly name = 'NodeRpcError';
  readonly code = 'ERR_NODE_RPC';
  /** Without user and password. */
  readonly url: string;
  /**
   * `ahead`: the node has not come to that height. `absent`: it keeps nothing of it any more, or
   * never did. `unreachable`: nobody answers. `answer`: anything else.
   */
  readonly kind: 'ahead' | 'absent' | 'unreachable' | 'answer';

  constructor(
    url: string,
    what: { readonly kind: NodeRpcError['kind']; readonly text: string },
    options?: ErrorOptions,
  ) {
    super(`${url}: ${what.text}`, options);
    this.url = url;
    this.kind = what.kind;
  }
}

/** A node of another chain answers. What it tells is not looked at. */
export class ForeignNodeError extends CodedError {
  override readonly name = 'ForeignNodeError';
  readonly code = 'ERR_NODE_FOREIGN';
  readonly url: string;
  /** The chain it is of. */
  readonly chainId: string;

  constructor(url: string, chains: { readonly expected: string; readonly found: string }) {
    super(
      `${url} is of chain ${JSON.stringify(chains.found.slice(0, 64))}, not of ${JSON.stringify(chains.expected)}: correct rpc or witnesses in signer.toml`,
    );
    this.url = url;
    this.chainId = chains.found;
  }
}

/** A text is not the URL of an RPC. */
export class InvalidRpcUrlError extends CodedError {
  override readonly name = 'InvalidRpcUrlError';
  readonly code = 'ERR_INVALID_RPC_URL';

  /** `reason` tells nothing of the text but its host: it may have a password in it. */
  constructor(reason: string) {
    super(`not the URL of an RPC (http://host:port or https://host): ${reason}`);
  }
}

/** No source of a validator's chain gives an answer. */
export class NoSourceError extends CodedError {
  override readonly name = 'NoSourceError';
  readonly code = 'ERR_NO_CHAIN_SOURCE';

  constructor(validator: string, options?: ErrorOptions) {
    const reason = options?.cause instanceof Error ? options.cause.message : 'none is configured';
    super(
      `no RPC tells of the chain of validator ${JSON.stringify(validator)}: ${reason}`,
      options,
    );
  }
}
