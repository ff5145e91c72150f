import { expect, test } from 'vitest';
import type { FakeRpcVersion } from '../../harness/fake-rpc-shapes.ts';
import { chainOf, FollowerRig, keyOf } from './follower-rig.ts';

const SWAP = [
  { publicKey: keyOf(2), power: 10n },
  { publicKey: keyOf(1), power: 0n },
];

const VERSIONS: readonly FakeRpcVersion[] = [
  'tendermint-0.34.24',
  'tendermint-0.35.9',
  'cometbft-0.37.18',
  'cometbft-0.38.25',
  'cometbft-0.39.4',
  'cometbft-0.40.0',
  'cometbft-1.0.1',
];

const isSubscribed = (rig: FollowerRig) => () => rig.follower.status().mode === 'events';

test.each(VERSIONS)(
  '%s: blocks are told by their events, and the updates of each',
  async (version) => {
    await using rig = await FollowerRig.start(chainOf(5), { version });
    await rig.until(isSubscribed(rig));
    rig.chain.addBlock();
    rig.chain.addBlock({ updates: SWAP });
    rig.chain.addBlock();
    await rig.until('updates 8');
    expect(rig.only('block')).toEqual(['block 5', 'block 6', 'block 7', 'block 8']);
    expect(rig.only('updates')).toEqual([
      'updates 5',
      'updates 6',
      'updates 7 02=10,01=0',
      'updates 8',
    ]);
    // No time has passed: nothing was polled for.
    expect(rig.clock.monotonicMs()).toBe(0);
  },
);

test('S42: a block is told before anything of it is fetched', async () => {
  await using rig = await FollowerRig.start(chainOf(5));
  await rig.until(isSubscribed(rig));
  await rig.until('updates 5');
  rig.rpc.script.next = ({ over }) => (over !== 'websocket' ? 'silent' : 'answer');
  const calls = rig.rpc.calls.length;
  rig.chain.addBlock();
  await rig.until('block 6');
  expect(
    rig.rpc.calls.slice(calls).filter(({ over }) => over !== 'websocket').length,
  ).toBeLessThanOrEqual(1);
});

test('S46: the results of all heights since the last one seen are read after a restart', async () => {
  const chain = chainOf(5);
  chain.addBlock({ updates: SWAP });
  chain.addBlocks(3);
  await using rig = await FollowerRig.start(chain, { updatesFrom: 3n });
  await rig.until('updates 9');
  expect(rig.only('updates')).toEqual([
    'updates 3',
    'updates 4',
    'updates 5',
    'updates 6 02=10,01=0',
    'updates 7',
    'updates 8',
    'updates 9',
  ]);
});

test('S46: blocks of a time without connection are read when it is back, each once and in order', async () => {
  await using rig = await FollowerRig.start(chainOf(5));
  await rig.until(isSubscribed(rig));
  await rig.rpc.goAway();
  rig.chain.addBlock();
  rig.chain.addBlock({ updates: SWAP });
  rig.chain.addBlock();
  await rig.until('lost ERR_NODE_RPC', 500);
  await rig.rpc.comeBack();
  await rig.until('updates 8', 500);
  rig.chain.addBlock();
  await rig.until('updates 9', 500);
  expect(rig.only('updates')).toEqual([
    'updates 5',
    'updates 6',
    'updates 7 02=10,01=0',
    'updates 8',
    'updates 9',
  ]);
  expect(rig.follower.status()).toMatchObject({ reconnects: 1, tip: 9n });
});

test('without a WebSocket the node is polled each second', async () => {
  await using rig = await FollowerRig.start(chainOf(5), {
    before: (rpc) => {
      rpc.script.hasWebSocket = false;
    },
  });
  await rig.until('updates 5', 10);
  expect(rig.follower.status().mode).toBe('polling');
  const startMs = rig.clock.monotonicMs();
  rig.chain.addBlock({ updates: SWAP });
  await rig.until('updates 6 02=10,01=0', 50);
  expect(rig.clock.monotonicMs() - startMs).toBeLessThanOrEqual(1_500);
  expect(rig.only('block')).toEqual(['block 5', 'block 6']);
});

test('events that stop without a word are noticed, and the stream is opened anew', async () => {
  await using rig = await FollowerRig.start(chainOf(5));
  await rig.until(isSubscribed(rig));
  rig.rpc.script.sends = () => false;
  rig.chain.addBlock();
  await rig.until('block 6', 500);
  rig.rpc.script.sends = () => true;
  await rig.until(
    () => rig.rpc.calls.filter(({ method }) => method === 'subscribe').length === 2,
    500,
  );
  await rig.until(isSubscribed(rig));
  rig.chain.addBlock();
  await rig.until('updates 7');
  expect(rig.only('updates')).toEqual(['updates 5', 'updates 6', 'updates 7']);
});

