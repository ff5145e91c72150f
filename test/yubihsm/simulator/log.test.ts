/** The log and the options that rule it (3.8 of the sheet). */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AuditLog } from '../../harness/yubihsm-sim/device/audit-log.ts';
import {
  ALL,
  byte,
  CODE,
  DeviceUnderTest,
  error,
  params,
  type RawSession,
  word,
} from './raw-session.ts';

const NOTHING_LOGGED = '00000000';

interface Reading {
  readonly unloggedBoots: number;
  readonly unloggedAuths: number;
  /** The 16 bytes that a digest covers, in hexadecimal. */
  readonly entries: readonly string[];
  readonly digests: readonly string[];
}

function read(session: RawSession): Reading {
  const data = session.data(CODE.getLogEntries).toHex();
  const count = Number.parseInt(data.slice(8, 10), 16);
  expect(data).toHaveLength(10 + 64 * count);
  const all = Array.from({ length: count }, (_, index) => data.slice(10 + 64 * index).slice(0, 64));
  return {
    unloggedBoots: Number.parseInt(data.slice(0, 4), 16),
    unloggedAuths: Number.parseInt(data.slice(4, 8), 16),
    entries: all.map((entry) => entry.slice(0, 32)),
    digests: all.map((entry) => entry.slice(32)),
  };
}

/** Each digest covers its entry and the digest before. */
function expectChained({ entries, digests }: Reading, before?: string): void {
  entries.forEach((entry, index) => {
    const previous = index === 0 ? before : digests[index - 1];
    if (previous === undefined) return;
    const hash = createHash('sha256')
      .update(entry + previous, 'hex')
      .digest('hex');
    expect(digests[index]).toBe(hash.slice(0, 32));
  });
}

/** Commands whose audit is switched on, by code. */
const audit = (...codes: readonly number[]): string =>
  `03${word(2 * codes.length)}${codes.map((code) => `${byte(code)}01`).join('')}`;

const FORCE_ON = '01000101';
const FORCE_OFF = '01000100';

describe('an entry', () => {
  test('chains to the one before as the sheet shows it', () => {
    const log = new AuditLog(Uint8Array.fromHex('f696906e5b3929c63ca6f10a83d2a0cc'), 2);
    const keys = { sessionKey: 0xffff, targetKey: 1, secondKey: 0xffff };
    log.add({ command: 0x03, length: 10, ...keys, result: 0x83, tick: 0x23 }, false);
    expect(log.read().slice(5).toHex()).toBe(
      '000303000affff0001ffff83000000232264d451b5eff5dfa94c544f33b787a9',
    );
  });

  test.each<
    [string, number[], (simulation: DeviceUnderTest, session: RawSession) => void, string[]]
  >([
    [
      'an authentication',
      [0x03, 0x04],
      (simulation) => void simulation.open(),
      ['03000affff0001ffff83', '040011ffff0001ffff84'],
    ],
    [
      'a failure, with its code',
      [CODE.getObjectInfo],
      (_simulation, session) => void session.run(CODE.getObjectInfo, '000f01'),
      ['4e00030001000fffff0b'],
    ],
    [
      'an object that is made, under the id it got',
      [CODE.putOpaque],
      (simulation, session) => {
        simulation.nextRandom.push(Uint8Array.of(0xaf, 0xf7));
        session.data(CODE.putOpaque, `${params({ algorithm: 30 })}aa`);
      },
      ['4200360001aff7ffffc2'],
    ],
    [
      'a command without a key',
      [CODE.setLogIndex],
      (_simulation, session) => void session.data(CODE.setLogIndex, '0002'),
      ['6700020001ffffffffe7'],
    ],
    [
      'a session key that is unknown',
      [0x03],
      (simulation) => void simulation.plain('03000a00090000000000000000'),
      ['03000affff0009ffff0b'],
    ],
  ])('tells of %s', (_what, codes, happens, expected) => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    session.data(CODE.setOption, audit(...codes));
    simulation.nowMs += 0x1578;
    happens(simulation, session);
    const { entries } = read(session);
    const told = entries.slice(-expected.length).map((entry) => entry.slice(4));
    expect(told).toEqual(expected.map((entry) => `${entry}00001578`));
  });
});

