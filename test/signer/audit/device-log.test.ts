import { statSync, writeFileSync } from 'node:fs';
import { DeviceLog } from '@privval/signer/audit/device-log';
import { openDeviceLog } from '@privval/signer/audit/open-device-log';
import { verifyDeviceLog } from '@privval/signer/audit/verify-device-log';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { EntryWriter, SIGNATURE } from '../../harness/device-log-entries.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const SERIAL = '0007550140';
const ECHO = { command: 0x01, sessionKeyId: 4 };

function bytesOf(writer: EntryWriter, count: number): readonly Uint8Array[] {
  return writer
    .write(...Array.from({ length: count }, (_, i) => (i % 2 === 0 ? SIGNATURE : ECHO)))
    .map(({ bytes }) => bytes);
}

function addTo(log: DeviceLog, serial: string, entries: readonly Uint8Array[]): void {
  log.add({ serial, entries, findings: [], timeMs: 1_700_000_000_000 });
}

/** A table of two devices, closed again. */
async function writtenLog(folder: ScratchFolder): Promise<string> {
  const path = folder.join('device-log.db');
  await using log = DeviceLog.open(path);
  addTo(log, SERIAL, bytesOf(new EntryWriter(), 5));
  addTo(log, '0000000001', bytesOf(new EntryWriter({ firstNumber: 90 }), 3));
  return path;
}

/** Changes the table behind its back, as somebody with the file can. */
function edit(path: string, sql: string): void {
  const db = new Database(path);
  for (const trigger of ['entries_stay', 'entries_remain']) db.exec(`DROP TRIGGER ${trigger}`);
  db.exec(sql);
  db.close();
}