test('a stream that is cut is opened again; what was committed meanwhile is told', async () => {
  await using rig = await FollowerRig.start(chainOf(5));
  await rig.until(isSubscribed(rig));
  rig.rpc.cutSockets();
  rig.chain.addBlock();
  await rig.until('updates 6', 100);
  await rig.until(isSubscribed(rig), 100);
  rig.chain.addBlock();
  await rig.until('updates 7');
  expect(rig.only('block')).toEqual(['block 5', 'block 6', 'block 7']);
});

test('a node that keeps no results tells the updates by its sets, a block later', async () => {
  const members = [
    { publicKey: keyOf(1), power: 10n },
    { publicKey: keyOf(3), power: 5n },
  ];
  await using rig = await FollowerRig.start(chainOf(5, members), {
    before: (rpc) => {
      rpc.script.keepsResults = false;
    },
  });
  await rig.until(isSubscribed(rig));
  rig.chain.addBlock({ updates: SWAP });
  rig.chain.addBlock();
  rig.chain.addBlock();
  await rig.until('updates 7', 100);
  expect(rig.only('updates')).toEqual(['updates 5', 'updates 6 02=10,01=0', 'updates 7']);
});

test('what is pruned is told as unknown, once, and the rest is read', async () => {
  await using rig = await FollowerRig.start(chainOf(9), {
    updatesFrom: 2n,
    before: (rpc) => {
      rpc.script.base = 7n;
    },
  });
  await rig.until('updates 9');
  expect(rig.only('updates')).toEqual(['updates 6 unknown', 'updates 7', 'updates 8', 'updates 9']);
});

test('after a long absence headers tell where results are worth reading', async () => {
  const chain = chainOf(500);
  chain.addBlock({ updates: SWAP });
  chain.addBlocks(1_000);
  await using rig = await FollowerRig.start(chain, { updatesFrom: 1n });
  await rig.until('updates 1501');
  const told = rig.only('updates');
  expect(told).toHaveLength(1_501);
  expect(told[500]).toBe('updates 501 02=10,01=0');
  const results = rig.rpc.calls.filter(({ method }) => method === 'block_results');
  expect(results.length).toBeLessThan(1_100);
});

test('S46: a node of another chain is refused until it says otherwise, looked at each minute', async () => {
  const chain = chainOf(5);
  await using rig = await FollowerRig.start(chain, { chainId: 'another' });
  await rig.until(() => rig.follower.status().mode === 'refused');
  expect(rig.follower.status().lastError?.code).toBe('ERR_NODE_FOREIGN');
  const calls = rig.rpc.calls.length;
  await rig.clock.advance(59_000);
  expect(rig.rpc.calls).toHaveLength(calls);
  await rig.until(() => rig.rpc.calls.length > calls, 1_000);
  expect(rig.news).toEqual([]);
});

test('a node that turns to another chain is lost, and none of its blocks are told', async () => {
  await using rig = await FollowerRig.start(chainOf(5));
  await rig.until(isSubscribed(rig));
  rig.rpc.script.event = (_event, value) => ({
    ...(value as { header: object }),
    header: { ...(value as { header: object }).header, chain_id: 'another' },
  });
  rig.chain.addBlock();
  await rig.until('lost ERR_NODE_FOREIGN', 100);
  expect(rig.only('block')).toEqual(['block 5']);
});

test('a slow reader loses nothing: the follower stops reading its source', async () => {
  const chain = chainOf(5);
  await using rig = await FollowerRig.start(chain, { isRead: false, updatesFrom: 1n });
  await rig.until(isSubscribed(rig));
  for (let height = 6; height <= 1_300; height++) {
    chain.addBlock();
    if (height % 50 === 0) await rig.clock.advance(0);
  }
  rig.read();
  await rig.until('updates 1300', 500);
  expect(rig.only('updates')).toHaveLength(1_300);
  expect(new Set(rig.news).size).toBe(rig.news.length);
});

test('results that come a moment after their event are waited for', async () => {
  await using rig = await FollowerRig.start(chainOf(5));
  await rig.until(isSubscribed(rig));
  await rig.until('updates 5');
  let refusals = 3;
  rig.rpc.script.next = ({ method }) => {
    if (method !== 'block_results' || refusals === 0) return 'answer';
    refusals -= 1;
    return {
      body: JSON.stringify({
        error: {
          code: -32603,
          message: 'Internal error',
          data: 'could not find results for height #6',
        },
      }),
    };
  };
  rig.chain.addBlock({ updates: SWAP });
  await rig.until('updates 6 02=10,01=0', 10);
  expect(rig.clock.monotonicMs()).toBeLessThan(500);
});

test('its end leaves nothing behind', async () => {
  const rig = await FollowerRig.start(chainOf(5));
  await rig.until(isSubscribed(rig));
  await rig[Symbol.asyncDispose]();
  expect(rig.clock.pending).toBe(0);
});