describe('after a reset', () => {
  test('the log has two entries, the reset and the boot', () => {
    const { entries } = read(new DeviceUnderTest().open());
    expect(entries).toEqual([`0001${'ff'.repeat(14)}`, '0002000000ffff000000000000000000']);
  });

  test('before firmware 2.3.1 it has the session too: commands were audited from the start', () => {
    const simulation = new DeviceUnderTest({ firmware: { major: 2, minor: 3, patch: 0 } });
    const { entries } = read(simulation.open());
    expect(entries.map((entry) => entry.slice(4, 6))).toEqual(['ff', '00', '03', '04']);
  });

  test('a boot is one more entry, and its ticks begin anew', () => {
    const simulation = new DeviceUnderTest();
    simulation.nowMs = 100_000;
    simulation.device.powerCycle();
    const session = simulation.open();
    session.data(CODE.setOption, audit(CODE.blinkDevice));
    simulation.nowMs += 7;
    session.data(CODE.blinkDevice, '01');
    const { entries } = read(session);
    expect(entries.slice(2)).toEqual([
      '0003000000ffff000000000000000000',
      '00046b00010001ffffffffeb00000007',
    ]);
  });
});

describe('without force-audit', () => {
  test('the log is a ring of 62 that loses its oldest, and stays chained', () => {
    const session = new DeviceUnderTest().open();
    session.data(CODE.setOption, audit(CODE.blinkDevice));
    for (let times = 0; times < 100; times++) session.data(CODE.blinkDevice, '01');
    const reading = read(session);
    expect(reading.entries).toHaveLength(62);
    expect(reading.entries.at(-1)?.slice(0, 4)).toBe(word(2 + 100));
    expectChained(reading);
  });

  test('numbers go on after ffff with 0', () => {
    const log = new AuditLog(new Uint8Array(16), 0xfffe);
    for (let times = 0; times < 3; times++) log.addReset();
    const numbers = [0, 1, 2].map((index) => log.read().slice(5 + 32 * index, 7 + 32 * index));
    expect(numbers.map((number) => number.toHex())).toEqual(['ffff', '0000', '0001']);
    expect(log.free(0)).toBe(true);
    expect(log.used).toBe(1);
    expect(log.free(0xffff)).toBe(true);
    expect(log.free(2)).toBe(false);
  });
});

describe('SetLogIndex', () => {
  test('frees up to and including its number, and the chain goes on from there', () => {
    const session = new DeviceUnderTest().open();
    session.data(CODE.setOption, audit(CODE.blinkDevice));
    for (let times = 0; times < 5; times++) session.data(CODE.blinkDevice, '01');
    const first = read(session);
    expect(session.run(CODE.setLogIndex, '0005')).toBe('e70000');
    expect(read(session).entries).toEqual(first.entries.slice(5));
    session.data(CODE.setLogIndex, '0007');
    session.data(CODE.blinkDevice, '01');
    const second = read(session);
    expect(second.entries.map((entry) => entry.slice(0, 4))).toEqual(['0008']);
    expectChained(second, first.digests.at(-1));
  });

  test.each([
    ['once more is accepted, and frees nothing', '0001', 'e70000', 1],
    ['ahead of the log is 02', '0003', error(0x02), 1],
    ['without its two bytes is 08', '01', error(0x08), 1],
  ])('%s', (_what, index, reply, left) => {
    const session = new DeviceUnderTest().open();
    session.data(CODE.setLogIndex, '0001');
    expect(session.run(CODE.setLogIndex, index)).toBe(reply);
    expect(read(session).entries).toHaveLength(left);
  });
});

