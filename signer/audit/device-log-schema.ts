/** The tables of `device-log.db`, and how a database of an older release becomes one of this. */
import type { Database } from 'better-sqlite3';
import { DeviceLogDamagedError, DeviceLogNewerError } from './device-log-errors.ts';

/** SQLite's `application_id` of a device log: `PVDL`. */
const APPLICATION_ID = 0x50_56_44_4c;

/**
 * One step of the schema. Only ever appended to: a released step is never edited.
 *
 * `entries` and `findings` only grow. `accounts` says up to which entry the signatures of a key
 * were compared with what the signer asked for.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY CHECK (seq > 0),
    serial TEXT NOT NULL CHECK (length(serial) = 10),
    entry BLOB NOT NULL CHECK (length(entry) = 32),
    time_ms INTEGER NOT NULL CHECK (time_ms >= 0),
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
  ) STRICT;
  CREATE INDEX entries_by_serial ON entries (serial, seq);
  CREATE TABLE findings (
    id INTEGER PRIMARY KEY,
    serial TEXT NOT NULL CHECK (length(serial) = 10),
    seq INTEGER NOT NULL,
    time_ms INTEGER NOT NULL CHECK (time_ms >= 0),
    code TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE TABLE accounts (
    serial TEXT NOT NULL CHECK (length(serial) = 10),
    key_id INTEGER NOT NULL CHECK (key_id BETWEEN 0 AND 65535),
    seq INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    PRIMARY KEY (serial, key_id)
  ) STRICT;
  CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the device log only grows'); END;
  CREATE TRIGGER entries_remain BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the device log only grows'); END;
  CREATE TRIGGER findings_stay BEFORE UPDATE ON findings
    BEGIN SELECT RAISE(ABORT, 'the device log only grows'); END;
  CREATE TRIGGER findings_remain BEFORE DELETE ON findings
    BEGIN SELECT RAISE(ABORT, 'the device log only grows'); END;
  `,
];

/**
 * Brings a database, which may be empty, to the newest schema: all steps or none.
 *
 * @throws {DeviceLogDamagedError} ERR_DEVICE_LOG_DAMAGED when it is some other program's database.
 * @throws {DeviceLogNewerError} ERR_DEVICE_LOG_NEWER when a newer release wrote it.
 */
export function migrateDeviceLog(
  db: Database,
  path: string,
  migrations: readonly string[] = MIGRATIONS,
): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  const application = Number(db.pragma('application_id', { simple: true }));
  if (application !== (version === 0 ? 0 : APPLICATION_ID)) {
    throw new DeviceLogDamagedError({ path, reason: 'it is the database of some other program' });
  }
  if (version > migrations.length) throw new DeviceLogNewerError(path);
  const steps = migrations.slice(version);
  if (steps.length === 0) return;
  db.transaction(() => {
    for (const step of steps) db.exec(step);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${migrations.length}`);
  }).immediate();
}
