import { judgeKeyRequest, type KeyRequestFacts } from '@privval/signer/rotation/node-progress';
import { TrackedNode } from '@privval/signer/rotation/tracked-node';
import type { ConnectionHeights } from '@privval/signer/session/node-heights';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';

const NOTHING: KeyRequestFacts = {
  committed: undefined,
  floorHeight: 0n,
  passedAt: undefined,
  armedAt: undefined,
  signAskedAt: undefined,
  wasKeyAsked: false,
  isContradicted: false,
};

test.each<{ facts: Partial<KeyRequestFacts>; next: bigint | undefined; because: string }>([
  { facts: {}, next: undefined, because: 'nothing is known' },
  { facts: { committed: 7n }, next: 8n, because: 'the node has committed 7' },
  { facts: { floorHeight: 7n }, next: 7n, because: 'a floor at 7 proves 6' },
  { facts: { committed: 5n, floorHeight: 9n }, next: 9n, because: 'the floor proves more' },
  { facts: { committed: 9n, floorHeight: 9n }, next: 10n, because: 'the node proves more' },
  { facts: { committed: 5n, passedAt: 10n }, next: 11n, because: 'S44: an operator states more' },
  {
    facts: { committed: 20n, signAskedAt: 8n, isContradicted: true },
    next: 9n,
    because: 'S42: the node asks for what its RPC says is over',
  },
])('S41: the next height is $next: $because', ({ facts, next }) => {
  expect(judgeKeyRequest({ ...NOTHING, ...facts })).toEqual({
    nextHeight: next,
    holdFor: undefined,
  });
});

const ARMED = { ...NOTHING, armedAt: 11n };

test.each<{ facts: Partial<KeyRequestFacts>; holdFor: bigint | undefined; because: string }>([
  { facts: {}, holdFor: 1n, because: 'nothing is known of the node' },
  { facts: { floorHeight: 9n }, holdFor: 1n, because: 'nothing but the floor is known' },
  { facts: { committed: 9n }, holdFor: 10n, because: 'A − 2 is proven and nobody knows of A − 1' },
  {
    facts: { committed: 9n, signAskedAt: 9n, wasKeyAsked: true },
    holdFor: 10n,
    because: 'it is the second request since the sign request',
  },
  {
    facts: { committed: 9n, signAskedAt: 9n },
    holdFor: undefined,
    because: 'it is the first request since the sign request',
  },
  { facts: { committed: 10n }, holdFor: undefined, because: 'A − 1 is proven' },
  { facts: { committed: 8n }, holdFor: undefined, because: 'the next height is far from A' },
  { facts: { floorHeight: 11n }, holdFor: undefined, because: 'the floor proves A − 1' },
])(
  'S42: while armed the answer waits for an event from $holdFor on: $because',
  ({ facts, holdFor }) => {
    expect(judgeKeyRequest({ ...ARMED, ...facts }).holdFor).toBe(holdFor);
    expect(judgeKeyRequest({ ...ARMED, ...facts, armedAt: undefined }).holdFor).toBeUndefined();
  },
);

/** A node, what is kept of it, and time. */
class Rig {
  readonly clock: ManualClock = new ManualClock();
  readonly heights = new Map<string, bigint>();
  floorHeight = 0n;
  armedAt: bigint | undefined;
  passedAt: bigint | undefined;
  readonly node: TrackedNode = this.open('tcp://a:1');

  open(node: string): TrackedNode {
    return new TrackedNode(
      {
        clock: this.clock,
        floorHeight: () => this.floorHeight,
        rotations: {
          armedAt: () => this.armedAt,
          passedAt: () => this.passedAt,
          committedHeights: () => this.heights,
          noteCommitted: (_, name, height) => {
            const known = this.heights.get(name) ?? 0n;
            this.heights.set(name, height > known ? height : known);
          },
        },
      },
      { validator: 'main', node },
    );
  }
}

function ask(connection: ConnectionHeights, signal?: AbortSignal): Promise<bigint | undefined> {
  return Promise.resolve(connection.publicKeyAsked({ signal }));
}

test('S41: a sign request for h proves h − 1, and the key request after it h', async () => {
  const rig = new Rig();
  const connection = rig.node.connected();
  expect(connection.publicKeyAsked({})).toBeUndefined();
  connection.signAsked(9n);
  expect(rig.node.committed).toBe(8n);
  expect(connection.publicKeyAsked({})).toBe(10n);
  expect(connection.publicKeyAsked({})).toBe(10n);
});

test('S41: after a reconnect a sign request seen before proves no more than h − 1', () => {
  const rig = new Rig();
  rig.node.connected().signAsked(9n);
  expect(rig.node.connected().publicKeyAsked({})).toBe(9n);
});

