import { judgeEntry, judgeReading } from '@privval/hsm/device-log/judge-log-reading';
import { describe, expect, test } from 'vitest';
import { decodeLogEntry } from 'yubihsm/log/log-entry';
import { EntryWriter, SIGNATURE } from '../../harness/device-log-entries.ts';

const ECHO = { command: 0x01, sessionKeyId: 4 };

function altered(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

describe('a reading of a device log', () => {
  test('of which nothing is stored is taken from its first entry on', () => {
    const entries = new EntryWriter({ firstNumber: 700 }).write(ECHO, SIGNATURE);
    const judged = judgeReading(undefined, entries);
    expect(judged.findings).toEqual([]);
    expect(judged.fresh).toEqual(entries.map(({ bytes }) => bytes));
  });

  test('that follows the stored one is whole, also where the numbers begin anew', () => {
    const writer = new EntryWriter({ firstNumber: 65_535 });
    const [before, ...after] = writer.write(ECHO, ECHO, SIGNATURE);
    expect(after.map(({ number }) => number)).toEqual([0, 1]);
    expect(judgeReading(before?.bytes, after)).toMatchObject({ findings: [], isGapped: false });
  });

  test('that repeats what is stored gives the rest only: the crash came before SetLogIndex', () => {
    const entries = new EntryWriter().write(ECHO, SIGNATURE, ECHO, SIGNATURE);
    const judged = judgeReading(entries[1]?.bytes, entries);
    expect(judged.findings).toEqual([]);
    expect(judged.fresh).toEqual(entries.slice(2).map(({ bytes }) => bytes));
  });

  test('that is stored wholly already gives nothing', () => {
    const entries = new EntryWriter().write(ECHO, SIGNATURE);
    expect(judgeReading(entries[1]?.bytes, entries)).toEqual({
      fresh: [],
      findings: [],
      isGapped: false,
    });
  });

  test('S31: with entries missing before it gives all of them, and the finding', () => {
    const writer = new EntryWriter();
    const [before] = writer.write(ECHO);
    writer.lose(3);
    const after = writer.write(ECHO, SIGNATURE);
    const judged = judgeReading(before?.bytes, after);
    expect(judged.fresh).toHaveLength(2);
    expect(judged.isGapped).toBe(true);
    expect(judged.findings).toEqual([
      { code: 'ERR_DEVICE_LOG_GAP', text: expect.stringContaining('from entry 1 to 5') },
    ]);
  });

  test('S31: with a changed entry gives all of them, and says which', () => {
    const writer = new EntryWriter();
    const [before, changed, last] = writer.write(ECHO, SIGNATURE, ECHO);
    if (changed === undefined || last === undefined) throw new TypeError('three were written');
    // The target key of the second entry.
    const entries = [decodeLogEntry(altered(changed.bytes, 8)), last];
    const judged = judgeReading(before?.bytes, entries);
    expect(judged.fresh).toHaveLength(2);
    expect(judged.isGapped).toBe(false);
    expect(judged.findings).toEqual([
      { code: 'ERR_DEVICE_LOG_BROKEN', text: expect.stringContaining('entry 2') },
    ]);
  });

  test('that begins anew after a factory reset says so', () => {
    const [before] = new EntryWriter({ firstNumber: 40 }).write(ECHO);
    const reset = Uint8Array.fromHex(
      '0001ffffffffffffffffffffffffffffedd9b4e0c38c4f7ec50f057091f12fce',
    );
    const judged = judgeReading(before?.bytes, [decodeLogEntry(reset)]);
    expect(judged.findings.map(({ code }) => code)).toEqual(['ERR_DEVICE_RESET']);
    expect(judged.fresh).toEqual([reset]);
  });
});

test('one entry is judged like a reading of one', () => {
  const [first, second, third] = new EntryWriter().write(ECHO, ECHO, ECHO);
  if (!first || !second || !third) throw new TypeError('three were written');
  expect(judgeEntry(undefined, first.bytes)).toEqual([]);
  expect(judgeEntry(first.bytes, second.bytes)).toEqual([]);
  expect(judgeEntry(first.bytes, third.bytes)).toMatchObject([{ code: 'ERR_DEVICE_LOG_GAP' }]);
  expect(judgeEntry(second.bytes, altered(third.bytes, 31))).toMatchObject([
    { code: 'ERR_DEVICE_LOG_BROKEN' },
  ]);
});
