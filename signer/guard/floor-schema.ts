/** The tables of `floor.db`, and how a database of an older release becomes one of this. */
import type { Database } from 'better-sqlite3';
import { OPERATIONS_SCHEMA } from './operations-schema.ts';
import {
  FloorDamagedError,
  FloorSchemaNewerError,
  ForeignFloorError,
} from './sign-state-errors.ts';

/** SQLite's `application_id` of a floor database: `PVFL`. */
const APPLICATION_ID = 0x50_56_46_4c;

/**
 * One step of the schema. Only ever appended to: a released step is never edited.
 *
 * `wal_space` holds nothing but room: rewriting it at each start makes the write-ahead log as long
 * as it will ever be, so that later commits neither extend a file nor need new space on the disk.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE home (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    home_id BLOB NOT NULL CHECK (length(home_id) = 16),
    generation INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE validators (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    chain_id TEXT NOT NULL,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    UNIQUE (chain_id, public_key)
  ) STRICT;
  CREATE TABLE floors (
    validator_id INTEGER PRIMARY KEY REFERENCES validators (id),
    height INTEGER NOT NULL CHECK (height >= 0),
    round INTEGER NOT NULL CHECK (round BETWEEN 0 AND 2147483647),
    step INTEGER NOT NULL CHECK (step BETWEEN 0 AND 3),
    sign_bytes BLOB,
    signature BLOB CHECK (signature IS NULL OR length(signature) = 64),
    public_key BLOB CHECK (public_key IS NULL OR length(public_key) = 32),
    generation INTEGER NOT NULL,
    checksum BLOB NOT NULL CHECK (length(checksum) = 32)
  ) STRICT;
  CREATE TABLE wal_space (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    filler BLOB NOT NULL
  ) STRICT;
  `,
  OPERATIONS_SCHEMA,
];

/** The first version whose rows hold what they know of the journal, and have it in their checksum. */
export const JOURNAL_VERSION = 2;

/** Writes the newest schema into an empty database. To be called within a transaction. */
export function createSchema(db: Database): void {
  for (const step of MIGRATIONS) db.exec(step);
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma(`user_version = ${MIGRATIONS.length}`);
}

/**
 * Brings the schema to the newest version, one step after the other, all or none. `afterwards` is
 * part of it: what of the content has to be written anew, from the version that was found.
 *
 * @returns how many steps were taken.
 * @throws {ForeignFloorError} ERR_FLOOR_FOREIGN when it is some other program's database.
 * @throws {FloorSchemaNewerError} ERR_FLOOR_SCHEMA_NEWER when a newer release wrote it.
 */
export function migrateSchema(
  db: Database,
  migrations: readonly string[] = MIGRATIONS,
  afterwards: (version: number) => void = () => undefined,
): number {
  if (Number(db.pragma('application_id', { simple: true })) !== APPLICATION_ID) {
    throw new ForeignFloorError('it is the database of some other program');
  }
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > migrations.length) throw new FloorSchemaNewerError(version, migrations.length);
  if (version < 1) throw new FloorDamagedError(`schema version ${version}`);
  const steps = migrations.slice(version);
  if (steps.length === 0) return 0;
  db.transaction(() => {
    for (const step of steps) db.exec(step);
    afterwards(version);
    db.pragma(`user_version = ${migrations.length}`);
  }).immediate();
  return steps.length;
}
