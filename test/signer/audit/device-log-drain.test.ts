import type { Logger } from '@privval/proto/runtime/logger';
import { DeviceLog } from '@privval/signer/audit/device-log';
import { DeviceLogDrain } from '@privval/signer/audit/device-log-drain';
import { verifyDeviceLog } from '@privval/signer/audit/verify-device-log';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { FakeLoggedDevice, KEY_ID } from '../../harness/logged-device.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

class PlugPulledError extends Error {
  readonly code = 'ERR_PLUG_PULLED';
}

/** A drain over a fake device and a real table; what it needs lives as long as the rig. */
class Rig implements AsyncDisposable {
  readonly folder = new ScratchFolder();
  readonly device = new FakeLoggedDevice();
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly log = DeviceLog.open(this.folder.join('device-log.db'));

  start(logger: Logger = this.logger, log = this.log): DeviceLogDrain {
    const { device, clock } = this;
    return DeviceLogDrain.start({ log, device, clock, logger }, { keyIds: [KEY_ID] });
  }

  /** A signature through the device as the signer makes one: asked, drained when refused, answered. */
  async sign(drain: DeviceLogDrain): Promise<void> {
    drain.count(KEY_ID, 'asked');
    if (!this.device.sign()) {
      await drain.drain();
      if (!this.device.sign()) throw new TypeError('the log is full after it was drained');
    }
    drain.count(KEY_ID, 'answered');
  }

  /** Codes of the alarms so far. */
  get alarms(): readonly unknown[] {
    return this.logger.lines
      .filter(({ level, fields }) => level === 'error' && fields['alarm'] === true)
      .map(({ fields }) => fields['code']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

/** Lets what is under way in the drain come to its wait. */
async function settle(rig: Rig): Promise<void> {
  await rig.clock.untilPending();
  await rig.clock.advance(0);
}

describe('the log of a device with force-audit', () => {
  test('never fills up: hundreds of signatures go through, and every one is in the table', async () => {
    await using rig = new Rig();
    {
      await using drain = rig.start();
      for (let i = 0; i < 500; i++) await rig.sign(drain);
    }
    expect(rig.alarms).toEqual([]);
    const report = verifyDeviceLog(rig.log);
    expect(report).toMatchObject({ entries: 500, tampered: [], breaks: [], noted: [] });
  });

  test('is drained at half full, before any signature is refused', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    let refused = 0;
    for (let i = 0; i < 200; i++) {
      if (rig.device.log.isFull) refused += 1;
      await rig.sign(drain);
      await rig.clock.advance(0);
    }
    expect(refused).toBe(0);
    expect(rig.log.newestSeq).toBeGreaterThan(150);
  });

  test('is drained by time as well: other commands fill it too', async () => {
    await using rig = new Rig();
    await using _drain = rig.start();
    await settle(rig);
    for (let i = 0; i < 30; i++) rig.device.add({ command: 0x01 });
    await rig.clock.advance(30_000);
    expect(rig.log.newestSeq).toBe(0);
    rig.device.add({ command: 0x01 });
    await rig.clock.advance(30_000);
    expect(rig.log.newestSeq).toBe(31);
    expect(rig.device.log.used).toBe(0);
  });

  test('is drained when a signature was refused, and several that wait share one drain', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    while (rig.device.add({ command: 0x01 }));
    expect(rig.device.sign()).toBe(false);
    const [first, second] = await Promise.all([drain.drain(), drain.drain()]);
    expect(first).toBe(second);
    expect(first.stored).toBe(62);
    expect(rig.device.sign()).toBe(true);
  });

  test('keeps the entries when the device cannot be told to forget, and knows them again', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    for (let i = 0; i < 20; i++) await rig.sign(drain);
    rig.device.onFree = () => {
      throw new PlugPulledError('unplugged between the two');
    };
    await expect(drain.drain()).rejects.toThrow('unplugged between the two');
    expect(rig.log.newestSeq).toBe(20);
    rig.device.onFree = undefined;
    expect(await drain.drain()).toMatchObject({ stored: 0, findings: [] });
    expect(rig.device.log.used).toBe(0);
    expect(verifyDeviceLog(rig.log)).toMatchObject({ entries: 20, breaks: [] });
  });

  test('S31: is stored before the device forgets', async () => {
    await using rig = new Rig();
    const storedAtFree: number[] = [];
    rig.device.onFree = () => {
      // Another connection: what it sees is committed.
      const other = new Database(rig.log.path, { readonly: true });
      storedAtFree.push(Number(other.prepare('SELECT count(*) FROM entries').pluck().get()));
      other.close();
    };
    await using drain = rig.start();
    await settle(rig);
    for (let i = 0; i < 5; i++) await rig.sign(drain);
    await drain.drain();
    expect(storedAtFree).toEqual([5]);
  });

  test('does not free what could not be stored, and says so', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    await rig.sign(drain);
    const blocker = new Database(rig.log.path);
    blocker.exec(
      "CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'x'); END",
    );
    await expect(drain.drain()).rejects.toMatchObject({ code: 'ERR_DEVICE_LOG_UNWRITABLE' });
    expect(rig.device.log.used).toBe(1);
    blocker.exec('DROP TRIGGER full');
    blocker.close();
    expect(await drain.drain()).toMatchObject({ stored: 1 });
  });
});

