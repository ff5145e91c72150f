import { compareSignatures, type SignatureFacts } from '@privval/hsm/device-log/signature-tally';
import { describe, expect, test } from 'vitest';
import { type EntryContent, EntryWriter, SIGNATURE } from '../../harness/device-log-entries.ts';

const FAILED: EntryContent = { ...SIGNATURE, deviceCode: 0x09 };
const OTHER_KEY: EntryContent = { ...SIGNATURE, targetKeyId: 0x65 };

function entries(...contents: readonly EntryContent[]): readonly Uint8Array[] {
  return new EntryWriter().write(...contents).map(({ bytes }) => bytes);
}

function facts(partial: Partial<SignatureFacts>): SignatureFacts {
  return {
    keyId: 0x64,
    tally: { asked: 0, answered: 0 },
    seen: 0,
    entries: [],
    before: 'compared',
    isLogged: true,
    isGapped: false,
    ...partial,
  };
}

describe('signatures in the log and asked for', () => {
  test.each<[string, Partial<SignatureFacts>, number]>([
    [
      'each answered one is there',
      { tally: { asked: 2, answered: 2 }, entries: entries(SIGNATURE, SIGNATURE) },
      2,
    ],
    [
      'one whose reply was lost is there: it counts as asked',
      { tally: { asked: 2, answered: 1 }, entries: entries(SIGNATURE, SIGNATURE) },
      2,
    ],
    [
      'one whose reply was lost is not there: it never reached the device',
      { tally: { asked: 2, answered: 1 }, entries: entries(SIGNATURE) },
      1,
    ],
    [
      'failures and other keys do not count',
      { tally: { asked: 1, answered: 1 }, entries: entries(FAILED, SIGNATURE, OTHER_KEY) },
      1,
    ],
    [
      'a lost one that the device makes later is still owed',
      { tally: { asked: 3, answered: 2 }, seen: 2, entries: entries(SIGNATURE) },
      3,
    ],
    [
      'what was made before is nobody’s fault when the last signer died',
      { tally: { asked: 1, answered: 1 }, before: 'unknown', entries: entries(...signatures(3)) },
      1,
    ],
    [
      'a device that logs no signatures at all says nothing',
      { tally: { asked: 5, answered: 5 }, isLogged: false, entries: entries(FAILED) },
      5,
    ],
    [
      'after lost entries nothing is said of those that are not there',
      { tally: { asked: 5, answered: 5 }, isGapped: true, entries: entries(SIGNATURE) },
      5,
    ],
    ['nothing happened since a signer stopped', { before: 'closed' }, 0],
  ])('agree when %s', (_why, partial, seen) => {
    expect(compareSignatures(facts(partial))).toMatchObject({ seen, finding: undefined });
  });

  test.each<[string, Partial<SignatureFacts>, string]>([
    [
      'one more than asked',
      { tally: { asked: 1, answered: 1 }, entries: entries(SIGNATURE, SIGNATURE) },
      'made 1 signature that this signer did not ask for (authentication key 0x0004)',
    ],
    [
      'one by somebody while none was asked',
      { entries: entries({ ...SIGNATURE, sessionKeyId: 1 }) },
      '(authentication key 0x0001)',
    ],
    [
      'some while the signer was not running',
      { before: 'closed', entries: entries(...signatures(2)) },
      'made 2 signatures that this signer did not ask for while this signer was not running',
    ],
  ])('S31: %s is an alarm', (_what, partial, text) => {
    const { finding, seen } = compareSignatures(facts(partial));
    expect(finding?.code).toBe('ERR_DEVICE_SIGNATURE_EXTRA');
    expect(finding?.text).toContain(text);
    expect(seen).toBe(partial.tally?.asked ?? 0);
  });

  test.each<[string, Partial<SignatureFacts>]>([
    [
      'one answered is not in the log',
      { tally: { asked: 3, answered: 3 }, entries: entries(...signatures(2)) },
    ],
    [
      'none is, and this device has logged signatures before',
      { tally: { asked: 1, answered: 1 }, entries: [] },
    ],
    [
      'one is missing beside others on a device not known to log them before',
      { tally: { asked: 2, answered: 2 }, isLogged: false, entries: entries(SIGNATURE) },
    ],
    [
      'one of this process is missing, whatever was before',
      { tally: { asked: 1, answered: 1 }, before: 'unknown', entries: entries(OTHER_KEY) },
    ],
  ])('S31: it is an alarm when %s', (_what, partial) => {
    expect(compareSignatures(facts(partial)).finding?.code).toBe('ERR_DEVICE_SIGNATURE_MISSING');
  });

  test('a difference is said once', () => {
    const tally = { asked: 1, answered: 1 };
    const first = compareSignatures(facts({ tally, entries: entries(...signatures(3)) }));
    expect(first.finding).toBeDefined();
    expect(compareSignatures(facts({ tally, seen: first.seen })).finding).toBeUndefined();
  });
});

function signatures(count: number): readonly EntryContent[] {
  return Array.from({ length: count }, () => SIGNATURE);
}
