import { describe, expect, it } from 'vitest';
import type { HeightRecord } from './chain-reading.ts';
import { landingOf, missReport } from './miss-report.ts';

type Flag = HeightRecord['members'][number]['flag'];

const SWITCHED = [
  { address: 'OLD', from: 0n },
  { address: 'NEW', from: 20n },
];

/** Heights 1 to 60 of a chain on which we switch from OLD to NEW at 20; `changes` names heights and what differs there. */
function chain(
  changes: Readonly<Record<number, Readonly<Record<string, Flag>>>> = {},
): readonly HeightRecord[] {
  return Array.from({ length: 60 }, (_, index): HeightRecord => {
    const height = index + 1;
    const flags: Record<string, Flag> = {
      [height < 20 ? 'OLD' : 'NEW']: 'commit',
      CONTROL: 'commit',
      ...changes[height],
    };
    const members = Object.entries(flags).map(([address, flag]) => ({
      address,
      publicKey: address,
      power: 10n,
      flag,
    }));
    return { height: BigInt(height), round: 0, members, updates: [], evidence: 0 };
  });
}

const faultsOf = (records: readonly HeightRecord[]): readonly string[] =>
  missReport(records, SWITCHED, 'CONTROL').faults;

describe('the report on misses', () => {
  it('what was missed while the signer was killed is no fault, and one height later it is', () => {
    const records = chain({ 19: { OLD: 'absent' }, 20: { NEW: 'absent' } });
    const faults = (to: bigint) =>
      missReport(records, SWITCHED, 'CONTROL', [{ from: 19n, to }]).faults;
    expect(faults(20n)).toEqual([]);
    expect(faults(19n)).toEqual([
      'around the switch at 20 we missed 20 and the control validator none',
    ]);
  });

  it.each<{ title: string; changes: Parameters<typeof chain>[0]; faults: readonly string[] }>([
    { title: 'nothing missed: no fault', changes: {}, faults: [] },
    { title: 'a vote for nil is no miss', changes: { 20: { NEW: 'nil' } }, faults: [] },
    {
      title: 'the height of the switch missed: a fault',
      changes: { 20: { NEW: 'absent' } },
      faults: ['around the switch at 20 we missed 20 and the control validator none'],
    },
    {
      title: 'so are the ones before it and after it',
      changes: { 19: { OLD: 'absent' }, 21: { NEW: 'absent' } },
      faults: ['around the switch at 20 we missed 19, 21 and the control validator none'],
    },
    {
      title: 'not where the control validator missed one too',
      changes: { 20: { NEW: 'absent' }, 21: { CONTROL: 'absent' } },
      faults: [],
    },
    {
      title: 'one of 57 elsewhere is within 3 %',
      changes: { 30: { NEW: 'absent' } },
      faults: [],
    },
    {
      title: 'two are not',
      changes: { 10: { OLD: 'absent' }, 30: { NEW: 'absent' } },
      faults: ['of 57 heights away from switches we missed 10, 30 and the control validator 0'],
    },
    {
      title: 'two are where the control validator missed one',
      changes: { 10: { OLD: 'absent' }, 30: { NEW: 'absent' }, 40: { CONTROL: 'absent' } },
      faults: [],
    },
    {
      title: 'both keys in the set, the one whose turn it is not silent: no fault',
      changes: { 19: { NEW: 'absent' }, 20: { OLD: 'absent' } },
      faults: [],
    },
    {
      title: 'the new key before its time: a fault',
      changes: { 19: { NEW: 'commit' } },
      faults: ["height 19 has a signature by NEW, it was OLD's"],
    },
    {
      title: 'the old key after its time, for nil: a fault',
      changes: { 20: { OLD: 'nil' } },
      faults: ["height 20 has a signature by OLD, it was NEW's"],
    },
  ])('$title', ({ changes, faults }) => {
    expect(faultsOf(chain(changes))).toEqual(faults);
  });

  it('evidence is a fault, and so is a switch that was not read whole', () => {
    const [first, ...rest] = chain().filter(({ height }) => height !== 21n);
    if (first === undefined) throw new TypeError('no heights');
    expect(faultsOf([{ ...first, evidence: 1 }, ...rest])).toEqual([
      'around the switch at 20 only 2 of 3 heights were read',
      'evidence in block 1',
    ]);
  });

  it.each(['NEW', 'NOBODY'])('%s is no control validator', (control) => {
    expect(missReport(chain().slice(0, 1), [{ address: 'OLD', from: 0n }], control).faults).toEqual(
      [`height 1 has no control validator ${control} beside us`],
    );
    expect(missReport(chain().slice(24, 25), SWITCHED, control).faults).toContain(
      `height 25 has no control validator ${control} beside us`,
    );
  });
});

describe('where a change landed', () => {
  const updatesAt = (updates: Readonly<Record<number, HeightRecord['updates']>>) =>
    landingOf(
      chain().map((record) => ({ ...record, updates: updates[Number(record.height)] ?? [] })),
      'OLD',
      'NEW',
    );
  const ADDED = { publicKey: 'NEW', power: 10n };
  const REMOVED = { publicKey: 'OLD', power: 0n };

  it.each([
    { title: 'in one block', updates: { 18: [ADDED, REMOVED] }, activationHeight: 20n },
    { title: 'the removal later', updates: { 18: [ADDED], 19: [REMOVED] }, activationHeight: 21n },
    { title: 'the removal sooner', updates: { 17: [REMOVED], 18: [ADDED] }, activationHeight: 20n },
    { title: 'only the new key', updates: { 18: [ADDED] }, activationHeight: undefined },
    { title: 'only the removal', updates: { 18: [REMOVED] }, activationHeight: undefined },
    { title: 'nothing', updates: {}, activationHeight: undefined },
  ])(
    '$title: the new key signs from two after the later block on',
    ({ updates, activationHeight }) => {
      expect(updatesAt(updates).activationHeight).toBe(activationHeight);
    },
  );
});
