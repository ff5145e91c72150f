import { silentLogger } from '@privval/proto/runtime/logger';
import type { NodeRpc, SetMember } from '@privval/signer/chain/node-rpc';
import { ChainQuestions } from '@privval/signer/rotation/chain-questions';
import { expect, test } from 'vitest';
import { FakeChainView } from '../../harness/fake-chain-view.ts';

/** A chain whose sources have these sets, asked in this order until one answers, as {@link JoinedView} does. */
class Sources extends FakeChainView {
  readonly #sets: readonly (readonly SetMember[] | undefined)[];

  constructor(sets: readonly (readonly SetMember[] | undefined)[]) {
    super('main');
    this.#sets = sets;
  }

  override async ask<T>(question: (rpc: NodeRpc) => Promise<T>): Promise<T> {
    let failure: unknown;
    for (const set of this.#sets) {
      const rpc: Pick<NodeRpc, 'url' | 'validators'> = {
        url: 'http://node',
        validators: async () => set,
      };
      try {
        return await question(rpc as NodeRpc);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

const SET: readonly SetMember[] = [];

test.each([
  ['the first source has it', [SET, undefined], SET],
  ['the first was just started and has not come so far', [undefined, SET], SET],
  ['none has', [undefined, undefined], undefined],
])('the set of the next height where %s', async (_, sets, expected) => {
  const chain = new ChainQuestions({ view: new Sources(sets), logger: silentLogger });
  expect(await chain.set(9n, {})).toBe(expected);
});
