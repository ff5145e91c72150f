/** What is asked of a chain beside its events, where there is one that answers. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainView } from '../chain/chain-view.ts';
import type { NodeRpc, SetMember } from '../chain/node-rpc.ts';
import { NodeRpcError } from '../chain/node-rpc-errors.ts';

/** Collaborators of {@link ChainQuestions}. */
export interface ChainQuestionsDeps {
  /** `undefined` where no RPC is configured. */
  readonly view: ChainView | undefined;
  readonly logger: Logger;
}

/** Questions whose answer may be missing: a chain that does not tell is no fault of anybody's here. */
export class ChainQuestions {
  readonly #deps: ChainQuestionsDeps;

  constructor(deps: ChainQuestionsDeps) {
    this.#deps = deps;
  }

  /** The answer, or `undefined` when no source gives one. Rejects with the reason of an abort. */
  async ask<T>(
    question: (rpc: NodeRpc) => Promise<T>,
    options: AbortOptions,
  ): Promise<T | undefined> {
    const { view, logger } = this.#deps;
    if (view === undefined) return undefined;
    try {
      return await view.ask(question, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof CodedError) || error instanceof InvariantError) throw error;
      logger.debug({ code: error.code }, 'the chain did not tell');
      return undefined;
    }
  }

  /** The newest height; before the first block event the view knows of none, and a node is asked. */
  async tip(options: AbortOptions): Promise<bigint | undefined> {
    const known = this.#deps.view?.tip();
    if (known !== undefined) return known;
    return (await this.ask((rpc) => rpc.status(options), options))?.latestHeight;
  }

  /** The set of the height after `tip`. A source that has not come so far, or was just started, is no answer: the next one is asked. */
  async set(
    tip: bigint | undefined,
    options: AbortOptions,
  ): Promise<readonly SetMember[] | undefined> {
    if (tip === undefined) return undefined;
    return this.ask(async (rpc) => {
      const set = await rpc.validators(tip + 1n, options);
      if (set !== undefined) return set;
      throw new NodeRpcError(rpc.url, { kind: 'ahead', text: `no validators of ${tip + 1n} yet` });
    }, options);
  }
}
