/** Stock nodes validate through `signer serve`: the sentence this product is. */
import { join } from 'node:path';
import { systemClock } from '@privval/proto/runtime/clock';
import { describe, expect, it } from 'vitest';
import { OwnSigner } from './own-signer.ts';
import { freePort, NodeHome, type SignerFacts } from './peers/node-home.ts';
import { type NodeName, type SignerScheme, STOCK_NODES } from './peers/peers.ts';
import { StockNode } from './peers/stock-node.ts';

const deps = { clock: systemClock };

/** A restart may cost a round: a node notices a lost signer at its next ping. */
const RESTART_WINDOW_MS = 3_000;

/** Every stock node over every way it knows to reach a signer that dials. */
const MATRIX = STOCK_NODES.flatMap(({ name, schemes }) =>
  schemes.map((scheme) => ({ name, scheme })),
);

interface Stand extends AsyncDisposable {
  readonly signer: OwnSigner;
  readonly node: StockNode;
}

/** A node and our signer, connected as the README says. */
async function stand(name: NodeName, scheme: SignerScheme): Promise<Stand> {
  await using stack = new AsyncDisposableStack();
  const chainId = `c-${name.replaceAll('.', '-')}`;
  const home = stack.use(await NodeHome.prepare({ node: name, chainId, scheme }));
  const grpcAddress = `127.0.0.1:${await freePort()}`;
  const place = scheme === 'grpc' ? ['--grpc-listen', grpcAddress] : ['--node', home.signerAddress];
  const flags = ['--chain-id', chainId, '--validator', 'v', ...place];
  const signer = stack.use(await OwnSigner.init(deps, flags));
  const facts: SignerFacts = {
    validator: await signer.validator(),
    ...(scheme === 'noise' && {
      peerId: await signer.command('identity', 'show', '--format', 'libp2p'),
    }),
    ...(scheme === 'grpc' && { grpc: grpcFacts(grpcAddress, signer) }),
  };
  await signer.serve();
  const node = stack.use(await StockNode.start(deps, { home, signer: facts }));
  const owned = stack.move();
  return { signer, node, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The files that `init` makes for the node. */
function grpcFacts(address: string, { home }: OwnSigner): NonNullable<SignerFacts['grpc']> {
  const file = (name: string): string => join(home, 'grpc/v/node', name);
  return {
    address,
    certificateFile: file('client.crt'),
    keyFile: file('client.key'),
    rootFile: file('root-ca.crt'),
  };
}

describe('a stock node validates through signer serve', () => {
  it.each(MATRIX)(
    '$name over $scheme: 20 heights and more, across a restart of each, all signed, at round 0',
    async ({ name, scheme }) => {
      await using pair = await stand(name, scheme);
      const { signer, node } = pair;
      const restarts: number[] = [];

      await node.waitForHeight(8n);
      restarts.push(Date.now());
      expect(await signer.stop()).toBe('exit code 0');
      await signer.serve();
      const second = await node.waitForHeight((await node.height()) + 6n);

      restarts.push(Date.now());
      await node.restart();
      const last = await node.waitForHeight(second + 8n);
      expect(last).toBeGreaterThanOrEqual(20n);

      const facts = await node.factsBetween(1n, last - 1n);
      expect(facts.filter(({ signed }) => !signed)).toEqual([]);
      const late = facts.filter(({ round, timestamp }) => {
        const at = Date.parse(timestamp ?? '');
        return (
          round !== 0 && !restarts.some((restart) => Math.abs(at - restart) < RESTART_WINDOW_MS)
        );
      });
      expect(late).toEqual([]);

      const [floor] = await signer.state();
      expect(BigInt(floor?.height ?? 0)).toBeGreaterThanOrEqual(last);
      expect(floor).toMatchObject({ chainId: node.home.chainId });
    },
  );

  it('SIGKILL of the signer between two heights costs no signature and no contradiction (S6, S8)', async () => {
    await using pair = await stand('cometbft-0.38.25', 'unix');
    const { signer, node } = pair;
    for (let i = 0; i < 5; i++) {
      await node.waitForHeight((await node.height()) + 2n);
      await signer.kill();
      await signer.serve();
    }
    const last = await node.waitForHeight((await node.height()) + 3n);
    const facts = await node.factsBetween(1n, last - 1n);
    expect(facts.filter(({ signed }) => !signed)).toEqual([]);
  });

  it('two nodes on one signer and one chain: one validator, no evidence, the chain goes on (S1, S10)', async () => {
    await using stack = new AsyncDisposableStack();
    const options = { node: 'cometbft-0.38.25', chainId: 'twins', scheme: 'tcp' } as const;
    const first = stack.use(await NodeHome.prepare(options));
    const second = stack.use(await NodeHome.prepare(options));
    const flags = [
      '--chain-id',
      'twins',
      '--node',
      first.signerAddress,
      '--node',
      second.signerAddress,
    ];
    const signer = stack.use(await OwnSigner.init(deps, flags));
    const facts = { validator: await signer.validator() };
    await signer.serve();
    const leader = stack.use(await StockNode.start(deps, { home: first, signer: facts }));
    second.join(first);
    const twin = stack.use(await StockNode.start(deps, { home: second, signer: facts }));
    const last = await leader.waitForHeight((await leader.height()) + 20n);
    await twin.waitForHeight(last);
    for (const { height, signed } of await leader.factsBetween(1n, last - 1n)) {
      expect({ height, signed }).toEqual({ height, signed: true });
    }
    for (let height = 1n; height < last; height++) {
      expect(await twin.rpc.commit(height)).toEqual(await leader.rpc.commit(height));
      expect(JSON.stringify(await leader.rpc.block(height))).toContain('"evidence":[]');
    }
  });

  it('two chains in one signer are strangers to each other', async () => {
    await using stack = new AsyncDisposableStack();
    const one = stack.use(
      await NodeHome.prepare({ node: 'cometbft-0.37.18', chainId: 'one', scheme: 'unix' }),
    );
    const other = stack.use(
      await NodeHome.prepare({ node: 'cometbft-0.40.0', chainId: 'other', scheme: 'tcp' }),
    );
    const signer = stack.use(
      await OwnSigner.init(deps, [
        '--validator',
        'a',
        '--chain-id',
        'one',
        '--node',
        one.signerAddress,
      ]),
    );
    const added = ['--chain-id', 'other', '--node', other.signerAddress];
    await signer.command('validators', 'add', 'b', ...added);
    const keyOf = async (validator: string): Promise<SignerFacts> => ({
      validator: JSON.parse(
        await signer.command('keys', 'show', '--validator', validator, '--format', 'cometbft'),
      ),
    });
    await signer.serve();
    const nodes = [
      stack.use(await StockNode.start(deps, { home: one, signer: await keyOf('a') })),
      stack.use(await StockNode.start(deps, { home: other, signer: await keyOf('b') })),
    ];
    for (const node of nodes) {
      const last = await node.waitForHeight((await node.height()) + 10n);
      const facts = await node.factsBetween(1n, last - 1n);
      expect(facts.filter(({ signed }) => !signed)).toEqual([]);
    }
    expect(
      (await signer.state()).map(({ validator, chainId }) => ({ validator, chainId })),
    ).toEqual([
      { validator: 'a', chainId: 'one' },
      { validator: 'b', chainId: 'other' },
    ]);
  });
});
