import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { expect, test } from 'vitest';
import { FakeChain } from '../../harness/fake-rpc-chain.ts';
import { chainOf, keyOf } from './follower-rig.ts';
import { sourceOf, tablesOfHome, ViewRig } from './view-rig.ts';

const SWAP = [
  { publicKey: keyOf(2), power: 10n },
  { publicKey: keyOf(1), power: 0n },
];

test('S46: one source arms: nobody waits for a witness that is silent', async () => {
  const chain = chainOf(5);
  await using rig = await ViewRig.start({
    chains: [chain, chain],
    before: ([, witness]) => {
      if (witness !== undefined) witness.script.next = () => 'silent';
    },
  });
  await rig.until(() => rig.view.followers()[0]?.mode === 'events');
  chain.addBlock({ updates: SWAP });
  await rig.until('updates 6 02=10,01=0');
  expect(rig.clock.monotonicMs()).toBe(0);
});

test('S46: a witness that is a block behind is no disagreement, and its blocks are its own', async () => {
  const chain = chainOf(5);
  await using rig = await ViewRig.start({ chains: [chain, chain] });
  const [, witness] = rig.rpcs;
  await rig.untilFollowing();
  witness?.showUpTo(5n);
  chain.addBlock({ updates: SWAP });
  chain.addBlock();
  await rig.until('updates 7');
  witness?.showUpTo(undefined);
  await rig.until(() => rig.view.followers().every(({ tip }) => tip === 7n), 500);
  expect(rig.only('updates').filter((line) => line.startsWith('updates 6'))).toHaveLength(1);
  expect(rig.only('contradiction')).toEqual([]);
});

test('S46: sources that contradict each other are told, and the next header settles it', async () => {
  const chain = chainOf(5);
  await using rig = await ViewRig.start({ chains: [chain, chain] });
  const [, liar] = rig.rpcs;
  await rig.untilFollowing();
  if (liar !== undefined) {
    liar.script.next = ({ method, params }) =>
      method === 'block_results' && params['height'] === '6'
        ? { lie: (result) => ({ ...(result as object), validator_updates: null }) }
        : 'answer';
  }
  chain.addBlock({ updates: SWAP });
  await rig.until(() => rig.only('contradiction').length > 0);
  expect(rig.only('settled')).toEqual([]);
  chain.addBlock();
  await rig.until('settled 6 02=10,01=0', 100);
});

test('S46: the lie is found whoever told it first', async () => {
  const chain = chainOf(5);
  await using rig = await ViewRig.start({ chains: [chain, chain] });
  const [liar, honest] = rig.rpcs;
  await rig.untilFollowing();
  if (liar !== undefined && honest !== undefined) {
    honest.showUpTo(5n);
    liar.script.next = ({ method, params }) =>
      method === 'block_results' && params['height'] === '6'
        ? { lie: (result) => ({ ...(result as object), validator_updates: null }) }
        : 'answer';
    chain.addBlock({ updates: SWAP });
    await rig.until('updates 6');
    honest.showUpTo(undefined);
  }
  await rig.until(() => rig.only('contradiction').length > 0, 500);
  chain.addBlock();
  await rig.until('settled 6 02=10,01=0', 100);
});

test('S46: sources that do not agree on the header either settle nothing', async () => {
  const chain = chainOf(5);
  const fork = chain.fork();
  await using rig = await ViewRig.start({ chains: [chain, fork] });
  await rig.untilFollowing();
  chain.addBlock({ updates: SWAP });
  fork.addBlock();
  await rig.until(() => rig.only('contradiction').length > 0);
  chain.addBlocks(2);
  fork.addBlocks(2);
  await rig.until(() => rig.view.tip() === 8n);
  await rig.clock.advance(5_000);
  expect(rig.only('settled')).toEqual([]);
  // Without the liar the header is agreed on.
  const [node] = rig.rpcs;
  if (node !== undefined) rig.view.setSources([sourceOf(node, 0)]);
  await rig.until('settled 6 02=10,01=0', 100);
});

test('S46: after a restart the updates of all heights since the last handled one are told', async () => {
  const tables = tablesOfHome();
  const chain = chainOf(5);
  {
    await using rig = await ViewRig.start({ chains: [chain], tables });
    await rig.untilFollowing();
    await rig.until('updates 5');
    chain.addBlock();
    await rig.until('updates 6');
  }
  chain.addBlock({ updates: SWAP });
  chain.addBlocks(2);
  await using rig = await ViewRig.start({ chains: [chain], tables });
  await rig.until('updates 9');
  // The last one may not have been handled to its end: it comes twice rather than not at all.
  expect(rig.only('updates').slice(-3)).toEqual(['updates 7 02=10,01=0', 'updates 8', 'updates 9']);
});

test('progress is an entry of the audit log at the end, not one a block', async () => {
  const tables = tablesOfHome();
  const chain = chainOf(50);
  {
    await using rig = await ViewRig.start({ chains: [chain], tables });
    await rig.untilFollowing();
    for (let i = 0; i < 20; i++) chain.addBlock();
    await rig.until('updates 70');
  }
  expect(tables.entries.map(({ kind }) => kind)).toEqual(['act']);
  const rows = tables.read('SELECT results_read FROM chain_progress ORDER BY source', [], 9);
  expect(rows.some(({ results_read }) => Number(results_read) >= 69)).toBe(true);
});

