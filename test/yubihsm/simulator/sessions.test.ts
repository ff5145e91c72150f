/** Sessions from outside: how many, how long, and what a wrong frame does to them. */
import { describe, expect, test } from 'vitest';
import { hex } from '../channel/vectors.ts';
import { CODE, DeviceUnderTest, FACTORY_KEYS, openAs } from './raw-session.ts';

const CREATE = '03000a00010000000000000000';
const WRONG_KEYS = { encKey: new Uint8Array(16), macKey: new Uint8Array(16) };

describe('sessions', () => {
  test('are sixteen, with the lowest free id first', () => {
    const simulation = new DeviceUnderTest();
    const sessions = Array.from({ length: 16 }, () => simulation.open());
    expect(sessions.map(({ id }) => id)).toEqual(Array.from({ length: 16 }, (_, id) => id));
    expect(simulation.plain(CREATE)).toBe('7f000105');
    expect(sessions[5]?.run(CODE.closeSession)).toBe('c00000');
    expect(simulation.open().id).toBe(5);
    expect(simulation.device.sessionCount).toBe(16);
  });

  test('end after 30 s without a command, and not after 29.999', () => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    for (let times = 0; times < 3; times++) {
      simulation.nowMs += 29_999;
      expect(session.run(CODE.echo, 'aa')).toBe('810001aa');
    }
    simulation.nowMs += 30_000;
    expect(session.run(CODE.echo, 'aa')).toBe('outer 7f000103');
  });

  test('that are half open idle out too, and free their id', () => {
    const simulation = new DeviceUnderTest();
    for (let id = 0; id < 16; id++) simulation.plain(CREATE);
    expect(simulation.plain(CREATE)).toBe('7f000105');
    simulation.nowMs += 30_000;
    expect(simulation.device.sessionCount).toBe(0);
    expect(simulation.open().id).toBe(0);
  });

  test('that are half open take no commands', () => {
    const simulation = new DeviceUnderTest();
    simulation.plain(CREATE);
    expect(simulation.plain(`050019 00${'00'.repeat(24)}`.replace(' ', ''))).toBe('7f000103');
  });

  test.each([
    ['a power cycle', (simulation: DeviceUnderTest) => simulation.device.powerCycle()],
    ['being dropped', (simulation: DeviceUnderTest) => simulation.device.dropSessions()],
    ['a factory reset', (simulation: DeviceUnderTest) => simulation.device.factoryReset()],
  ])('are gone after %s', (_what, happens) => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    happens(simulation);
    expect(session.run(CODE.echo)).toBe('outer 7f000103');
  });

  test('keep the rights their key had when they were opened', () => {
    const simulation = new DeviceUnderTest();
    const session = openAs(simulation, { id: 2, capabilities: 1n << 0x13n });
    simulation.open().data(CODE.deleteObject, '000202');
    expect(session.data(CODE.getPseudoRandom, '0004')).toHaveLength(4);
    expect(simulation.plain('03000a00020000000000000000')).toBe('7f00010b');
  });

  test('stay open after an inner error', () => {
    const session = new DeviceUnderTest().open();
    expect(session.run(0x7e)).toBe('7f000101');
    expect(session.run(CODE.getPublicKey, '0999')).toBe('7f00010b');
    expect(session.run(CODE.echo, '01')).toBe('81000101');
  });
});

describe('authentication', () => {
  test('fails for a wrong password with 04, and frees the slot', () => {
    const simulation = new DeviceUnderTest();
    expect(() => simulation.open(1, WRONG_KEYS)).toThrow(
      expect.objectContaining({ code: 'ERR_YUBIHSM_WRONG_CREDENTIALS' }),
    );
    expect(simulation.device.sessionCount).toBe(0);
  });

  test.each([
    ['an unknown key is 0b', '03000a00090000000000000000', '7f00010b'],
    ['the id 0 is 0b', '03000a00000000000000000000', '7f00010b'],
    ['a short challenge is 08', '030009000100000000000000', '7f000108'],
    ['a long challenge is 08', '03000b0001000000000000000000', '7f000108'],
    ['a session nobody began is 03', `040011 0a${'00'.repeat(16)}`, '7f000103'],
    ['an authentication that is too short is 08', `040010 00${'00'.repeat(15)}`, '7f000108'],
  ])('%s', (_what, frame, reply) => {
    expect(new DeviceUnderTest().plain(frame.replace(' ', ''))).toBe(reply);
  });

  test('works only once', () => {
    const simulation = new DeviceUnderTest();
    simulation.open();
    expect(simulation.plain(`04001100${'00'.repeat(16)}`)).toBe('7f000103');
  });

  test('changes nothing for the sessions that are there', () => {
    const simulation = new DeviceUnderTest();
    const first = simulation.open();
    simulation.open();
    expect(first.run(CODE.echo, '05')).toBe('81000105');
  });

  test('with another key than the factory one works by that key only', () => {
    const simulation = new DeviceUnderTest();
    openAs(simulation, { id: 2 });
    expect(() => simulation.open(2, FACTORY_KEYS)).toThrow(
      expect.objectContaining({ code: 'ERR_YUBIHSM_WRONG_CREDENTIALS' }),
    );
  });
});

