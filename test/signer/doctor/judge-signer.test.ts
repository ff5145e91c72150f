import type { Finding } from '@privval/signer/doctor/finding';
import {
  judgeSigner,
  type SignerFacts,
  type ValidatorFacts,
} from '@privval/signer/doctor/judge-signer';
import { diskFinding, lookAtConfig, lookAtMemory } from '@privval/signer/doctor/look-at-machine';
import { expect, test } from 'vitest';
import { CHAIN } from '../../harness/sign-requests.ts';

const NOW = Date.UTC(2026, 0, 1);

const HEALTHY: ValidatorFacts = {
  status: {
    name: 'v',
    chainId: CHAIN,
    publicKey: new Uint8Array(32),
    fault: undefined,
    providers: [],
    floor: { height: 100n, round: 0, step: 'precommit' },
    nodes: [],
    grpc: undefined,
  },
  isFrozen: false,
  tip: 101n,
  tipTimeMs: NOW,
  followers: [],
  rotation: {
    validator: 'v',
    state: 'none',
    oldKey: null,
    newKey: null,
    activationHeight: null,
    armedBy: null,
    missedHeights: [],
    notes: [],
    retiring: [],
  },
};

function judge(
  validator: Partial<ValidatorFacts>,
  more: Partial<SignerFacts> = {},
): readonly Finding[] {
  return judgeSigner({
    nowMs: NOW,
    newestTimeMs: NOW,
    storeFault: undefined,
    audit: {
      newestSeq: 9n,
      newestHash: '',
      oldestSeq: 1n,
      bytes: 1_048_576,
      segments: 0,
      newestCheckpointSeq: undefined,
      reserveBytes: 0,
    },
    validators: [{ ...HEALTHY, ...validator }],
    ...more,
  });
}

function stateOf(findings: readonly Finding[], subject: Finding['subject']): string | undefined {
  return findings.find((finding) => finding.subject === subject)?.state;
}

test('a healthy signer has nothing bad', () => {
  expect(judge({}).filter(({ state }) => state === 'bad')).toEqual([]);
});

test.each([
  ['a clock that was set back', 'clock', judge({}, { newestTimeMs: NOW + 120_000 })],
  ['a clock behind the chain', 'clock', judge({ tipTimeMs: NOW + 120_000 })],
  [
    'a store that cannot be written',
    'store',
    judge({}, { storeFault: { code: 'ERR_X', message: 'no' } }),
  ],
  [
    'a key out of service',
    'keys',
    judge({
      status: { ...HEALTHY.status, fault: { code: 'ERR_X', text: 'gone', remedy: 'wait' } },
    }),
  ],
  [
    'a rotation that is held',
    'rotation',
    judge({ rotation: { ...HEALTHY.rotation, state: 'held' } }),
  ],
] as const)('%s is bad, and says what to do', (_, subject, findings) => {
  const found = findings.find((finding) => finding.subject === subject);
  expect(found).toMatchObject({ state: 'bad', remedy: expect.stringMatching(/./) });
});

test('S36: a floor far below the chain is a note, not a fault', () => {
  expect(stateOf(judge({ tip: 10_000n }), 'floor')).toBe('note');
  expect(stateOf(judge({ tip: undefined }), 'floor')).toBe('unknown');
});

test.each([
  [0.1, 'good'],
  [25, 'bad'],
])('a disk whose sync takes %s ms is %s', (ms, state) => {
  expect(diskFinding(Array.from({ length: 100 }, () => ms)).state).toBe(state);
});

test.each([
  ['VmLck:\t 12 kB', 'Max core file size 0 0 bytes', 'good'],
  ['VmLck:\t 0 kB', 'Max core file size 0 0 bytes', 'bad'],
  ['VmLck:\t 12 kB', 'Max core file size unlimited unlimited bytes', 'bad'],
  ['', '', 'unknown'],
])('memory as %j and %j is %s', (status, limits, state) => {
  expect(lookAtMemory({ status, limits }).state).toBe(state);
});

test('a folder that is no home is a finding, not a crash', () => {
  expect(lookAtConfig('/nonexistent').state).toBe('bad');
});
