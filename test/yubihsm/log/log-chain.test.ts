/** Whether a log is whole: the published chain, and every way in which one is not. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogAnchor, type LogBreak, verifyLogChain } from 'yubihsm/log/log-chain';
import { decodeLogEntry, type LogEntry } from 'yubihsm/log/log-entry';
import { hex } from '../known-bytes.ts';

/** A log as a device keeps it, written by other code than the code under test. */
class WrittenLog {
  readonly entries: LogEntry[] = [];
  #number: number;
  #digest: Buffer;

  constructor(firstNumber: number, seed = 'seed') {
    this.#number = firstNumber;
    this.#digest = createHash('sha256').update(seed).digest().subarray(0, 16);
  }

  add(count: number, middle = '6a00420004 0064 ffff ea 00001000'): this {
    for (let i = 0; i < count; i++) {
      const head = hex(`${this.#number.toString(16).padStart(4, '0')} ${middle}`);
      this.#digest = createHash('sha256')
        .update(Buffer.concat([head, this.#digest]))
        .digest()
        .subarray(0, 16);
      this.entries.push(decodeLogEntry(Buffer.concat([head, this.#digest])));
      this.#number = (this.#number + 1) & 0xffff;
    }
    return this;
  }
}

const RESET = 'ff'.repeat(14);

function log(firstNumber: number, count: number): readonly LogEntry[] {
  return new WrittenLog(firstNumber).add(count).entries;
}

function anchorOf(entry: LogEntry | undefined): LogAnchor {
  if (entry === undefined) throw new RangeError('no entry');
  return { number: entry.number, digest: entry.digest };
}

/** The entry with one bit of it changed. */
function altered(entry: LogEntry | undefined, byte: number): LogEntry {
  const bytes = Uint8Array.from(entry?.bytes ?? []);
  bytes[byte] = (bytes[byte] ?? 0) ^ 1;
  return decodeLogEntry(bytes);
}

describe('the published chain', () => {
  const boot = decodeLogEntry(
    hex('0002000000ffff000000000000000000 f696906e5b3929c63ca6f10a83d2a0cc'),
  );
  const session = decodeLogEntry(
    hex('000303000affff0001ffff8300000023 2264d451b5eff5dfa94c544f33b787a9'),
  );

  it('verifies', () => {
    expect(verifyLogChain(undefined, [boot, session])).toEqual({
      breaks: [],
      fresh: [boot, session],
      isFirstTrusted: true,
      anchor: anchorOf(session),
    });
    expect(verifyLogChain(anchorOf(boot), [session])).toMatchObject({
      breaks: [],
      isFirstTrusted: false,
    });
  });

  it('does not with the last byte of a digest changed', () => {
    const wrong = decodeLogEntry(
      hex('000303000affff0001ffff8300000023 2264d451b5eff5dfa94c544f33b787a8'),
    );
    expect(verifyLogChain(anchorOf(boot), [wrong]).breaks).toEqual([
      { kind: 'mismatch', number: 3 },
    ]);
  });
});

describe('a whole log', () => {
  it('has no break, however it is cut into readings', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }),
        (first, cuts) => {
          const { entries } = new WrittenLog(first).add(cuts.reduce((a, b) => a + b, 0));
          let anchor: LogAnchor | undefined;
          let start = 0;
          const stored: LogEntry[] = [];
          for (const count of cuts) {
            const verdict = verifyLogChain(anchor, entries.slice(start, start + count));
            expect(verdict.breaks).toEqual([]);
            stored.push(...verdict.fresh);
            anchor = verdict.anchor;
            start += count;
          }
          expect(stored).toEqual(entries);
        },
      ),
    );
  });

  it('goes from entry 65535 to entry 0', () => {
    const entries = log(0xfffe, 4);
    expect(entries.map(({ number }) => number)).toEqual([0xfffe, 0xffff, 0, 1]);
    expect(verifyLogChain(undefined, entries).breaks).toEqual([]);
    expect(verifyLogChain(anchorOf(entries[1]), entries.slice(2)).breaks).toEqual([]);
  });

  it('that was not freed is read again: only what is new counts', () => {
    const entries = log(0xfffd, 6);
    const anchor = anchorOf(entries[3]);
    expect(verifyLogChain(anchor, entries)).toEqual({
      breaks: [],
      fresh: entries.slice(4),
      isFirstTrusted: false,
      anchor: anchorOf(entries[5]),
    });
    expect(verifyLogChain(anchor, entries.slice(0, 4))).toMatchObject({
      fresh: [],
      breaks: [],
      anchor,
    });
  });

  it('may be empty', () => {
    expect(verifyLogChain(undefined, [])).toEqual({
      breaks: [],
      fresh: [],
      isFirstTrusted: false,
      anchor: undefined,
    });
    const anchor = anchorOf(log(1, 1)[0]);
    expect(verifyLogChain(anchor, [])).toMatchObject({ breaks: [], anchor });
  });
});

describe('a break is named by its kind', () => {
  const entries = log(10, 6);
  const [a, b, c, d, e, f] = entries as [
    LogEntry,
    LogEntry,
    LogEntry,
    LogEntry,
    LogEntry,
    LogEntry,
  ];

  it.each<[string, LogAnchor | undefined, readonly LogEntry[], readonly LogBreak[]]>([
    [
      'entries lost between two readings',
      anchorOf(a),
      [c, d],
      [{ kind: 'missing', expected: 11, found: 12 }],
    ],
    ['an entry left out', undefined, [a, c, d], [{ kind: 'gap', expected: 11, found: 12 }]],
    [
      'two entries in the wrong order',
      undefined,
      [a, c, b, d],
      [
        { kind: 'gap', expected: 11, found: 12 },
        { kind: 'gap', expected: 13, found: 11 },
        { kind: 'gap', expected: 12, found: 13 },
      ],
    ],
    ['an entry twice', undefined, [a, a, b], [{ kind: 'gap', expected: 11, found: 10 }]],
    [
      'an entry that was changed',
      anchorOf(a),
      [b, altered(c, 3), d],
      [{ kind: 'mismatch', number: 12 }],
    ],
    [
      'a digest that was changed: it spoils the next entry too',
      anchorOf(a),
      [b, altered(c, 31), d],
      [
        { kind: 'mismatch', number: 12 },
        { kind: 'mismatch', number: 13 },
      ],
    ],
    [
      'a log that another device wrote',
      anchorOf(a),
      new WrittenLog(11, 'another').add(2).entries,
      [{ kind: 'mismatch', number: 11 }],
    ],
    [
      'an entry that was read before, changed since',
      anchorOf(c),
      [altered(c, 31), d],
      [
        { kind: 'mismatch', number: 12 },
        { kind: 'mismatch', number: 13 },
      ],
    ],
    [
      'more than one of them',
      anchorOf(a),
      [c, d, altered(e, 8), f],
      [
        { kind: 'missing', expected: 11, found: 12 },
        { kind: 'mismatch', number: 14 },
      ],
    ],
  ])('%s', (_, anchor, reading, breaks) => {
    const verdict = verifyLogChain(anchor, reading);
    expect(verdict.breaks).toEqual(breaks);
    // S31: they are stored all the same, and the log goes on from where it is.
    expect(verdict.fresh).toEqual(reading);
    expect(verdict.anchor).toEqual(anchorOf(reading.at(-1)));
  });

  it('an entry already known, changed before the last known one', () => {
    const verdict = verifyLogChain(anchorOf(c), [altered(a, 31), b, c, d]);
    expect(verdict.breaks).toEqual([{ kind: 'mismatch', number: 11 }]);
    expect(verdict.fresh).toEqual([d]);
  });

  it('a factory reset, which begins another log', () => {
    const { entries: other } = new WrittenLog(1, 'reset').add(1, RESET).add(12);
    expect(verifyLogChain(anchorOf(f), other)).toMatchObject({
      breaks: [{ kind: 'reset', number: 1 }],
      fresh: other,
    });
    // The numbers of the old log come up again in the new one.
    expect(verifyLogChain(anchorOf(a), other)).toMatchObject({
      breaks: [{ kind: 'reset', number: 1 }],
      fresh: other,
    });
  });

  it('a reset is nothing to report where nothing was known', () => {
    const { entries: other } = new WrittenLog(1, 'reset').add(1, RESET).add(2);
    expect(verifyLogChain(undefined, other)).toMatchObject({ breaks: [], isFirstTrusted: true });
  });
});

it('no single change of a log goes unseen', () => {
  const entries = log(0xfff0, 32);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 31 }), fc.nat(31), (place, byte) => {
      const reading = entries.with(place, altered(entries[place], byte));
      expect(verifyLogChain(undefined, reading).breaks).not.toEqual([]);
    }),
  );
});