describe('S31: a log that is broken', () => {
  test('by a gap is stored, said aloud and freed all the same: signing goes on', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    await rig.sign(drain);
    await drain.drain();
    for (let i = 0; i < 9; i++) await rig.sign(drain);
    rig.device.log.free(4);
    expect(await drain.drain()).toMatchObject({ stored: 6 });
    expect(rig.alarms).toEqual(['ERR_DEVICE_LOG_GAP']);
    expect(rig.device.log.used).toBe(0);
    for (let i = 0; i < 100; i++) await rig.sign(drain);
    await drain.drain();
    expect(rig.alarms).toEqual(['ERR_DEVICE_LOG_GAP']);
    expect(verifyDeviceLog(rig.log).breaks).toMatchObject([{ seq: 2 }]);
  });

  test('by a changed entry is stored as it was read, said aloud and freed', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    for (let i = 0; i < 3; i++) await rig.sign(drain);
    // The session key of the second entry: header of 5, entry of 32, then its sixth byte.
    rig.device.onRead = (reading) => reading.with(5 + 32 + 6, 9);
    await drain.drain();
    rig.device.onRead = undefined;
    expect(rig.alarms).toEqual(['ERR_DEVICE_LOG_BROKEN']);
    expect(rig.log.tail(rig.device.serial, 2)[0]?.[6]).toBe(9);
    expect(rig.device.log.used).toBe(0);
    expect(verifyDeviceLog(rig.log)).toMatchObject({ tampered: [], breaks: [{ seq: 2 }] });
  });

  test('by a factory reset is said aloud', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    for (let i = 0; i < 3; i++) await rig.sign(drain);
    await drain.drain();
    rig.device.log.addReset();
    await drain.drain();
    expect(rig.alarms).toEqual(['ERR_DEVICE_RESET']);
  });
});

