/** `device-log.db`: what was drained from the logs of a home's devices, for good. */
import { chmodSync, statSync } from 'node:fs';
import type { DeviceFinding } from '@privval/hsm/device-log/device-finding';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import Database from 'better-sqlite3';
import { type DeviceLogRow, FIRST_PREVIOUS, hashOfRow } from './device-log-chain.ts';
import {
  DeviceLogDamagedError,
  DeviceLogMissingError,
  DeviceLogUnwritableError,
} from './device-log-errors.ts';
import { migrateDeviceLog } from './device-log-schema.ts';

/** A finding as it was stored. */
export interface StoredFinding extends DeviceFinding {
  readonly serial: string;
  /** Number of the newest entry at that time, over all devices. */
  readonly seq: number;
  readonly timeMs: number;
}

/** Up to which entry the signatures of a key were compared with what was asked for. */
export interface SignatureAccount {
  readonly serial: string;
  readonly keyId: number;
  readonly seq: number;
  /** `open` while a signer uses the key; so it stays when that one dies. */
  readonly state: 'open' | 'closed';
}

/** What is stored together: all of it is durable, or none. */
export interface DeviceLogAddition {
  readonly serial: string;
  /** 32 bytes each, in the device's order. */
  readonly entries: readonly Uint8Array[];
  readonly findings: readonly DeviceFinding[];
  readonly timeMs: number;
}

/**
 * The table of one home, which only grows. Synchronous; what a method has written is durable when it
 * returns. Only who holds the home's lock writes; anybody may read at the same time.
 */
export class DeviceLog implements AsyncDisposable {
  readonly path: string;
  readonly #db: Database.Database;

  private constructor(path: string, db: Database.Database) {
    this.path = path;
    this.#db = db;
  }

  /**
   * Opens the table for writing; makes it when there is none.
   *
   * @throws {DeviceLogDamagedError} ERR_DEVICE_LOG_DAMAGED
   * @throws {DeviceLogNewerError} ERR_DEVICE_LOG_NEWER
   * @throws {DeviceLogUnwritableError} ERR_DEVICE_LOG_UNWRITABLE
   */
  static open(path: string): DeviceLog {
    return translating(path, () => {
      const isNew = statSync(path, { throwIfNoEntry: false }) === undefined;
      const db = new Database(path, { timeout: 5_000 });
      try {
        if (isNew) chmodSync(path, 0o600);
        db.pragma('journal_mode = WAL');
        db.pragma('synchronous = FULL');
        db.pragma('fullfsync = ON');
        db.pragma('checkpoint_fullfsync = ON');
        check(path, db);
        return new DeviceLog(path, db);
      } catch (error) {
        db.close();
        throw error;
      }
    });
  }

