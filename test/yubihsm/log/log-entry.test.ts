/** Entries of the device's log, by published samples. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedReplyError } from 'yubihsm/commands/malformed-reply-error';
import { decodeLogEntries, decodeLogEntry } from 'yubihsm/log/log-entry';
import { hex } from '../known-bytes.ts';

const RESET = hex('0001ffffffffffffffffffffffffffff edd9b4e0c38c4f7ec50f057091f12fce');
const BOOT = hex('0002000000ffff000000000000000000 f696906e5b3929c63ca6f10a83d2a0cc');
const SESSION = hex('000303000affff0001ffff8300000023 2264d451b5eff5dfa94c544f33b787a9');
const NOT_FOUND = hex('00084e00030001000fffff0b00001578 b59b4d9ce1aa4f618abcddb0d6f787c2');

describe('one entry', () => {
  it('begins a log after a factory reset', () => {
    expect(decodeLogEntry(RESET)).toMatchObject({
      number: 1,
      kind: 'reset',
      commandName: 'reset',
      sessionKeyId: undefined,
      outcome: { kind: 'done' },
    });
  });

  it('records a boot', () => {
    expect(decodeLogEntry(BOOT)).toMatchObject({
      number: 2,
      kind: 'boot',
      commandName: 'boot',
      sessionKeyId: undefined,
      outcome: { kind: 'done' },
      tick: 0,
    });
  });

  it('records a command that succeeded', () => {
    expect(decodeLogEntry(SESSION)).toEqual({
      number: 3,
      kind: 'command',
      command: 0x03,
      commandName: 'CreateSession',
      lengthBytes: 10,
      sessionKeyId: undefined,
      targetKeyId: 1,
      secondKeyId: undefined,
      outcome: { kind: 'done' },
      tick: 0x23,
      digest: hex('2264d451b5eff5dfa94c544f33b787a9'),
      bytes: SESSION,
    });
  });

  it('records a command that failed, with the code of the device', () => {
    expect(decodeLogEntry(NOT_FOUND)).toMatchObject({
      number: 8,
      commandName: 'GetObjectInfo',
      sessionKeyId: 1,
      targetKeyId: 0x0f,
      outcome: { kind: 'failed', deviceCode: 0x0b },
      tick: 0x1578,
    });
  });

  it('of a command that is not known here keeps its code', () => {
    const entry = decodeLogEntry(hex(`000979000000010064fffff900000001${'00'.repeat(16)}`));
    expect(entry).toMatchObject({
      command: 0x79,
      commandName: 'command 0x79',
      outcome: { kind: 'done' },
    });
  });

  it.each([31, 33, 0])('of %i bytes is none', (length) => {
    expect(() => decodeLogEntry(new Uint8Array(length))).toThrow(MalformedReplyError);
  });
});

describe('a reading', () => {
  it('has the entries, and what could not be logged', () => {
    const reading = decodeLogEntries(hex(`0002 0105 02 ${BOOT.toHex()} ${SESSION.toHex()}`));
    expect(reading).toMatchObject({ unloggedBoots: 2, unloggedAuthentications: 0x105 });
    expect(reading.entries).toEqual([decodeLogEntry(BOOT), decodeLogEntry(SESSION)]);
  });

  it('may be empty', () => {
    expect(decodeLogEntries(hex('0000 0000 00'))).toEqual({
      unloggedBoots: 0,
      unloggedAuthentications: 0,
      entries: [],
    });
  });

  it.each([
    ['fewer entries than it says', `0000 0000 02 ${BOOT.toHex()}`],
    ['more entries than it says', `0000 0000 00 ${BOOT.toHex()}`],
    ['half an entry', `0000 0000 01 ${BOOT.toHex().slice(2)}`],
    ['more entries than a log has', `0000 0000 41 ${BOOT.toHex().repeat(65)}`],
    ['no head', '0000 0000'],
  ])('is refused with %s', (_, reply) => {
    expect(() => decodeLogEntries(hex(reply))).toThrow(MalformedReplyError);
  });

  it('of 64 entries of any bytes is read, each entry kept as it came', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64 * 32, maxLength: 64 * 32 }), (bytes) => {
        const { entries } = decodeLogEntries(hex(`0000 0000 40 ${bytes.toHex()}`));
        expect(hex(entries.map((entry) => entry.bytes.toHex()).join(''))).toEqual(bytes);
      }),
    );
  });
});
