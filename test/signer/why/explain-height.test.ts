import type { AuditBodies, AuditEntry, AuditKind } from '@privval/signer/audit/audit-entry';
import { explainHeight, type HeightFacts } from '@privval/signer/why/explain-height';
import { expect, test } from 'vitest';

function entry<Kind extends AuditKind>(
  seq: bigint,
  kind: Kind,
  body: AuditBodies[Kind],
  position?: AuditEntry['position'],
): AuditEntry {
  return {
    seq,
    timeMs: 1_700_000_000_000,
    kind,
    validator: 'v',
    position,
    signHash: undefined,
    body,
    hash: '',
  };
}

const AT_7 = { height: '7', round: 0, step: 3 };
const ASKED = { by: 'tcp://10.0.0.1:1', key: '0011aabb' };

function facts(more: Partial<HeightFacts>): HeightFacts {
  return {
    height: 7n,
    entries: [],
    attendance: undefined,
    tip: 9n,
    floorHeight: 9n,
    logBegan: { timeMs: 0, floorHeight: 0n },
    ...more,
  };
}

test('a signed vote is told with who asked, every stage, and what the commit shows', () => {
  const us = { queue: 20, reserve: 200, sign: 30, total: 310 };
  const later = { ...ASKED, o: [{ seq: '4', outcome: 'signed' as const, us }] };
  const [told, chain] = explainHeight(
    facts({
      entries: [
        entry(4n, 'decision', ASKED, AT_7),
        entry(5n, 'decision', later, { height: '8', round: 0, step: 2 }),
      ],
      attendance: { height: '7', state: 'signed' },
    }),
  );
  expect(told).toContain('the precommit of round 0 was asked by tcp://10.0.0.1:1');
  expect(told).toContain('signed after 0.31 ms: queue 0.02 ms, reserve 0.20 ms, sign 0.03 ms');
  expect(chain).toBe('In the commit of height 7 its signature is there. The chain is at 9.');
});

test('a vote whose outcome is not in the log is not said to be signed', () => {
  const [told] = explainHeight(facts({ entries: [entry(4n, 'decision', ASKED, AT_7)] }));
  expect(told).toContain('how it ended is not in the log');
});

test('a refusal says why, how often and by whom; one of another height is not told', () => {
  const refused = {
    source: 'tcp://10.0.0.1:1',
    what: 'refused' as const,
    code: 'ERR_FROZEN',
    count: 3,
    firstMs: 0,
    lastMs: 1,
    text: 'frozen since yesterday',
  };
  const sentences = explainHeight(
    facts({
      entries: [
        entry(3n, 'summary', { ...refused, last: AT_7 }),
        entry(4n, 'summary', { ...refused, code: 'ERR_OTHER', last: { ...AT_7, height: '8' } }),
      ],
      attendance: { height: '7', state: 'missed' },
    }),
  );
  expect(sentences.join('\n')).toMatch(
    /refused 3 times, tcp:\/\/10.0.0.1:1 \(ERR_FROZEN\): frozen since/,
  );
  expect(sentences.join('\n')).toContain('MISSING');
  expect(sentences.join('\n')).not.toContain('ERR_OTHER');
});

test('a connection that was down, a freeze, a raise and a rotation are told in order', () => {
  const sentences = explainHeight(
    facts({
      entries: [
        entry(1n, 'connection', {
          node: 'tcp://a:1',
          isUp: false,
          code: 'ERR_NODE_SILENT',
          count: 1,
        }),
        entry(2n, 'freeze', { isFrozen: true, cause: 'operator', by: 'ops', reason: 'moving' }),
        entry(3n, 'floor', { by: 'ops', before: AT_7, after: { ...AT_7, height: '9' } }),
        entry(4n, 'rotation', {
          rotation: '1',
          from: 'proven',
          to: 'armed',
          event: 'powers-changed',
          by: 'chain',
          activationHeight: '7',
          newKey: '00',
        }),
      ],
    }),
  ).join('\n');
  expect(sentences).toMatch(
    /lost the connection \(ERR_NODE_SILENT\).*frozen by ops.*raised to height 9.*from proven to armed/s,
  );
});

test.each([
  [
    'a height before the log',
    facts({ height: 7n, logBegan: { timeMs: 0, floorHeight: 8n } }),
    'before this log began',
  ],
  [
    'a height the chain has not reached',
    facts({ floorHeight: 5n, tip: 6n }),
    'the floor stands at 5; the chain is at 6',
  ],
  ['a height nobody asked for', facts({}), 'no node asked'],
])('%s is told for what it is', (_, known, words) => {
  expect(explainHeight(known)[0]).toContain(words);
});