describe('S31: signatures in the log and asked for', () => {
  test('one more than asked is an alarm, once, with who made it', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    for (let i = 0; i < 3; i++) await rig.sign(drain);
    rig.device.sign(1);
    await drain.drain();
    await drain.drain();
    expect(rig.alarms).toEqual(['ERR_DEVICE_SIGNATURE_EXTRA']);
    expect(rig.logger.named('look at this device')[0]?.fields['reason']).toContain(
      'authentication key 0x0001',
    );
    expect(verifyDeviceLog(rig.log).noted).toMatchObject([{ code: 'ERR_DEVICE_SIGNATURE_EXTRA' }]);
  });

  test('one that was answered and is not there is an alarm', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    await rig.sign(drain);
    await drain.drain();
    drain.count(KEY_ID, 'asked');
    drain.count(KEY_ID, 'answered');
    await drain.drain();
    expect(rig.alarms).toEqual(['ERR_DEVICE_SIGNATURE_MISSING']);
  });

  test('one whose reply was lost is not, whether the device has made it or not', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    for (const wasMade of [true, false, true, false]) {
      drain.count(KEY_ID, 'asked');
      if (wasMade) rig.device.sign();
      await drain.drain();
      await rig.sign(drain);
      await drain.drain();
    }
    expect(rig.alarms).toEqual([]);
  });

  test('while a drain is under way do not disturb each other', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    await rig.sign(drain);
    // Asked after the reading was: it is not in it, and nobody misses it.
    const draining = drain.drain();
    await Promise.resolve();
    await Promise.resolve();
    drain.count(KEY_ID, 'asked');
    await draining;
    rig.device.sign();
    drain.count(KEY_ID, 'answered');
    await drain.drain();
    expect(rig.alarms).toEqual([]);
  });

  test('made while no signer ran are an alarm at the next start', async () => {
    await using rig = new Rig();
    {
      await using drain = rig.start();
      await rig.sign(drain);
    }
    rig.device.sign();
    {
      await using _drain = rig.start();
      await settle(rig);
    }
    expect(rig.alarms).toEqual(['ERR_DEVICE_SIGNATURE_EXTRA']);
    expect(rig.logger.named('look at this device')[0]?.fields['reason']).toContain(
      'while this signer was not running',
    );
  });

  test('of a signer that stopped in good order are no alarm at the next start', async () => {
    await using rig = new Rig();
    for (let life = 0; life < 3; life++) {
      await using drain = rig.start();
      for (let i = 0; i < 40; i++) await rig.sign(drain);
    }
    expect(rig.alarms).toEqual([]);
    expect(verifyDeviceLog(rig.log).entries).toBe(120);
  });

  test('of a signer that died are nobody’s fault', async () => {
    await using rig = new Rig();
    const first = rig.start();
    await settle(rig);
    for (let i = 0; i < 5; i++) await rig.sign(first);
    await first.drain();
    for (let i = 0; i < 5; i++) await rig.sign(first);
    // Dies: what it had asked for is forgotten with it.
    await using other = DeviceLog.open(rig.log.path);
    await using second = rig.start(rig.logger, other);
    await second.drain();
    await rig.sign(second);
    await second.drain();
    expect(rig.alarms).toEqual([]);
  });

  test('on a device that does not log signatures are not compared', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    for (let i = 0; i < 30; i++) {
      drain.count(KEY_ID, 'asked');
      drain.count(KEY_ID, 'answered');
    }
    rig.device.add({ command: 0x03 });
    await drain.drain();
    expect(rig.alarms).toEqual([]);
  });

  test('of another device in its place are compared from its first reading on', async () => {
    await using rig = new Rig();
    await using drain = rig.start();
    await settle(rig);
    for (let i = 0; i < 3; i++) await rig.sign(drain);
    await drain.drain();
    rig.device.serial = '0000000002';
    rig.device.sign(1);
    await drain.drain();
    expect(rig.alarms).toEqual([]);
    rig.device.sign(1);
    await drain.drain();
    expect(rig.alarms).toEqual(['ERR_DEVICE_SIGNATURE_EXTRA']);
  });
});

describe('a device that does not answer', () => {
  test('is said once, and drained as soon as it is back', async () => {
    await using rig = new Rig();
    rig.device.fault = new PlugPulledError('unplugged');
    await using _drain = rig.start();
    await settle(rig);
    for (let i = 0; i < 4; i++) await rig.clock.advance(30_000);
    expect(rig.logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    rig.device.fault = undefined;
    for (let i = 0; i < 40; i++) rig.device.sign();
    await rig.clock.advance(30_000);
    expect(rig.log.newestSeq).toBe(40);
    rig.device.fault = new PlugPulledError('unplugged');
    await rig.clock.advance(30_000);
    expect(rig.logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
    rig.device.fault = undefined;
  });

  test('does not keep the signer from stopping', async () => {
    await using rig = new Rig();
    const drain = rig.start();
    await settle(rig);
    rig.device.readLog = () => new Promise(() => undefined);
    const stopped = drain[Symbol.asyncDispose]();
    await rig.clock.untilPending();
    await rig.clock.advance(400);
    await stopped;
    expect(rig.clock.pending).toBe(0);
  });
});
