import {
  judgeUpdates,
  NOTHING_TOLD,
  settleUpdates,
  type UpdatesClaim,
  type UpdatesTold,
} from '@privval/signer/chain/judge-updates';
import { expect, test } from 'vitest';
import { keyOf } from './follower-rig.ts';

const NEW = { publicKey: keyOf(2), power: 10n };
const OLD = { publicKey: keyOf(1), power: 0n };

function verdicts(claims: readonly UpdatesClaim[], known: UpdatesTold = NOTHING_TOLD) {
  const kinds: string[] = [];
  let told = known;
  for (const claim of claims) {
    const judged = judgeUpdates(told, claim);
    told = judged.known;
    kinds.push(judged.verdict.kind);
  }
  return { kinds, known: told };
}

const claim = (source: string, height: bigint, ...updates: (typeof NEW)[]): UpdatesClaim => ({
  source,
  height,
  updates,
});

test('S46: one source is enough, and another one that is silent or behind says nothing', () => {
  expect(
    verdicts([claim('a', 9n, NEW, OLD), claim('a', 10n), claim('b', 9n, OLD, NEW)]).kinds,
  ).toEqual(['first', 'first', 'known']);
});

test.each([
  ['another key', [{ publicKey: keyOf(3), power: 10n }, OLD]],
  ['another power', [{ ...NEW, power: 11n }, OLD]],
  ['one update less', [NEW]],
  ['none at all', []],
])('S46: %s told of one height is a contradiction that names both', (_what, other) => {
  const { known } = verdicts([claim('a', 9n, NEW, OLD)]);
  const { verdict } = judgeUpdates(known, { source: 'b', height: 9n, updates: other });
  expect(verdict).toMatchObject({
    kind: 'contradicts',
    contradiction: { height: 9n, told: { a: expect.any(String), b: expect.any(String) } },
  });
});

test('S46: other heights do not contradict each other', () => {
  expect(verdicts([claim('a', 9n, NEW), claim('b', 10n, OLD)]).kinds).toEqual(['first', 'first']);
});

test('S46: what a header has shown stands; who says otherwise is wrong, alone', () => {
  const { known } = verdicts([claim('a', 9n, NEW), claim('b', 9n)]);
  const settled = settleUpdates(known, 9n, [NEW]);
  expect(verdicts([claim('c', 9n, NEW), claim('d', 9n)], settled).kinds).toEqual([
    'known',
    'refuted',
  ]);
});

test('it remembers a bounded number of heights', () => {
  const claims = Array.from({ length: 1_000 }, (_, index) => claim('a', BigInt(index)));
  expect(verdicts(claims).known.byHeight.size).toBeLessThanOrEqual(128);
});
