/** The fake node beside the recorded ones: the same scenario, the same shapes. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { base64FromBytes, bytesFromBase64, hexFromBytes } from '@privval/proto/runtime/bytes';
import { NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import { describe, expect, it } from 'vitest';
import { WebSocket as PingingSocket } from 'ws';
import { FakeRpc } from './fake-rpc.ts';
import { FakeChain, type FakePower, setHash } from './fake-rpc-chain.ts';
import { type FakeRpcVersion, VERSION_FACTS } from './fake-rpc-shapes.ts';

const VERSIONS = Object.keys(VERSION_FACTS) as FakeRpcVersion[];

interface Vector {
  readonly chainId: string;
  readonly keys: { readonly own: string; readonly first: string; readonly second: string };
  readonly replies: readonly Reply[];
  readonly events: Readonly<Record<string, readonly Reply[]>>;
  readonly answers: Readonly<Record<string, { readonly body: Reply }>> & {
    readonly beyondTip: Readonly<Record<string, { readonly body: Reply }>>;
    readonly discarded: { readonly old: { readonly body: Reply } } | null;
  };
}

interface Reply {
  readonly id: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of another's making, looked into freely
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: string };
}

function vectorOf(version: FakeRpcVersion): Vector {
  const path = join(import.meta.dirname, `../vectors/rpc/${version}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as Vector;
}

/** Keys and kinds of values; of a list its first member. What applications and versions add is left out. */
function shapeOf(value: unknown): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'consensus_params')
      // The events of a transaction are the application's.
      .map(([key, of]) => [key, key === 'events' && Array.isArray(of) ? 'list' : shapeOf(of)])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}

/** The recorded scenario, up to block 18. */
function scenario(vector: Vector, secret: Ed25519SecretKey): FakeChain {
  const power = (key: string, of: bigint): FakePower => ({
    publicKey: bytesFromBase64(key),
    power: of,
  });
  const { first, second } = vector.keys;
  const chain = new FakeChain({
    chainId: vector.chainId,
    members: [{ publicKey: secret.publicKey.bytes, power: 10n }],
    secrets: [secret],
  });
  chain.addBlocks(4);
  chain.mempool.push(`val=ed25519!${first}!1`);
  chain.addBlocks(5);
  chain.mempool.push('tx', 'tx');
  chain.addBlock({ updates: [power(second, 1n), power(first, 0n)] });
  chain.addBlocks(4);
  chain.mempool.push(`val:${second}!0`);
  chain.addBlocks(4);
  return chain;
}

async function post(rpc: FakeRpc, method: string, params: object = {}): Promise<Reply> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method, params });
  const response = await fetch(rpc.url, { method: 'POST', body });
  return (await response.json()) as Reply;
}

/** A WebSocket client: `next` is the next message, parsed. */
async function connect(rpc: FakeRpc): Promise<{
  readonly send: (id: number, method: string, params: object) => void;
  readonly next: () => Promise<Reply>;
  readonly closed: Promise<void>;
  readonly [Symbol.dispose]: () => void;
}> {
  const socket = new WebSocket(`${rpc.url.replace('http', 'ws')}/websocket`);
  const messages: Reply[] = [];
  const waiting: ((reply: Reply) => void)[] = [];
  socket.addEventListener('message', ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply;
    const reader = waiting.shift();
    if (reader === undefined) messages.push(reply);
    else reader(reply);
  });
  const closed = new Promise<void>((resolve) => {
    socket.addEventListener('close', () => resolve());
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new TypeError('no WebSocket')));
  });
  return {
    send: (id, method, params) =>
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params })),
    next: () => {
      const message = messages.shift();
      return message === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(message);
    },
    closed,
    [Symbol.dispose]: () => socket.close(),
  };
}

