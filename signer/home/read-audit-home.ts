/** The audit log of a home that nobody serves, for reading: nothing is checked, mended or migrated. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { connectFloorDatabase, translating } from '../guard/floor-connection.ts';
import { FloorDatabase } from '../guard/floor-database.ts';
import { JOURNAL_VERSION } from '../guard/floor-schema.ts';
import { FloorTables } from '../guard/floor-tables.ts';
import { acquireHomeLock } from '../guard/home-lock.ts';
import type { HomeTables } from '../guard/home-transaction.ts';
import { homePaths } from './home-paths.ts';
import { readIdentity } from './identity.ts';

/** The home has no audit log yet. */
export class AuditMissingError extends CodedError {
  override readonly name = 'AuditMissingError';
  readonly code = 'ERR_AUDIT_MISSING';

  constructor(home: string) {
    super(
      `${home} has no audit log: a release without one wrote its floor.db. The log begins when this release first serves or changes the home`,
    );
  }
}

/** Tables to read from, under the home's lock until disposed. */
export interface ReadableHome extends AsyncDisposable {
  readonly tables: Pick<HomeTables, 'read'>;
}

/**
 * Takes the home's lock (S13, S15) and opens the database. Floors that are damaged do not keep the log
 * from being read.
 *
 * @throws {HomeLockedError} ERR_HOME_LOCKED
 * @throws {AuditMissingError} ERR_AUDIT_MISSING
 * @throws {FloorMissingError} ERR_FLOOR_MISSING
 * @throws {FloorDamagedError} ERR_FLOOR_DAMAGED when it is no database at all.
 */
export async function openReadableHome(
  deps: { readonly clock: Clock },
  options: AbortOptions & { readonly home: string; readonly command: string },
): Promise<ReadableHome> {
  const { home, command, signal } = options;
  await using resources = new AsyncDisposableStack();
  const lock = { clock: deps.clock, waitMs: 0, command, signal };
  resources.use(await acquireHomeLock(homePaths(home).lock, lock));
  FloorDatabase.assertPresent(home);
  const db = translating(home, () => connectFloorDatabase(home, { fileMustExist: true }));
  resources.defer(() => {
    db.close();
  });
  db.pragma('query_only = ON');
  const version = translating(home, () => Number(db.pragma('user_version', { simple: true })));
  if (version < JOURNAL_VERSION) throw new AuditMissingError(home);
  const tables = new FloorTables(db);
  const owned = resources.move();
  return {
    tables: {
      read: (sql, values, limit) => translating(home, () => tables.read(sql, values, limit)),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Files of the audit log's folder, and what is in them. */
export interface AuditFiles {
  /** Names of segments, in their order. */
  readonly segments: readonly string[];
  /** `undefined` when it is not there. @throws the system's error otherwise. */
  readonly readSegment: (file: string) => Promise<Uint8Array | undefined>;
  /** Public half of the audit key, hex. */
  readonly auditKey: string | undefined;
}

/** Read without any lock: what is in the folder does not change once it has its name. */
export function auditFiles(home: string): AuditFiles {
  const { audit, auditKey } = homePaths(home);
  return {
    segments: listed(audit)
      .filter((name) => /^\d{20}\.jsonl$/.test(name))
      .sort(),
    readSegment: async (file) => readOrNone(join(audit, file)),
    auditKey: publicHalf(auditKey),
  };
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readOrNone(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function publicHalf(path: string): string | undefined {
  try {
    using key = readIdentity(path);
    return hexFromBytes(key.publicKey.bytes);
  } catch {
    return undefined;
  }
}
