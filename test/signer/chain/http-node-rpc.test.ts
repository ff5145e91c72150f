import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { base64FromBytes } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { HttpNodeRpc } from '@privval/signer/chain/http-node-rpc';
import { expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { type RpcAnswer, type RpcCallSeen, RpcServer } from './rpc-server.ts';
import { RECORDED_NODES, recordedResult, rpcVectors } from './rpc-vectors.ts';

/** A node that answers as the recorded one did. */
async function recorded(node: (typeof RECORDED_NODES)[number]) {
  const vectors = rpcVectors(node);
  const { added, replaced, removed } = vectors.heights;
  const results: Readonly<Record<string, string>> = {
    [String(BigInt(added) - 1n)]: 'blockResultsWithout',
    [added]: 'blockResultsAdded',
    [replaced]: 'blockResultsReplaced',
    [removed]: 'blockResultsRemoved',
  };
  const answer = ({ method, params }: RpcCallSeen): RpcAnswer => {
    const height = params['height'] ?? '';
    if (BigInt(height === '' ? 0 : height) > 1_000n) {
      const name = method === 'block_results' ? 'blockResults' : method;
      return vectors.answers.beyondTip[name]?.body as RpcAnswer;
    }
    if (method === 'status') return { result: recordedResult(vectors, 'status') };
    if (method === 'commit') return { result: recordedResult(vectors, 'commit') };
    if (method === 'block_results') {
      return { result: recordedResult(vectors, results[height] ?? '') };
    }
    if (method === 'validators') {
      return { result: recordedResult(vectors, 'validatorsAtReplacement') };
    }
    if (method === 'blockchain') {
      const { header } = (recordedResult(vectors, 'block') as { block: { header: unknown } }).block;
      return { result: { last_height: '18', block_metas: [{ header }] } };
    }
    return { error: { message: 'Method not found' } };
  };
  const server = await RpcServer.listen(answer);
  const rpc = new HttpNodeRpc(
    { clock: systemClock },
    { url: server.url, chainId: vectors.chainId },
  );
  return { vectors, server, rpc };
}

test.each(RECORDED_NODES)(
  '%s: its validator updates are read, whatever their shape',
  async (node) => {
    const { vectors, server, rpc } = await recorded(node);
    await using _server = server;
    using _rpc = rpc;
    const told = async (height: string) =>
      (await rpc.powerUpdates(BigInt(height)))?.map(({ publicKey, power }) => [
        base64FromBytes(publicKey),
        power,
      ]);
    const { added, replaced, removed } = vectors.heights;
    const { first, second } = vectors.keys;
    expect(await told(String(BigInt(added) - 1n))).toEqual([]);
    expect(await told(added)).toEqual([[first, 1n]]);
    expect(new Map((await told(replaced)) as [string, bigint][])).toEqual(
      new Map([
        [second, 1n],
        [first, 0n],
      ]),
    );
    expect(await told(removed)).toEqual([[second, 0n]]);
  },
);

test.each(RECORDED_NODES)('%s: its status, headers and set are read', async (node) => {
  const { vectors, server, rpc } = await recorded(node);
  await using _server = server;
  using _rpc = rpc;
  expect(await rpc.status()).toMatchObject({
    chainId: vectors.chainId,
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    latestHeight: expect.any(BigInt),
    isCatchingUp: false,
  });
  const [header] = await rpc.headers(1n, 18n);
  expect(header).toMatchObject({ chainId: vectors.chainId });
  expect(header?.validatorsHash).toHaveLength(32);
  const members = await rpc.validators(12n);
  expect(members?.map(({ publicKey }) => base64FromBytes(publicKey ?? new Uint8Array()))).toEqual([
    vectors.keys.own,
    vectors.keys.second,
  ]);
  expect(members?.map(({ power }) => power)).toEqual([10n, 1n]);
});

test.each(RECORDED_NODES)(
  '%s: the signature in its commit verifies over the sign bytes rebuilt',
  async (node) => {
    const { vectors, server, rpc } = await recorded(node);
    await using _server = server;
    using _rpc = rpc;
    const commit = await rpc.commit(12n);
    expect(commit).toMatchObject({
      height: 12n,
      isCanonical: true,
      signatures: [{ flag: 'block' }],
    });
    if (commit === undefined) return;
    const [signature] = commit.signatures;
    const { hash, partSetTotal: total, partSetHash } = commit.blockId;
    const bytes = voteSignBytes(vectors.chainId, {
      type: 'precommit',
      height: commit.height,
      round: commit.round,
      blockId: { hash, partSetHeader: { total, hash: partSetHash } },
      timestamp: signature?.timestamp ?? { seconds: 0n, nanos: 0 },
    });
    const key = ed25519PublicKey(new Uint8Array(Buffer.from(vectors.keys.own, 'base64')));
    expect(verifyStrict(key, bytes, signature?.signature ?? new Uint8Array())).toBe(true);
  },
);

test.each(RECORDED_NODES)(
  '%s: a height that is not there yet is none, but its results are an error',
  async (node) => {
    const { server, rpc } = await recorded(node);
    await using _server = server;
    using _rpc = rpc;
    expect(await rpc.commit(1_015n)).toBeUndefined();
    expect(await rpc.validators(1_015n)).toBeUndefined();
    await expect(rpc.powerUpdates(1_015n)).rejects.toMatchObject({
      code: 'ERR_NODE_RPC',
      kind: 'ahead',
    });
  },
);

const CHAIN = 'vectors-cometbft-0.40.0';
const statusOf = () => recordedResult(rpcVectors('cometbft-0.40.0'), 'status');

async function scripted(answer: (call: RpcCallSeen) => RpcAnswer) {
  const server = await RpcServer.listen((call) =>
    call.method === 'status' ? { result: statusOf() } : answer(call),
  );
  const rpc = new HttpNodeRpc({ clock: systemClock }, { url: server.url, chainId: CHAIN });
  return { server, rpc };
}

test.each([
  ['results that are not kept', 'node is not persisting finalize block responses'],
  ['results that are not kept by v0.37', 'node is not persisting abci responses'],
  ['results that were pruned', 'could not find results for height #5'],
  ['a height below the lowest', 'height 5 is not available, lowest height is 9'],
])('%s are unknown, not empty', async (_what, data) => {
  const { server, rpc } = await scripted(() => ({ error: { message: 'Internal error', data } }));
  await using _server = server;
  using _rpc = rpc;
  expect(await rpc.powerUpdates(5n)).toBeUndefined();
});

test.each<[string, RpcAnswer]>([
  ['no JSON', { raw: '<html>' }],
  ['an answer without a result', { raw: '{"jsonrpc":"2.0","id":1}' }],
  ['a result without updates', { result: {} }],
  ['JSON that stops', { raw: '{"result":{"validator_updates":[' }],
  ['brackets that do not match', { raw: '}}}' }],
  [
    'a key that is too short',
    { result: { validator_updates: [{ pub_key_type: 'ed25519', pub_key_bytes: 'AAAA' }] } },
  ],
  [
    'a negative power',
    {
      result: {
        validator_updates: [
          { pub_key_type: 'ed25519', pub_key_bytes: `${'A'.repeat(43)}=`, power: '-1' },
        ],
      },
    },
  ],
  ['a list that is none', { result: { validator_updates: 'none' } }],
  ['an error', { error: { message: 'Internal error', data: 'panic' } }],
  ['a page of a proxy', { raw: 'moved', status: 302 }],
])('%s is no answer', async (_what, answer) => {
  const { server, rpc } = await scripted(() => answer);
  await using _server = server;
  using _rpc = rpc;
  await expect(rpc.powerUpdates(5n)).rejects.toMatchObject({ code: 'ERR_NODE_RPC' });
});

test('the updates are found behind results of any length, and not in the texts of a transaction', async () => {
  const key = `${'A'.repeat(43)}=`;
  const trap = {
    log: '"validator_updates":[{"power":"7"}] \\" ]}',
    data: { validator_updates: ['no'] },
  };
  const { server, rpc } = await scripted(() => ({
    result: {
      txs_results: Array.from({ length: 20_000 }, () => trap),
      validator_updates: [{ pub_key: { Sum: { value: { ed25519: key } } }, power: '3' }],
      app_hash: '',
    },
  }));
  await using _server = server;
  using _rpc = rpc;
  expect(await rpc.powerUpdates(5n)).toEqual([{ publicKey: new Uint8Array(32), power: 3n }]);
});

test('updates of keys of other types are left out', async () => {
  const { server, rpc } = await scripted(() => ({
    result: {
      validator_updates: [
        { pub_key: { Sum: { value: { secp256k1: 'AAAA' } } }, power: '3' },
        { pub_key_type: 'bls12_381', pub_key_bytes: 'AAAA', power: '3' },
        { pub_key: { type: 'tendermint/PubKeySecp256k1', value: 'AAAA' }, power: '3' },
      ],
    },
  }));
  await using _server = server;
  using _rpc = rpc;
  expect(await rpc.powerUpdates(5n)).toEqual([]);
});

test('S46: a node of another chain is refused, also where the answer names none', async () => {
  await using server = await RpcServer.listen(({ method }) =>
    method === 'status' ? { result: statusOf() } : { result: { validator_updates: null } },
  );
  using rpc = new HttpNodeRpc({ clock: systemClock }, { url: server.url, chainId: 'ours' });
  await expect(rpc.status()).rejects.toMatchObject({ code: 'ERR_NODE_FOREIGN', chainId: CHAIN });
  await expect(rpc.powerUpdates(5n)).rejects.toMatchObject({ code: 'ERR_NODE_FOREIGN' });
  expect(server.calls.map(({ method }) => method)).toEqual(['status', 'status']);
});

test('validators are read page by page', async () => {
  const member = (index: number) => ({
    address: index.toString(16).padStart(40, '0'),
    pub_key: { type: 'tendermint/PubKeyEd25519', value: `${'A'.repeat(43)}=` },
    voting_power: '1',
  });
  const all = Array.from({ length: 250 }, (_, index) => member(index));
  const { server, rpc } = await scripted(({ params }) => {
    const page = Number(params['page']);
    const validators = all.slice((page - 1) * 100, page * 100);
    return { result: { validators, count: String(validators.length), total: '250' } };
  });
  await using _server = server;
  using _rpc = rpc;
  expect(await rpc.validators(7n)).toHaveLength(250);
  expect(server.calls.filter(({ method }) => method === 'validators')).toHaveLength(3);
});

test('a node that does not answer in time is unreachable, and the wait can be ended before', async () => {
  const clock = new ManualClock();
  await using server = await RpcServer.listen(() => 'silence');
  using rpc = new HttpNodeRpc({ clock }, { url: server.url, chainId: CHAIN });
  const asked = rpc.status();
  await server.until(() => server.calls.length === 1);
  await Promise.all([
    expect(asked).rejects.toMatchObject({ code: 'ERR_NODE_RPC', kind: 'unreachable' }),
    clock.advance(2_000),
  ]);
  const stop = new AbortController();
  const again = rpc.status({ signal: stop.signal });
  await server.until(() => server.calls.length === 2);
  stop.abort('enough');
  await expect(again).rejects.toBe('enough');
  expect(clock.pending).toBe(0);
});

test('an answer without an end is given up', async () => {
  const { server, rpc } = await scripted(() => ({ raw: `{"x":"${'x'.repeat(5_000_000)}"}` }));
  await using _server = server;
  using _rpc = rpc;
  await expect(rpc.commit(5n)).rejects.toMatchObject({ code: 'ERR_NODE_RPC', kind: 'answer' });
});

test('user and password of a URL are sent and never shown', async () => {
  const { server } = await scripted(() => ({ result: null }));
  await using _server = server;
  const url = server.url.replace('http://', 'http://me:secret@');
  using rpc = new HttpNodeRpc({ clock: systemClock }, { url: `${url}/`, chainId: CHAIN });
  expect(rpc.url).toBe(server.url);
  expect(JSON.stringify(rpc)).not.toContain('secret');
  expect(await rpc.status()).toMatchObject({ chainId: CHAIN });
});

test.each(['ftp://host', 'http://', 'host:26657', 'http://host/?a=b', ''])(
  '%j is not the URL of an RPC',
  (url) => {
    expect(() => new HttpNodeRpc({ clock: systemClock }, { url, chainId: CHAIN })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_RPC_URL' }),
    );
  },
);