describe('a session message', () => {
  test('with one bit of its MAC changed is 04, and the right one still works after it', () => {
    const simulation = new DeviceUnderTest();
    const frame = simulation.open().seal(CODE.echo, hex('aa'));
    const wrong = frame.slice();
    wrong[wrong.length - 1] = (wrong[wrong.length - 1] ?? 0) ^ 1;
    expect(simulation.device.exchange(wrong).reply.toHex()).toBe('7f000104');
    expect(simulation.device.exchange(frame).reply[0]).toBe(0x85);
  });

  test('sent again is 04: the device has gone on', () => {
    const simulation = new DeviceUnderTest();
    const frame = simulation.open().seal(CODE.echo, hex('aa'));
    expect(simulation.device.exchange(frame).reply[0]).toBe(0x85);
    expect(simulation.device.exchange(frame).reply.toHex()).toBe('7f000104');
  });

  test('to a slot that somebody else has taken is 04', () => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    simulation.device.dropSessions();
    const other = simulation.open();
    expect(other.id).toBe(session.id);
    expect(session.run(CODE.echo)).toBe('outer 7f000104');
    expect(other.run(CODE.echo, '01')).toBe('81000101');
  });

  test('whose ciphertext is no whole block is 08', () => {
    const simulation = new DeviceUnderTest();
    simulation.open();
    expect(simulation.plain(`05001800${'00'.repeat(23)}`)).toBe('7f000108');
  });
});

describe('without a session', () => {
  test.each([
    ['Echo answers', '0100020102', '8100020102'],
    ['Echo answers nothing with nothing', '010000', '810000'],
    ['every other command is 01', '4e0003000102', '7f000101'],
    ['a wrong length is 08', '010003aabb', '7f000108'],
    ['a frame without a header is 08', '0100', '7f000108'],
    ['DeviceInfo has no page 2', '06000102', '7f000102'],
  ])('%s', (_what, frame, reply) => {
    expect(new DeviceUnderTest().plain(frame)).toBe(reply);
  });

  test.each([
    ['2.4.1', 3136],
    ['2.3.2', 2048],
  ])('firmware %s takes frames of up to %i bytes', (version, most) => {
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    const { device } = new DeviceUnderTest({ firmware: { major, minor, patch } });
    const echo = (bytes: number): string => {
      const frame = new Uint8Array(bytes);
      frame.set([1, (bytes - 3) >>> 8, (bytes - 3) & 0xff]);
      return device.exchange(frame).reply.subarray(0, 1).toHex();
    };
    expect([echo(most), echo(most + 1)]).toEqual(['81', '7f']);
  });

  test('DeviceInfo is as the sheet has it for firmware 2.0.0', () => {
    const simulation = new DeviceUnderTest({ firmware: { major: 2, minor: 0, patch: 0 } });
    const algorithms = Array.from({ length: 47 }, (_, index) => index + 1);
    // 62 slots, of which the reset and the boot take two.
    expect(simulation.plain('060000')).toBe(
      `8600380200000073 34bc3e02`.replace(' ', '') + Uint8Array.from(algorithms).toHex(),
    );
    expect(simulation.plain('06000101')).toBe('7f000102');
  });

  test('DeviceInfo has a second page since 2.4', () => {
    const text = new TextEncoder().encode('SIMULATOR').toHex();
    expect(new DeviceUnderTest().plain('06000101')).toBe(`860009${text}`);
  });
});