describe.each(VERSIONS)('beside %s', (version) => {
  const vector = vectorOf(version);
  const heights = { 4: 'blockResultsWithout', 5: 'Added', 10: 'Replaced', 15: 'Removed' } as const;

  it('the hash of a validator set is the true one', () => {
    const members = [
      { publicKey: bytesFromBase64(vector.keys.own), power: 10n },
      { publicKey: bytesFromBase64(vector.keys.second), power: 1n },
    ];
    const { header } = vector.answers['commit']?.body.result.signed_header ?? {};
    expect(header.height).toBe('12');
    expect(hexFromBytes(setHash(members)).toUpperCase()).toBe(header.validators_hash);
  });

  it('answers have the recorded shape', async () => {
    using secret = Ed25519SecretKey.generate();
    await using rpc = await FakeRpc.listen(scenario(vector, secret), { version });
    const calls: readonly (readonly [name: string, method: string, params: object])[] = [
      ...Object.values(heights).map((name, index) => {
        const answer = name.startsWith('block') ? name : `blockResults${name}`;
        return [answer, 'block_results', { height: Object.keys(heights)[index] }] as const;
      }),
      ['validatorsNow', 'validators', {}],
      ['validatorsAtReplacement', 'validators', { height: '12' }],
      ['header', 'header', { height: '11' }],
      ['block', 'block', { height: '10' }],
      ['commit', 'commit', { height: '12' }],
      ['commitOfTip', 'commit', {}],
      ['blockchain', 'blockchain', { minHeight: '10', maxHeight: '12' }],
      ['consensusParams', 'consensus_params', { height: '10' }],
      ['genesis', 'genesis', {}],
      ['noSuchMethod', 'no_such_method', {}],
    ];
    for (const [name, method, params] of calls) {
      const recorded = vector.answers[name]?.body;
      const answer = await post(rpc, method, params);
      expect({ name, ...(shapeOf(answer) as object) }).toEqual({
        name,
        ...(shapeOf(recorded) as object),
      });
      expect(answer.error?.code).toBe(recorded?.error?.code);
    }
    const status = shapeOf((await post(rpc, 'status')).result);
    expect(shapeOf(vector.answers['status']?.body.result)).toMatchObject(status as object);
    expect(VERSION_FACTS[version].reported).toBe(
      vector.answers['status']?.body.result.node_info.version,
    );
    const versions = await post(rpc, 'commit');
    expect(versions.result.canonical).toBe(vector.answers['commitOfTip']?.body.result.canonical);
  });

  it('what is not there is the recorded error', async () => {
    using secret = Ed25519SecretKey.generate();
    await using rpc = await FakeRpc.listen(scenario(vector, secret), { version });
    for (const [name, { body }] of Object.entries(vector.answers.beyondTip)) {
      const method = name === 'blockResults' ? 'block_results' : name;
      const { error } = await post(rpc, method, { height: '1015' });
      // v0.35 words it otherwise.
      const wanted = version === 'tendermint-0.35.9' ? { code: body.error?.code } : body.error;
      expect({ name, error }).toMatchObject({ name, error: wanted });
    }
    rpc.script.keepsResults = false;
    const { error } = await post(rpc, 'block_results', { height: '15' });
    expect(error).toEqual(vector.answers.discarded?.old.body.error);
  });

  it('events have the recorded shape, id and order', async () => {
    using secret = Ed25519SecretKey.generate();
    const whole = scenario(vector, secret);
    await using rpc = await FakeRpc.listen(whole.fork(3n), { version });
    using client = await connect(rpc);
    const events = ['NewBlock', 'NewBlockHeader', 'ValidatorSetUpdates'] as const;
    for (const [index, event] of events.entries()) {
      client.send(index + 1, 'subscribe', { query: `tm.event='${event}'` });
      expect(await client.next()).toEqual(vector.replies[index]);
    }
    client.send(90, 'subscribe', { query: 'nonsense' });
    expect((await client.next()).error?.code).toBe(vector.replies[3]?.error?.code);
    client.send(91, 'no_such_method', {});
    expect(await client.next()).toEqual(vector.replies[4]);

    const indexes = { NewBlock: 0, NewBlockHeader: 0, ValidatorSetUpdates: 0 };
    for (let height = 4n; height <= 15n; height++) {
      const block = whole.block(height);
      rpc.script.chain.mempool.push(...(block?.transactions ?? []));
      rpc.script.chain.addBlock({ updates: block?.updates ?? [] });
      for (const event of events) {
        if (event === 'ValidatorSetUpdates' && block?.updates.length === 0) continue;
        const message = await client.next();
        if (event !== 'ValidatorSetUpdates' && ![4n, 5n, 10n, 15n].includes(height)) continue;
        const recorded = vector.events[event]?.[indexes[event]++];
        expect({ height, message: shapeOf(message) }).toEqual({
          height,
          message: shapeOf(recorded),
        });
        expect(message.id).toBe(recorded?.id);
      }
    }
    expect(indexes).toEqual({ NewBlock: 4, NewBlockHeader: 4, ValidatorSetUpdates: 3 });
  });
});