test('S41: each node is answered for its own height, and what is proven outlives the process', () => {
  const rig = new Rig();
  rig.node.connected().signAsked(9n);
  rig.open('tcp://b:1').connected().signAsked(5n);
  expect(rig.open('tcp://a:1').connected().publicKeyAsked({})).toBe(9n);
  expect(rig.open('tcp://b:1').connected().publicKeyAsked({})).toBe(5n);
});

test('S41: what is proven never goes down', () => {
  const rig = new Rig();
  rig.node.blockCommitted(9n);
  rig.node.blockCommitted(4n);
  expect(rig.node.committed).toBe(9n);
});

test('S42: the switch, by a node whose event trails its request', async () => {
  const rig = new Rig();
  rig.armedAt = 11n;
  const connection = rig.node.connected();
  connection.signAsked(9n);
  // A − 2: the first request since the sign request is not held.
  expect(connection.publicKeyAsked({})).toBe(10n);
  connection.signAsked(10n);
  expect(connection.publicKeyAsked({})).toBe(11n);
  expect(rig.clock.pending).toBe(0);
});

test('S42: a validator that was not asked to sign A − 1 switches by the block event', async () => {
  const rig = new Rig();
  rig.armedAt = 11n;
  const connection = rig.node.connected();
  connection.signAsked(9n);
  void connection.publicKeyAsked({});
  const answer = ask(connection);
  await rig.clock.advance(3);
  rig.node.blockCommitted(9n);
  await rig.clock.advance(3);
  rig.node.blockCommitted(10n);
  expect(await answer).toBe(11n);
  expect(rig.clock.pending).toBe(0);
});

test('S42: after 500 ms without an event the old key is answered', async () => {
  const rig = new Rig();
  rig.armedAt = 11n;
  rig.floorHeight = 10n;
  const connection = rig.node.connected();
  const answer = ask(connection);
  await rig.clock.advance(499);
  expect(rig.clock.pending).toBe(1);
  await rig.clock.advance(1);
  expect(await answer).toBe(10n);
});

test('S42: a node that tells nothing is waited for once, not at each request of its start', async () => {
  const rig = new Rig();
  rig.armedAt = 11n;
  rig.floorHeight = 10n;
  const connection = rig.node.connected();
  const answer = ask(connection);
  await rig.clock.advance(500);
  await answer;
  for (const _ of [2, 3, 4]) expect(connection.publicKeyAsked({})).toBe(10n);
  // Its RPC is up now: an event that is due comes.
  rig.node.blockCommitted(9n);
  const held = ask(connection);
  expect(rig.clock.pending).toBe(1);
  rig.node.blockCommitted(10n);
  expect(await held).toBe(11n);
});

test('S42: nothing is held when no rotation is armed', () => {
  const rig = new Rig();
  rig.floorHeight = 10n;
  expect(rig.node.connected().publicKeyAsked({})).toBe(10n);
});

test('S42: a node that hangs up ends the wait', async () => {
  const rig = new Rig();
  rig.armedAt = 11n;
  const gone = new AbortController();
  const answer = ask(rig.node.connected(), gone.signal);
  const reason = new Error('gone');
  gone.abort(reason);
  await expect(answer).rejects.toBe(reason);
  expect(rig.clock.pending).toBe(0);
});

test('S42: an RPC of another node that is ahead does not give the new key early', () => {
  const rig = new Rig();
  rig.armedAt = 11n;
  const connection = rig.node.connected();
  connection.signAsked(8n);
  rig.node.blockCommitted(10n);
  connection.signAsked(9n);
  expect(connection.publicKeyAsked({})).toBe(10n);
  connection.signAsked(10n);
  expect(connection.publicKeyAsked({})).toBe(11n);
});

test('S41: an honest node is never answered with the key of another height', () => {
  // A node commits height after height; at each it may or may not be asked to sign, and reconnect.
  const step = fc.record({ signs: fc.boolean(), reconnects: fc.boolean(), tells: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const rig = new Rig();
      let connection = rig.node.connected();
      for (const [index, { signs, reconnects, tells }] of steps.entries()) {
        const height = BigInt(index + 1);
        if (reconnects) connection = rig.node.connected();
        if (signs) connection.signAsked(height);
        if (tells) rig.node.blockCommitted(height);
        const next = connection.publicKeyAsked({});
        if (next instanceof Promise) throw new Error('nothing is armed');
        // Never ahead of the node; exact whenever it has signed or told.
        expect(next === undefined || next <= height + 1n).toBe(true);
        if (signs || tells) expect(next).toBe(height + 1n);
      }
    }),
  );
});