describe('with force-audit and a full log', () => {
  function full(): { readonly simulation: DeviceUnderTest; readonly session: RawSession } {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    session.data(CODE.setOption, audit(0x03, 0x04, 0x4f, 0x67, CODE.signEddsa));
    session.data(CODE.setOption, FORCE_ON);
    session.data(
      CODE.generateAsymmetricKey,
      params({ id: 0x64, capabilities: ALL, algorithm: 46 }),
    );
    const used = (): number => read(session).entries.length;
    while (used() < 62) session.data(CODE.signEddsa, '0064aa');
    return { simulation, session };
  }

  test('what would be logged is 0a, and not done', () => {
    const { simulation, session } = full();
    expect(session.run(CODE.signEddsa, '0064aa')).toBe(error(0x0a));
    expect(session.run(CODE.setOption, FORCE_OFF)).toBe(error(0x0a));
    expect(session.run(CODE.getOption, '01')).toBe('d0000101');
    expect(read(session).entries).toHaveLength(62);
    expect(simulation.plain('060000').slice(20, 24)).toBe('3e3e'); // 62 slots, 62 used
  });

  test('what is not audited works', () => {
    const { session } = full();
    expect(session.run(CODE.echo, 'aa')).toBe('810001aa');
    expect(session.run(CODE.blinkDevice, '01')).toBe('eb0000');
  });

  test('sessions open, and are counted instead of logged, as boots are', () => {
    const { simulation } = full();
    simulation.device.powerCycle();
    const { unloggedBoots, unloggedAuths, entries } = read(simulation.open());
    expect([unloggedBoots, unloggedAuths, entries.length]).toEqual([1, 2, 62]);
  });

  test('reading and freeing work, and then everything does, from an unbroken chain', () => {
    const { simulation, session } = full();
    simulation.open();
    const before = read(session);
    const last = before.entries.at(-1)?.slice(0, 4) ?? '';
    expect(session.run(CODE.setLogIndex, last)).toBe('e70000');
    expect(session.run(CODE.signEddsa, '0064aa').slice(0, 2)).toBe('ea');
    expect(session.run(CODE.setOption, FORCE_OFF)).toBe('cf0000');
    const after = read(session);
    expect(after.entries.map((entry) => entry.slice(4, 6))).toEqual(['67', '6a', '4f']);
    expectChained(after, before.digests.at(-1));
    expect(session.data(CODE.getLogEntries).toHex().slice(0, 8)).toBe(NOTHING_LOGGED);
  });
});

describe('options', () => {
  test('GetOption lists all commands, none of them audited since 2.3.1', () => {
    const pairs = new DeviceUnderTest().open().data(CODE.getOption, '03');
    expect(pairs.filter((_, index) => index % 2 === 1).every((mode) => mode === 0)).toBe(true);
    expect(pairs.filter((_, index) => index % 2 === 0).length).toBeGreaterThan(60);
  });

  test.each([
    ['force-audit off', FORCE_OFF, 'cf0000'],
    ['an unknown value', '01000103', error(0x02)],
    ['force-audit with two bytes', '0100020101', error(0x08)],
    ['a length that is not the length', '01000201', error(0x08)],
    ['an unknown option', '02000100', error(0x02)],
    ['FIPS mode, which this device has not', '05000101', error(0x02)],
    ['an unknown command', audit(0x7e), error(0x02)],
    ['half a pair', '0300016a', error(0x08)],
  ])('SetOption: %s', (_what, data, reply) => {
    expect(new DeviceUnderTest().open().run(CODE.setOption, data)).toBe(reply);
  });

  test.each([
    ['force-audit', '01000102', '01000100'],
    ['the audit of a command', '0300026a02', '0300026a00'],
  ])('%s that is fixed is undone by a factory reset only', (_what, fix, undo) => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    expect(session.run(CODE.setOption, fix)).toBe('cf0000');
    expect(session.run(CODE.setOption, undo)).toBe(error(0x02));
    expect(session.run(CODE.setOption, fix)).toBe('cf0000');
    simulation.device.factoryReset();
    expect(simulation.open().run(CODE.setOption, undo)).toBe('cf0000');
  });

  test('a list with one wrong command changes nothing', () => {
    const session = new DeviceUnderTest().open();
    const before = session.run(CODE.getOption, '03');
    expect(session.run(CODE.setOption, audit(CODE.signEddsa, 0x7e))).toBe(error(0x02));
    expect(session.run(CODE.getOption, '03')).toBe(before);
  });
});
