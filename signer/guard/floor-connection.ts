/** How `floor.db` is opened: exclusively, in this order, with every sync there is (S14). */
import { join } from 'node:path';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import Database from 'better-sqlite3';
import { FloorDamagedError, FloorLockedError, FloorUnwritableError } from './sign-state-errors.ts';

/** Name of the database in a home. */
export const FLOOR_DB = 'floor.db';

/**
 * Size of a page in a new database: what a commit writes is the page of its row. Databases made
 * before this was so keep their 4096. A frame of the log never was aligned to the disk's sectors.
 */
const PAGE_BYTES = 1024;

/** Opens the file and nothing more. */
export function connectFloorDatabase(
  directory: string,
  options: { readonly fileMustExist: boolean },
): Database.Database {
  const db = new Database(join(directory, FLOOR_DB), { ...options, timeout: 0 });
  try {
    db.defaultSafeIntegers(true);
    // In this order (S14): set after WAL, another process could still write.
    db.pragma('locking_mode = EXCLUSIVE');
    // Of a database that is there already nothing but VACUUM changes it.
    db.pragma(`page_size = ${PAGE_BYTES}`);
    const mode = db.pragma('journal_mode = WAL', { simple: true });
    if (mode !== 'wal')
      throw new FloorUnwritableError(directory, { cause: `journal mode ${mode}` });
    db.pragma('synchronous = FULL');
    // Where a plain sync does not reach the disk (macOS).
    db.pragma('fullfsync = ON');
    db.pragma('checkpoint_fullfsync = ON');
    // Checkpoints are ours to place: an automatic one comes in the middle of an answer, and hides its errors.
    db.pragma('wal_autocheckpoint = 0');
    db.pragma('foreign_keys = ON');
    db.pragma('cell_size_check = ON');
    db.pragma('trusted_schema = OFF');
    if (Number(db.pragma('synchronous', { simple: true })) !== 2) {
      throw new InvariantError('SQLite did not take synchronous = FULL');
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Copies the log. Nobody else can have the file open, so it gets to its end. */
export function runCheckpoint(db: Database.Database, mode: 'PASSIVE' | 'TRUNCATE'): void {
  const [result] = db.pragma(`wal_checkpoint(${mode})`) as [
    { readonly busy: bigint; readonly log: bigint; readonly checkpointed: bigint },
  ];
  if (result.busy !== 0n || result.log !== result.checkpointed) {
    throw new InvariantError(
      'a checkpoint was kept from its end, yet nobody else can have the file open',
    );
  }
}

/** Runs `open`, with SQLite's errors as ours. */
export function translating<T>(directory: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const code = error instanceof Database.SqliteError ? error.code : '';
    if (/^SQLITE_(BUSY|LOCKED)/.test(code)) throw new FloorLockedError(directory, { cause: error });
    if (/^SQLITE_(READONLY|FULL|IOERR|CANTOPEN|PERM)/.test(code)) {
      throw new FloorUnwritableError(directory, { cause: error });
    }
    const detail = error instanceof Error ? error.message : String(error);
    throw new FloorDamagedError(detail, { cause: error });
  }
}
