/** A home's floor for a command that needs it for milliseconds (S15). */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { AuditJournal } from '../audit/audit-journal.ts';
import { acquireHomeLock } from '../guard/home-lock.ts';
import { SqliteSignStateStore } from '../guard/sqlite-sign-state-store.ts';
import type { HomeDeps } from './create-home.ts';
import { homePaths } from './home-paths.ts';

/** Another command is gone after this long; a daemon is not. */
const LOCK_WAIT_MS = 1_000;

/** Whose store, and for whom. */
export interface OpenHomeStoreOptions extends AbortOptions {
  readonly home: string;
  /** What this process is, for whoever is kept out. */
  readonly command: string;
  /** @default 1000 */
  readonly lockWaitMs?: number | undefined;
  /** How the store is opened under the lock. @default {@link SqliteSignStateStore.open} */
  readonly open?: ((directory: string) => Promise<SqliteSignStateStore>) | undefined;
}

/** The store, under the home's lock. Disposing it closes the one, then lets go of the other. */
export interface HomeStore extends AsyncDisposable {
  readonly store: SqliteSignStateStore;
}

/**
 * Takes the lock and opens the store.
 *
 * @throws {HomeLockedError} ERR_HOME_LOCKED when another process keeps it.
 * @throws what `open` throws.
 */
export async function openHomeStore(
  deps: HomeDeps,
  options: OpenHomeStoreOptions,
): Promise<HomeStore> {
  const { home, command, lockWaitMs = LOCK_WAIT_MS, signal } = options;
  const open =
    options.open ??
    (async (directory) =>
      SqliteSignStateStore.open({ ...deps, journal: new AuditJournal(deps) }, { directory }));
  await using resources = new AsyncDisposableStack();
  resources.use(
    await acquireHomeLock(homePaths(home).lock, {
      clock: deps.clock,
      waitMs: lockWaitMs,
      command,
      signal,
    }),
  );
  const store = resources.use(await open(home));
  const owned = resources.move();
  return { store, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