describe('the fake chain', () => {
  it('updates of H are in the next hash of H + 1 and in the set of H + 2', () => {
    using ours = Ed25519SecretKey.generate();
    using next = Ed25519SecretKey.generate();
    const [old, fresh] = [ours, next].map(({ publicKey }) => publicKey.bytes);
    if (old === undefined || fresh === undefined) throw new TypeError('no keys');
    const chain = new FakeChain({
      chainId: 'c',
      members: [{ publicKey: old, power: 10n }],
      secrets: [ours, next],
    });
    chain.addBlocks(2);
    chain.addBlock({
      updates: [
        { publicKey: fresh, power: 10n },
        { publicKey: old, power: 0n },
      ],
    });
    chain.addBlocks(2);
    const keyAt = (height: bigint): string =>
      base64FromBytes(chain.block(height)?.members[0]?.publicKey ?? new Uint8Array());
    expect([3n, 4n, 5n].map(keyAt)).toEqual([old, old, fresh].map(base64FromBytes));
    expect(chain.block(4n)?.nextMembers).toEqual(chain.block(5n)?.members);
    expect(chain.membersAt(6n)).toEqual([{ publicKey: fresh, power: 10n }]);
    expect(chain.membersAt(7n)).toBeUndefined();
  });

  it('signatures of a commit verify, for the block and for nil', () => {
    using one = Ed25519SecretKey.generate();
    using other = Ed25519SecretKey.generate();
    const chain = new FakeChain({
      chainId: 'c',
      members: [one, other].map(({ publicKey }) => ({ publicKey: publicKey.bytes, power: 1n })),
      secrets: [one, other],
    });
    const block = chain.addBlock({ nil: [other.publicKey.bytes], round: 2 });
    const flags = block.signatures.map(({ flag, publicKey, timestamp, signature }) => {
      const key = [one, other].find(
        (secret) => base64FromBytes(secret.publicKey.bytes) === base64FromBytes(publicKey),
      );
      if (key === undefined || signature === undefined) throw new TypeError('nobody signed');
      const bytes = voteSignBytes('c', {
        type: 'precommit',
        height: 1n,
        round: 2,
        blockId:
          flag === 'nil'
            ? NIL_BLOCK_ID
            : { hash: block.hash, partSetHeader: { total: 1, hash: block.partsHash } },
        timestamp,
      });
      expect(verifyStrict(key.publicKey, bytes, signature)).toBe(true);
      return flag;
    });
    expect(flags.sort()).toEqual(['commit', 'nil']);
    const missed = chain.addBlock({ absent: [one.publicKey.bytes] });
    expect(missed.signatures.map(({ flag }) => flag).sort()).toEqual(['absent', 'commit']);
  });
});

