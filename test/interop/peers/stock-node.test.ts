/** The stand itself: each stock node makes blocks here, before any signer of ours is tried on it. */
import { systemClock } from '@privval/proto/runtime/clock';
import { describe, expect, it } from 'vitest';
import { ForeignSigner } from './foreign-signers.ts';
import { NodeHome } from './node-home.ts';
import { PeerExitedError } from './peer-process.ts';
import { STOCK_NODES } from './peers.ts';
import { StockNode } from './stock-node.ts';

const deps = { clock: systemClock };

describe('a stock node with its own key', () => {
  it.each(STOCK_NODES)('$name signs every height, before and after a restart', async ({ name }) => {
    await using home = await NodeHome.prepare({ node: name, chainId: `own-${name}` });
    await using node = await StockNode.start(deps, { home });
    const before = await node.waitForHeight(5n);
    await node.restart();
    const after = await node.waitForHeight(before + 3n);

    const facts = await node.factsBetween(1n, after - 1n);
    expect(facts.filter(({ signed, round }) => !signed || round !== 0)).toEqual([]);
    expect(await node.rpc.status()).toMatchObject({
      chainId: `own-${name}`,
      nodeId: home.nodeId,
      validatorAddress: home.validatorAddress,
    });
    expect(await node.rpc.validators(after)).toEqual([
      { address: home.validatorAddress, publicKey: home.validator.value, power: 10n },
    ]);
  });
});

describe('a stock node with a foreign signer', () => {
  it.each([
    { name: 'cometbft-0.38.25', scheme: 'tcp' },
    { name: 'tendermint-0.34.24', scheme: 'unix' },
    { name: 'cometbft-0.40.0', scheme: 'unix' },
  ] as const)(
    '$name over $scheme: tmkms signs across a restart of each',
    async ({ name, scheme }) => {
      await using home = await NodeHome.prepare({ node: name, chainId: 'foreign', scheme });
      await using signer = await ForeignSigner.tmkms(deps, {
        chainId: home.chainId,
        address: home.signerAddress,
      });
      await using node = await StockNode.start(deps, { home, signer });
      await node.waitForHeight(5n);
      await signer.restart();
      const before = await node.waitForHeight((await node.height()) + 5n);
      await node.restart();
      const after = await node.waitForHeight(before + 5n);

      const facts = await node.factsBetween(1n, after - 1n);
      expect(facts.filter(({ signed }) => !signed)).toEqual([]);
    },
  );

  it.each(['tcp', 'unix'] as const)('SignerServer signs over %s', async (scheme) => {
    await using home = await NodeHome.prepare({ node: 'cometbft-0.38.25', chainId: 'c', scheme });
    await using signer = await ForeignSigner.filePv(deps, {
      chainId: home.chainId,
      address: home.signerAddress,
    });
    await using node = await StockNode.start(deps, { home, signer });
    const height = await node.waitForHeight(5n);

    const facts = await node.factsBetween(1n, height - 1n);
    expect(facts.filter(({ signed, round }) => !signed || round !== 0)).toEqual([]);
  });

  it('a node whose signer does not come says so and ends', async () => {
    await using home = await NodeHome.prepare({
      node: 'cometbft-0.38.25',
      chainId: 'c',
      scheme: 'tcp',
    });
    const signer = { validator: home.validator };
    const started = StockNode.start(deps, { home, signer });
    await expect(started).rejects.toThrow(PeerExitedError);
    await expect(started).rejects.toThrow(/can't get pubkey/);
  });

  it('a second node joins the chain of the first', async () => {
    await using first = await NodeHome.prepare({ node: 'cometbft-0.38.25', chainId: 'two' });
    await using second = await NodeHome.prepare({ node: 'cometbft-0.38.25', chainId: 'two' });
    await using leader = await StockNode.start(deps, { home: first });
    second.join(first);
    await using follower = await StockNode.start(deps, { home: second });
    await follower.waitForHeight((await leader.height()) + 3n);
    expect(await follower.rpc.commit(2n)).toEqual(await leader.rpc.commit(2n));
  });
});