  /**
   * Opens the table for reading, also while another process writes.
   *
   * @throws {DeviceLogMissingError} ERR_DEVICE_LOG_MISSING
   * @throws as {@link DeviceLog.open}
   */
  static read(path: string): DeviceLog {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) {
      throw new DeviceLogMissingError(path);
    }
    return translating(path, () => {
      const db = new Database(path, { readonly: true, timeout: 5_000 });
      try {
        db.pragma('query_only = ON');
        return new DeviceLog(path, db);
      } catch (error) {
        db.close();
        throw error;
      }
    });
  }

  /** The newest entries of a device, oldest first. */
  tail(serial: string, count: number): readonly Uint8Array[] {
    return this.#db
      .prepare<[string, number], { entry: Uint8Array }>(
        'SELECT entry FROM entries WHERE serial = ? ORDER BY seq DESC LIMIT ?',
      )
      .all(serial, count)
      .map(({ entry }) => new Uint8Array(entry))
      .reverse();
  }

  /** Number of the newest entry, over all devices; 0 when there is none. */
  get newestSeq(): number {
    return this.#newest()?.seq ?? 0;
  }

  /** The hash everything stored hangs on; to be noted down elsewhere. */
  get newestHash(): Uint8Array {
    return this.#newest()?.hash ?? FIRST_PREVIOUS;
  }

  /** Adds entries and findings. @throws {DeviceLogUnwritableError} ERR_DEVICE_LOG_UNWRITABLE */
  add({ serial, entries, findings, timeMs }: DeviceLogAddition): void {
    if (entries.length === 0 && findings.length === 0) return;
    this.#write(() => {
      let { seq, hash: previous } = this.#newest() ?? { seq: 0, hash: FIRST_PREVIOUS };
      const addEntry = this.#db.prepare(
        'INSERT INTO entries (seq, serial, entry, time_ms, previous, hash) VALUES (?, ?, ?, ?, ?, ?)',
      );
      for (const entry of entries) {
        const hash = hashOfRow({ previous, serial, entry, timeMs });
        seq += 1;
        addEntry.run(seq, serial, entry, timeMs, previous, hash);
        previous = hash;
      }
      const addFinding = this.#db.prepare(
        'INSERT INTO findings (serial, seq, time_ms, code, text) VALUES (?, ?, ?, ?, ?)',
      );
      for (const { code, text } of findings) addFinding.run(serial, seq, timeMs, code, text);
    });
  }

  /** A device's entries after a number, oldest first. */
  *entriesAfter(serial: string, seq: number): Generator<DeviceLogRow> {
    const rows = this.#db
      .prepare<[string, number], StoredRow>(
        `${SELECT_ROWS} WHERE serial = ? AND seq > ? ORDER BY seq`,
      )
      .iterate(serial, seq);
    for (const row of rows) yield rowFromStored(row);
  }

  /** Everything, oldest first. */
  *rows(): Generator<DeviceLogRow> {
    for (const row of this.#db.prepare<[], StoredRow>(`${SELECT_ROWS} ORDER BY seq`).iterate()) {
      yield rowFromStored(row);
    }
  }

  /** What was found wrong so far, oldest first. */
  findings(): readonly StoredFinding[] {
    return this.#db
      .prepare<[], StoredFinding>(
        'SELECT serial, seq, time_ms AS timeMs, code, text FROM findings ORDER BY id',
      )
      .all();
  }

  account(serial: string, keyId: number): SignatureAccount | undefined {
    return this.#db
      .prepare<[string, number], SignatureAccount>(
        'SELECT serial, key_id AS keyId, seq, state FROM accounts WHERE serial = ? AND key_id = ?',
      )
      .get(serial, keyId);
  }

  /** @throws {DeviceLogUnwritableError} ERR_DEVICE_LOG_UNWRITABLE */
  setAccount({ serial, keyId, seq, state }: SignatureAccount): void {
    this.#write(() => {
      this.#db
        .prepare(
          `INSERT INTO accounts (serial, key_id, seq, state) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET seq = excluded.seq, state = excluded.state`,
        )
        .run(serial, keyId, seq, state);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#db.close();
  }

  #newest(): DeviceLogRow | undefined {
    const stored = this.#db
      .prepare<[], StoredRow>(`${SELECT_ROWS} ORDER BY seq DESC LIMIT 1`)
      .get();
    return stored === undefined ? undefined : rowFromStored(stored);
  }

  #write(change: () => void): void {
    try {
      this.#db.transaction(change).immediate();
    } catch (cause) {
      if (cause instanceof Database.SqliteError) {
        throw new DeviceLogUnwritableError(this.path, { cause });
      }
      throw cause;
    }
  }
}

const SELECT_ROWS = 'SELECT seq, serial, entry, time_ms AS timeMs, previous, hash FROM entries';

interface StoredRow {
  readonly seq: number;
  readonly serial: string;
  readonly entry: Uint8Array;
  readonly timeMs: number;
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
}

/** Node's buffers become plain arrays. */
function rowFromStored(stored: StoredRow): DeviceLogRow {
  return {
    ...stored,
    entry: new Uint8Array(stored.entry),
    previous: new Uint8Array(stored.previous),
    hash: new Uint8Array(stored.hash),
  };
}

/** Looks at what the next row will hang on; `verifyDeviceLog` looks at all. */
function check(path: string, db: Database.Database): void {
  const result = db.pragma('quick_check(1)', { simple: true });
  if (result !== 'ok') throw new DeviceLogDamagedError({ path, reason: String(result) });
  migrateDeviceLog(db, path);
  const newest = db.prepare<[], StoredRow>(`${SELECT_ROWS} ORDER BY seq DESC LIMIT 1`).get();
  if (newest !== undefined && !equalBytes(hashOfRow(newest), newest.hash)) {
    const reason = `the hash of its newest entry, ${newest.seq}, is wrong`;
    throw new DeviceLogDamagedError({ path, reason });
  }
}

/** Runs `open`, with SQLite's errors as ours. */
function translating<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const code = error instanceof Database.SqliteError ? error.code : '';
    if (/^SQLITE_(BUSY|LOCKED|READONLY|FULL|IOERR|CANTOPEN|PERM)/.test(code)) {
      throw new DeviceLogUnwritableError(path, { cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new DeviceLogDamagedError({ path, reason }, { cause: error });
  }
}