describe('the script', () => {
  function plainChain(id = 'c'): FakeChain {
    const members = [{ publicKey: new Uint8Array(32).fill(7), power: 1n }];
    const chain = new FakeChain({ chainId: id, members });
    chain.addBlocks(3);
    return chain;
  }

  it('lags: events and answers stop at the height it admits to, and come when it is raised', async () => {
    const chain = plainChain();
    await using rpc = await FakeRpc.listen(chain);
    using client = await connect(rpc);
    client.send(1, 'subscribe', { query: `tm.event = 'NewBlockHeader'` });
    await client.next();
    rpc.script.tip = 4n;
    chain.addBlocks(3);
    expect((await client.next()).result.data.value.header.height).toBe('4');
    expect((await post(rpc, 'block', { height: '5' })).error?.data).toMatch(/blockchain height 4$/);
    rpc.showUpTo(undefined);
    expect((await client.next()).result.data.value.header.height).toBe('5');
    expect((await client.next()).result.data.value.header.height).toBe('6');
  });

  it('goes away and comes back on its port; blocks of the meantime are no events', async () => {
    const chain = plainChain();
    await using rpc = await FakeRpc.listen(chain);
    using client = await connect(rpc);
    const { url } = rpc;
    await rpc.goAway();
    await client.closed;
    await expect(fetch(url)).rejects.toThrow();
    chain.addBlocks(2);
    await rpc.comeBack();
    expect(rpc.url).toBe(url);
    using again = await connect(rpc);
    again.send(1, 'subscribe', { query: `tm.event='NewBlock'` });
    await again.next();
    chain.addBlock();
    expect((await again.next()).result.data.value.block.header.height).toBe('6');
  });

  it('lies, breaks, and is of another chain', async () => {
    await using rpc = await FakeRpc.listen(plainChain());
    rpc.script.next = ({ method }) =>
      method === 'status' ? { lie: (result) => ({ ...(result as object), told: 1 }) } : 'broken';
    expect((await post(rpc, 'status')).result).toMatchObject({ told: 1 });
    expect((await fetch(`${rpc.url}/block`)).status).toBe(500);
    rpc.script.next = () => 'answer';
    rpc.turnTo(plainChain('other'));
    expect((await post(rpc, 'status')).result.node_info.network).toBe('other');
    expect(rpc.calls.map(({ method, over }) => [method, over])).toEqual([
      ['status', 'post'],
      ['block', 'get'],
      ['status', 'post'],
    ]);
  });

  it('holds an answer, and gives it as it is then', async () => {
    const chain = plainChain();
    await using rpc = await FakeRpc.listen(chain);
    const { promise: hold, resolve } = Promise.withResolvers<void>();
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
    rpc.script.next = () => {
      onAsked();
      return { hold };
    };
    const answer = post(rpc, 'commit');
    await asked;
    chain.addBlock();
    resolve();
    expect((await answer).result.signed_header.header.height).toBe('4');
  });

  it('says anything: bodies, statuses, messages', async () => {
    await using rpc = await FakeRpc.listen(plainChain());
    rpc.script.next = () => ({ body: '{', status: 502 });
    const response = await fetch(`${rpc.url}/status`);
    expect([response.status, await response.text()]).toEqual([502, '{']);
    using client = await connect(rpc);
    rpc.sendRaw('{"id":"strange"}');
    expect(await client.next()).toEqual({ id: 'strange' });
  });

  it('hangs: a ping stays unanswered', async () => {
    await using rpc = await FakeRpc.listen(plainChain());
    const socket = new PingingSocket(`${rpc.url}/websocket`);
    const seen: string[] = [];
    socket.on('pong', () => seen.push('pong'));
    const until = (event: string): Promise<unknown> => once(socket, event);
    await until('open');
    socket.ping();
    await until('pong');
    rpc.script.answersPings = false;
    socket.ping();
    socket.send('{"jsonrpc":"2.0","id":1,"method":"status"}');
    await until('message');
    expect(seen).toEqual(['pong']);
    socket.terminate();
  });

  it('refuses WebSockets, and cuts those there are', async () => {
    await using rpc = await FakeRpc.listen(plainChain());
    using client = await connect(rpc);
    rpc.script.hasWebSocket = false;
    rpc.cutSockets();
    await client.closed;
    await expect(connect(rpc)).rejects.toThrow('no WebSocket');
  });

  it('loses and falsifies single events', async () => {
    const chain = plainChain();
    await using rpc = await FakeRpc.listen(chain);
    using client = await connect(rpc);
    client.send(1, 'subscribe', { query: `tm.event='NewBlock'` });
    await client.next();
    rpc.script.sends = (_event, { height }) => height !== 4n;
    rpc.script.event = (_event, value, { height }) => (height === 6n ? 'nothing' : value);
    chain.addBlocks(3);
    expect((await client.next()).result.data.value.block.header.height).toBe('5');
    expect((await client.next()).result.data.value).toBe('nothing');
  });

  it('a height that is a number is refused over POST; pages, GET and broadcasts are as of a node', async () => {
    const chain = new FakeChain({
      chainId: 'c',
      members: Array.from({ length: 40 }, (_, index) => ({
        publicKey: new Uint8Array(32).fill(index + 1),
        power: 1n,
      })),
    });
    chain.addBlock();
    await using rpc = await FakeRpc.listen(chain);
    expect((await post(rpc, 'block', { height: 1 })).error?.code).toBe(-32602);
    expect((await post(rpc, 'validators', { page: '2' })).result.validators).toHaveLength(10);
    const get = async (path: string): Promise<{ status: number; reply: Reply }> => {
      const response = await fetch(`${rpc.url}${path}`);
      return { status: response.status, reply: (await response.json()) as Reply };
    };
    expect(await get('/validators?height="1"&per_page=100')).toMatchObject({
      status: 200,
      reply: { id: -1, result: { total: '40', count: '40' } },
    });
    expect(await get('/validators?page=3')).toMatchObject({ status: 500 });
    expect((await fetch(`${rpc.url}/nothing`)).status).toBe(404);
    const key = base64FromBytes(new Uint8Array(32).fill(99));
    const hex = Buffer.from(`val=ed25519!${key}!5`).toString('hex');
    expect(await get(`/broadcast_tx_sync?tx=0x${hex}`)).toMatchObject({
      reply: { result: { code: 0 } },
    });
    expect(chain.addBlock().updates).toEqual([{ publicKey: bytesFromBase64(key), power: 5n }]);
  });
});
