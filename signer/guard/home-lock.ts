/** One process per home: the lock, held for as long as the process lives (S13, S15). */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import Database from 'better-sqlite3';
import { FloorUnwritableError, HomeLockedError } from './sign-state-errors.ts';

/** Time between two attempts: an offline command holds the lock for milliseconds. */
const RETRY_MS = 50;

/** How to wait for the lock. */
export interface AcquireHomeLockOptions extends AbortOptions {
  readonly clock: Clock;
  /** How long to wait for another process to let go; 0 tries once. `serve` waits 5 s (S15). */
  readonly waitMs: number;
  /** What this process is, for whoever is kept out: `signer serve`. */
  readonly command: string;
}

/** The home is this process's own until disposed. */
export type HomeLock = AsyncDisposable;

/** What the holder wrote down about itself. */
interface Holder {
  readonly pid: number;
  readonly command: string;
  readonly since: string;
}

/**
 * Takes the lock at `path`, a small SQLite file of its own under BEGIN EXCLUSIVE.
 *
 * Never a pid file, which outlives its process; the kernel drops this lock with the process,
 * however it ends. No code opens that file by `fs`: closing it again would drop the lock while the
 * process lives (S13). Who holds it is therefore written into a second file, `PATH.holder`, which
 * means nothing unless the lock is held.
 *
 * @throws {HomeLockedError} ERR_HOME_LOCKED when it is still held after `waitMs`.
 * @throws {FloorUnwritableError} ERR_FLOOR_UNWRITABLE when the file cannot be made or written.
 */
export async function acquireHomeLock(
  path: string,
  options: AcquireHomeLockOptions,
): Promise<HomeLock> {
  const { clock, waitMs, signal } = options;
  const deadlineMs = clock.monotonicMs() + waitMs;
  for (;;) {
    signal?.throwIfAborted();
    const lock = tryLock(path, options);
    if (lock !== undefined) return lock;
    const leftMs = deadlineMs - clock.monotonicMs();
    if (leftMs <= 0) throw new HomeLockedError(path, describeHolder(path));
    await clock.sleep(Math.min(RETRY_MS, leftMs), { signal });
  }
}

function tryLock(path: string, { clock, command }: AcquireHomeLockOptions): HomeLock | undefined {
  let db: Database.Database | undefined;
  try {
    // No waiting inside SQLite: it would hold up the whole process.
    db = new Database(path, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
    writeHolder(path, { pid: process.pid, command, since: new Date(clock.now()).toISOString() });
  } catch (cause) {
    db?.close();
    if (cause instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(cause.code)) {
      return undefined;
    }
    throw new FloorUnwritableError(path, { cause });
  }
  const held = db;
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      // Before the lock goes: afterwards the file may be another process's.
      rmSync(holderPath(path), { force: true });
      held.close();
    },
  };
}

function writeHolder(path: string, holder: Holder): void {
  writeFileSync(holderPath(path), JSON.stringify(holder), { mode: 0o600 });
}

/** For the error text only. Whatever is wrong with the file, the lock is held all the same. */
function describeHolder(path: string): string {
  try {
    const holder = JSON.parse(readFileSync(holderPath(path), 'utf8')) as Holder;
    return `${holder.command} (process ${holder.pid}, since ${holder.since})`;
  } catch {
    return 'a process that has not said who it is';
  }
}

function holderPath(path: string): string {
  return `${path}.holder`;
}
