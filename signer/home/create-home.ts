/**
 * A new home: all of it or nothing.
 *
 * It is built in a folder of its own, mode 0700, and renamed into place: a failure or a kill leaves
 * no half home, whose keys would be there without their floor.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import { AuditJournal } from '../audit/audit-journal.ts';
import { parseConfig } from '../config/config.ts';
import { configText } from '../config/config-text.ts';
import { syncDirectory } from '../guard/floor-mark.ts';
import { acquireHomeLock } from '../guard/home-lock.ts';
import { SqliteSignStateStore } from '../guard/sqlite-sign-state-store.ts';
import type { DeviceDeps } from '../keyring/devices.ts';
import { checkOwn, checkSocketPath, partOfHome } from './check-home.ts';
import { createFile } from './durable-file.ts';
import { HomeExistsError, HomeUnwritableError } from './home-errors.ts';
import { homePaths } from './home-paths.ts';
import { createIdentity } from './identity.ts';
import { removedOnFailure } from './new-key.ts';
import { type NewValidator, writeNewValidator } from './new-validator.ts';
import { type CheckedRequest, checkRequest, type ValidatorRequest } from './validator-request.ts';

/** Entries of a home in the order they are moved into a folder that was there: the last makes it a home. */
const ENTRIES = [
  'identity.json',
  'audit.key',
  'keys',
  'grpc',
  'floor.mark',
  'floor.db',
  'signer.toml',
];

/** Collaborators of {@link createHome} and its like. */
export type HomeDeps = DeviceDeps;

/**
 * Makes a home with one validator at `home`, which does not exist or is a folder without a home.
 *
 * @throws {HomeExistsError} ERR_HOME_EXISTS (S1)
 * @throws {HomePathTooLongError} ERR_HOME_PATH_TOO_LONG (S16)
 * @throws {HomePermissionsError} ERR_HOME_PERMISSIONS
 * @throws {HomeUnwritableError} ERR_HOME_UNWRITABLE
 * @throws what {@link checkRequest} and {@link writeNewValidator} throw.
 */
export async function createHome(
  deps: HomeDeps,
  options: AbortOptions & { readonly home: string; readonly validator: ValidatorRequest },
): Promise<NewValidator> {
  const checked = checkRequest(options.validator);
  const place = placeOf(options.home);
  checkSocketPath(place.home);
  if (place.stats === undefined) {
    await using staging = new Staging(join(dirname(place.home), stagingName(place.home)));
    return await build(deps, checked, {
      ...options,
      folder: staging.path,
      finish: () => moveWhole(staging.path, place.home),
    });
  }
  const found = partOfHome(place.home);
  if (found !== undefined) throw new HomeExistsError({ home: place.home, found: basename(found) });
  tighten(place.home, place.stats);
  // Two that make a home in one folder at once would mix theirs.
  await using _lock = await acquireHomeLock(homePaths(place.home).lock, {
    clock: deps.clock,
    waitMs: 0,
    command: 'signer init',
    signal: options.signal,
  });
  const foundSince = partOfHome(place.home);
  if (foundSince !== undefined) {
    throw new HomeExistsError({ home: place.home, found: basename(foundSince) });
  }
  await using staging = new Staging(join(place.home, stagingName(place.home)));
  return await build(deps, checked, {
    ...options,
    folder: staging.path,
    finish: () => moveEntries(staging.path, place.home),
  });
}

/** The folder a home is built in; what is still there at the end is removed. */
class Staging implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    attempt(path, () => mkdirSync(path, { mode: 0o700 }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.path, { recursive: true, force: true });
  }
}

interface BuildOptions extends AbortOptions {
  readonly home: string;
  /** Where it is built. */
  readonly folder: string;
  /** Puts it in its place. */
  readonly finish: () => void;
}

async function build(
  deps: HomeDeps,
  checked: CheckedRequest,
  { home, folder, finish, signal }: BuildOptions,
): Promise<NewValidator> {
  const made = await writeNewValidator(deps, checked, { folder, signal });
  return removedOnFailure(made.generated, async () => {
    const text = configText(made.text);
    // What is written is read back at once: a configuration of ours that serve would refuse is a bug.
    parseConfig(text, resolve(home), { environment: {} });
    createIdentity(homePaths(folder).identity);
    createIdentity(homePaths(folder).auditKey);
    createFile(homePaths(folder).config, text);
    {
      const journal = new AuditJournal(deps);
      await using store = SqliteSignStateStore.create({ ...deps, journal }, { directory: folder });
      store.addValidator(made.record, made.floor, 'signer init');
    }
    signal?.throwIfAborted();
    finish();
    return made;
  });
}

/** Symbolic links are followed: a home may be a link to a mounted disk. */
function placeOf(path: string): { readonly home: string; readonly stats: Stats | undefined } {
  const home = resolve(path);
  const stats = attempt(home, () => statSync(home, { throwIfNoEntry: false }));
  if (stats === undefined) {
    attempt(dirname(home), () => mkdirSync(dirname(home), { recursive: true, mode: 0o700 }));
    return { home, stats };
  }
  if (!stats.isDirectory()) {
    throw new HomeUnwritableError({ path: home, reason: 'it is not a folder' });
  }
  return { home: realpathSync(home), stats };
}

/** An empty folder becomes ours alone; one with other things in it keeps its mode, which must not be loose. */
function tighten(home: string, stats: Stats): void {
  const isEmpty = attempt(home, () => readdirSync(home)).length === 0;
  if (isEmpty && stats.uid === process.getuid?.()) chmodSync(home, 0o700);
  else checkOwn(home, stats, 700);
}

function moveWhole(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') {
      throw new HomeExistsError({ home: to, found: 'a folder' }, { cause });
    }
    throw new HomeUnwritableError({ path: to, reason: code }, { cause });
  }
  syncDirectory(dirname(to));
}

function moveEntries(from: string, to: string): void {
  const present = new Set(readdirSync(from));
  for (const entry of ENTRIES.filter((name) => present.has(name))) {
    attempt(to, () => renameSync(join(from, entry), join(to, entry)));
    if (entry === 'floor.db') syncDirectory(to);
  }
  syncDirectory(to);
}

function stagingName(home: string): string {
  return `.${basename(home)}.init-${randomBytes(6).toString('hex')}`;
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new HomeUnwritableError({ path, reason: errorCode(cause) }, { cause });
  }
}