test('S36: commits are read from below the floor on, each at the tip and again when it is final', async () => {
  const chain = chainOf(4);
  await using rig = await ViewRig.start({ chains: [chain], floorHeight: 3n });
  await rig.until('commit 4');
  chain.addBlock();
  await rig.until('commit 5');
  expect(rig.commits).toEqual([
    'commit 1 final',
    'commit 2 final',
    'commit 3 final',
    'commit 4',
    'commit 4 final',
    'commit 5',
  ]);
});

test('S36: after a restart they are read from where the last process stopped, and no later than the floor', async () => {
  const tables = tablesOfHome();
  const chain = chainOf(5);
  {
    await using rig = await ViewRig.start({ chains: [chain], tables, floorHeight: 5n });
    await rig.until('commit 5');
    chain.addBlock();
    await rig.until('commit 6');
  }
  chain.addBlock();
  await using later = await ViewRig.start({ chains: [chain], tables, floorHeight: 7n });
  await later.until('commit 7');
  // The newest final one may not have been handled to its end.
  expect(['commit 5 final', 'commit 6 final']).toContain(later.commits[0]);
  await using restored = await ViewRig.start({ chains: [chain], tables, floorHeight: 3n });
  await restored.until('commit 7');
  expect(restored.commits[0]).toBe('commit 3 final');
});

test('S36: at most 1,000 heights back', async () => {
  await using rig = await ViewRig.start({ chains: [chainOf(1_500)], floorHeight: 3n });
  await rig.until('commit 1500');
  expect(rig.commits[0]).toBe('commit 501 final');
});

test('commits come from another source when the first one is gone', async () => {
  const chain = chainOf(5);
  await using rig = await ViewRig.start({ chains: [chain, chain], floorHeight: 5n });
  await rig.until('commit 5');
  await rig.rpcs[0]?.goAway();
  chain.addBlock();
  await rig.until('commit 5 final', 100);
  await rig.until('commit 6', 100);
});

test('attendance: signed, nil, absent, not in the set; final only when the commit is', async () => {
  using secret = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(9));
  const publicKey = secret.publicKey.bytes;
  const others = [{ publicKey: keyOf(1), power: 10n }];
  const chain = new FakeChain({
    chainId: 'followed',
    members: [...others, { publicKey, power: 1n }],
    secrets: [secret],
  });
  chain.addBlock();
  chain.addBlock({ absent: [publicKey] });
  chain.addBlock({ nil: [publicKey], updates: [{ publicKey, power: 0n }] });
  chain.addBlocks(3);
  await using rig = await ViewRig.start({ chains: [chain], floorHeight: 1n, keys: [publicKey] });
  await rig.until('commit 6');
  const book = rig.view.attendance(1n);
  expect(book.map(({ height, state, isFinal }) => [height, state, isFinal])).toEqual([
    [1n, 'signed', true],
    [2n, 'absent', true],
    [3n, 'nil', true],
    [4n, 'signed', true],
    [5n, 'not-in-set', true],
    [6n, 'not-in-set', false],
  ]);
});

test('sources come and go, and the others are not touched', async () => {
  const chain = chainOf(5);
  await using rig = await ViewRig.start({ chains: [chain, chain] });
  await rig.untilFollowing();
  const [node, witness] = rig.rpcs;
  if (node === undefined || witness === undefined) return;
  rig.view.setSources([sourceOf(node, 0)]);
  await rig.until(() => witness.subscriptions === 0);
  chain.addBlock();
  await rig.until('updates 6');
  rig.view.setSources([sourceOf(node, 0), sourceOf(witness, 1)]);
  await rig.untilFollowing();
  expect(node.calls.filter(({ method }) => method === 'subscribe')).toHaveLength(1);
});

test('it asks one source after the other, and says so when none answers', async () => {
  const chain = chainOf(5);
  await using rig = await ViewRig.start({ chains: [chain, chain] });
  await rig.untilFollowing();
  await rig.rpcs[0]?.goAway();
  expect(await rig.view.ask((rpc) => rpc.evidenceParams(5n))).toMatchObject({
    keyTypes: ['ed25519'],
  });
  await rig.rpcs[1]?.goAway();
  await expect(rig.view.ask((rpc) => rpc.status())).rejects.toMatchObject({
    code: 'ERR_NO_CHAIN_SOURCE',
  });
});

test('a source that lies about its height leads no one astray but the limits', async () => {
  const chain = chainOf(5);
  await using rig = await ViewRig.start({
    chains: [chain, chain],
    floorHeight: 5n,
    before: ([, liar]) => {
      if (liar === undefined) return;
      liar.script.next = ({ method }) =>
        method === 'status'
          ? {
              lie: (result) => {
                const honest = result as { readonly sync_info: object };
                return {
                  ...honest,
                  sync_info: { ...honest.sync_info, latest_block_height: '4611686018427387904' },
                };
              },
            }
          : 'answer';
    },
  });
  await rig.until(() => rig.view.tip() === 4_611_686_018_427_387_904n);
  chain.addBlock();
  await rig.until('commit 6', 100);
});

test('its end leaves nothing behind', async () => {
  const rig = await ViewRig.start({ chains: [chainOf(5), chainOf(5)] });
  await rig.untilFollowing();
  await rig[Symbol.asyncDispose]();
  expect(rig.clock.pending).toBe(0);
});