describe('the table of device logs', () => {
  test('is a file of mode 0600 that keeps what it is given', async () => {
    using folder = new ScratchFolder();
    const path = folder.join('device-log.db');
    const entries = bytesOf(new EntryWriter(), 4);
    {
      await using log = DeviceLog.open(path);
      addTo(log, SERIAL, entries);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await using log = DeviceLog.open(path);
    expect(log.tail(SERIAL, 64)).toEqual(entries);
    expect(log.tail(SERIAL, 1)).toEqual(entries.slice(-1));
    expect(log.newestSeq).toBe(4);
    expect(Array.from(log.entriesAfter(SERIAL, 2), ({ entry }) => entry)).toEqual(entries.slice(2));
  });

  test('only grows: no statement changes or removes a row', async () => {
    using folder = new ScratchFolder();
    const db = new Database(await writtenLog(folder));
    expect(() => db.exec('UPDATE entries SET time_ms = 0')).toThrow('only grows');
    expect(() => db.exec('DELETE FROM entries')).toThrow('only grows');
    db.close();
  });

  test('that is whole is verified row by row, over all devices', async () => {
    using folder = new ScratchFolder();
    await using log = DeviceLog.read(await writtenLog(folder));
    const report = verifyDeviceLog(log);
    expect(report).toMatchObject({ entries: 8, tampered: [], breaks: [], noted: [] });
    expect([...report.devices]).toEqual([
      [SERIAL, 5],
      ['0000000001', 3],
    ]);
    expect(report.newestHash).toEqual(log.newestHash);
  });

  test.each([
    ['a time', 'UPDATE entries SET time_ms = time_ms + 1 WHERE seq = 3', 3, 'was changed'],
    ['an entry', 'UPDATE entries SET entry = zeroblob(32) WHERE seq = 2', 2, 'was changed'],
    ['a device', "UPDATE entries SET serial = '0000000009' WHERE seq = 4", 4, 'was changed'],
    ['a removed row', 'DELETE FROM entries WHERE seq = 3', 4, 'entries 3 to 3 were removed'],
    ['its first row', 'DELETE FROM entries WHERE seq = 1', 2, 'entries 1 to 1 were removed'],
  ])('shows that somebody changed %s', async (_what, sql, seq, text) => {
    using folder = new ScratchFolder();
    const path = await writtenLog(folder);
    edit(path, sql);
    await using log = DeviceLog.read(path);
    expect(verifyDeviceLog(log).tampered[0]).toMatchObject({
      seq,
      code: 'ERR_DEVICE_LOG_DAMAGED',
      text: expect.stringContaining(text),
    });
  });

  test("shows a break in a device's own chain, also where the table is whole", async () => {
    using folder = new ScratchFolder();
    await using log = DeviceLog.open(folder.join('device-log.db'));
    const writer = new EntryWriter();
    addTo(log, SERIAL, bytesOf(writer, 2));
    writer.lose(4);
    addTo(log, SERIAL, bytesOf(writer, 2));
    expect(verifyDeviceLog(log)).toMatchObject({
      tampered: [],
      breaks: [{ seq: 3, code: 'ERR_DEVICE_LOG_GAP' }],
    });
  });

  test('keeps findings, and the accounts of signatures', async () => {
    using folder = new ScratchFolder();
    await using log = DeviceLog.open(folder.join('device-log.db'));
    const finding = { code: 'ERR_DEVICE_LOG_GAP', text: 'three entries' } as const;
    log.add({ serial: SERIAL, entries: [], findings: [finding], timeMs: 5 });
    expect(log.findings()).toEqual([{ ...finding, serial: SERIAL, seq: 0, timeMs: 5 }]);
    expect(log.account(SERIAL, 0x64)).toBeUndefined();
    for (const state of ['open', 'closed'] as const) {
      const account = { serial: SERIAL, keyId: 0x64, seq: 7, state };
      log.setAccount(account);
      expect(log.account(SERIAL, 0x64)).toEqual(account);
    }
  });

  test('can be read while it is written', async () => {
    using folder = new ScratchFolder();
    const path = folder.join('device-log.db');
    await using log = DeviceLog.open(path);
    addTo(log, SERIAL, bytesOf(new EntryWriter(), 3));
    await using reader = DeviceLog.read(path);
    expect(verifyDeviceLog(reader).entries).toBe(3);
    expect(() => addTo(reader, SERIAL, bytesOf(new EntryWriter(), 1))).toThrow(
      expect.objectContaining({ code: 'ERR_DEVICE_LOG_UNWRITABLE' }),
    );
  });

  test('that is not there is said to be missing, and is not made by looking', () => {
    using folder = new ScratchFolder();
    const path = folder.join('device-log.db');
    expect(() => DeviceLog.read(path)).toThrow(
      expect.objectContaining({ code: 'ERR_DEVICE_LOG_MISSING' }),
    );
    expect(() => statSync(path)).toThrow('ENOENT');
  });

  test('of a newer release is refused', async () => {
    using folder = new ScratchFolder();
    const path = await writtenLog(folder);
    const db = new Database(path);
    db.pragma('user_version = 99');
    db.close();
    expect(() => DeviceLog.open(path)).toThrow(
      expect.objectContaining({ code: 'ERR_DEVICE_LOG_NEWER' }),
    );
  });
});

describe('a home that is served always gets a table (S31)', () => {
  test.each([
    ['no database', (path: string) => writeFileSync(path, 'this is not a database at all')],
    [
      "another program's",
      (path: string) => {
        const db = new Database(path);
        db.exec('CREATE TABLE other (x)');
        db.pragma('application_id = 7');
        db.close();
      },
    ],
  ])('one that is %s is set aside with an alarm', async (_what, spoil) => {
    using folder = new ScratchFolder();
    const path = folder.join('device-log.db');
    spoil(path);
    const logger = new RecordingLogger();
    await using log = openDeviceLog({ clock: new ManualClock(), logger }, folder.path);
    expect(log.newestSeq).toBe(0);
    const [line] = logger.lines;
    expect(line).toMatchObject({
      level: 'error',
      fields: { alarm: true, code: 'ERR_DEVICE_LOG_DAMAGED' },
    });
    expect(statSync(String(line?.fields['kept'])).isFile()).toBe(true);
  });

  test('one whose newest row was changed is set aside as well', async () => {
    using folder = new ScratchFolder();
    edit(await writtenLog(folder), 'UPDATE entries SET time_ms = 1 WHERE seq = 8');
    const logger = new RecordingLogger();
    await using log = openDeviceLog({ clock: new ManualClock(), logger }, folder.path);
    expect(log.newestSeq).toBe(0);
    expect(logger.lines).toMatchObject([{ fields: { alarm: true } }]);
  });
});
