/**
 * Floors that nobody can vouch for any more. The operator says how far the chain has come; that, or
 * what can still be read, whichever is higher, becomes the floor. Nothing is lowered (S4, S11).
 */
import { statSync } from 'node:fs';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import { AuditJournal } from '../audit/audit-journal.ts';
import { readConfig } from '../config/config.ts';
import {
  FloorExistsError,
  FloorMarkDamagedError,
  FloorMarkMissingError,
  FloorRolledBackError,
  UnknownValidatorError,
} from '../guard/sign-state-errors.ts';
import type { Floor, ValidatorRecord } from '../guard/sign-state-store.ts';
import { SqliteSignStateStore } from '../guard/sqlite-sign-state-store.ts';
import { ProviderDoor } from '../keyring/provider-door.ts';
import type { ValidatorOptions } from '../signer-validator.ts';
import type { HomeDeps } from './create-home.ts';
import { floorAtHeight } from './first-floor.ts';
import { homePaths } from './home-paths.ts';
import { ConfirmationRequiredError } from './home-state.ts';
import { type HomeStore, openHomeStore } from './open-home-store.ts';

/** As far as a request may jump (S33), a floor may be raised here without being confirmed. */
const MAX_UNCONFIRMED_RAISE = 10_000_000n;

/** Heights given by hand: for each validator its own, else the one for all. */
export interface FloorHeights {
  readonly all: bigint | undefined;
  readonly byName: ReadonlyMap<string, bigint>;
}

/** A validator's height was not given. */
export class FloorHeightMissingError extends CodedError {
  override readonly name = 'FloorHeightMissingError';
  readonly code = 'ERR_FLOOR_HEIGHT_MISSING';

  constructor(validator: string, chainId: string) {
    super(
      `no height for validator ${validator} on chain ${chainId}: add --floor-height ${validator}=N`,
    );
  }
}

/** The store is whole: nothing is to be recovered. */
export class NothingToRecoverError extends CodedError {
  override readonly name = 'NothingToRecoverError';
  readonly code = 'ERR_NOTHING_TO_RECOVER';

  constructor(home: string) {
    super(
      `the floors of ${home} are whole and nothing is to be recovered; to raise one, use signer state import --floor-height N --confirm NAME`,
    );
  }
}

/** Parts of a lost database are still there. */
export class FloorRemainsError extends CodedError {
  override readonly name = 'FloorRemainsError';
  readonly code = 'ERR_FLOOR_REMAINS';

  constructor(path: string) {
    super(
      `${path} is there without its floor.db: put floor.db back beside it if you have it (the newest signatures are in it), else move it aside`,
    );
  }
}

/** The store, and who was given a floor. */
export interface InitialisedStore extends HomeStore {
  readonly initialised: readonly string[];
}

/**
 * Gives the validators of `signer.toml` that have no floor their first one, at the height given; makes
 * the database when it is gone. Each is bound to the key in its key file
 * or device.
 *
 * @throws {FloorExistsError} ERR_FLOOR_EXISTS when all of them have a floor: none is overwritten (S4).
 * @throws {FloorRemainsError} ERR_FLOOR_REMAINS
 * @throws {FloorHeightMissingError} ERR_FLOOR_HEIGHT_MISSING
 * @throws {DuplicateValidatorError} ERR_DUPLICATE_VALIDATOR (S1)
 * @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR
 * @throws what opening a key throws.
 */
export async function initFloors(
  deps: HomeDeps,
  options: AbortOptions & {
    readonly home: string;
    readonly heights: FloorHeights;
    readonly validator: string | undefined;
  },
): Promise<InitialisedStore> {
  const { home, heights, validator: only, signal } = options;
  const { validators } = readConfig(home);
  const names = validators.map(({ name }) => name);
  if (only !== undefined && !names.includes(only)) throw new UnknownValidatorError(only);
  for (const name of heights.byName.keys()) {
    if (!names.includes(name)) throw new UnknownValidatorError(name);
  }
  await using resources = new AsyncDisposableStack();
  const opened = resources.use(
    await openHomeStore(deps, {
      home,
      command: 'signer state init',
      signal,
      open: async (directory) => openOrCreate(deps, directory),
    }),
  );
  const { store } = opened;
  const bound = new Set(store.validators().map(({ name }) => name));
  const missing = validators.filter(
    ({ name }) => !bound.has(name) && (only === undefined || name === only),
  );
  if (missing.length === 0) throw new FloorExistsError(home);
  // All is known and read before the first is written.
  await using door = new ProviderDoor(deps);
  const added: { readonly record: ValidatorRecord; readonly floor: Floor }[] = [];
  for (const validator of missing) {
    const floor = floorAtHeight(heightOf(heights, validator));
    added.push({ record: await recordOf(door, validator, { signal }), floor });
  }
  for (const { record, floor } of added) store.addValidator(record, floor, 'signer state init');
  const owned = resources.move();
  return {
    store,
    initialised: added.map(({ record }) => record.name),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Opens a store that was set back, or whose mark is missing or damaged, with every floor raised.
 *
 * @throws {NothingToRecoverError} ERR_NOTHING_TO_RECOVER: this is no way around `--confirm` (S33).
 * @throws {ConfirmationRequiredError} ERR_CONFIRMATION_REQUIRED for a floor that would rise by more
 *   than 10,000,000 heights and whose name is not confirmed.
 * @throws {FloorHeightMissingError} ERR_FLOOR_HEIGHT_MISSING
 * @throws what {@link SqliteSignStateStore.recover} throws.
 */
export async function recoverFloors(
  deps: HomeDeps,
  options: AbortOptions & {
    readonly home: string;
    readonly heights: FloorHeights;
    readonly confirmed: readonly string[];
  },
): Promise<HomeStore> {
  const { home, heights, confirmed, signal } = options;
  return openHomeStore(deps, {
    home,
    command: 'signer state recover',
    signal,
    open: async (directory) => {
      await checkNeedsRecovery(deps, directory);
      return SqliteSignStateStore.recover(journalled(deps), {
        directory,
        floorHeight: (record, floor) => {
          const height = heightOf(heights, record);
          const { name } = record;
          if (height - floor.height > MAX_UNCONFIRMED_RAISE && !confirmed.includes(name)) {
            throw new ConfirmationRequiredError(
              name,
              `the floor of ${name} would jump from height ${floor.height} to ${height}`,
            );
          }
          return height;
        },
      });
    },
  });
}

async function checkNeedsRecovery(deps: HomeDeps, directory: string): Promise<void> {
  try {
    await using _whole = SqliteSignStateStore.open(deps, { directory });
  } catch (error) {
    if (
      error instanceof FloorMarkMissingError ||
      error instanceof FloorMarkDamagedError ||
      error instanceof FloorRolledBackError
    ) {
      return;
    }
    throw error;
  }
  throw new NothingToRecoverError(directory);
}

function openOrCreate(deps: HomeDeps, directory: string): SqliteSignStateStore {
  const { floorDb } = homePaths(directory);
  const isThere = (path: string): boolean =>
    statSync(path, { throwIfNoEntry: false }) !== undefined;
  if (isThere(floorDb)) return SqliteSignStateStore.open(journalled(deps), { directory });
  for (const remains of [`${floorDb}-wal`, `${floorDb}-journal`]) {
    if (isThere(remains)) throw new FloorRemainsError(remains);
  }
  return SqliteSignStateStore.create(journalled(deps), { directory });
}

function journalled(deps: HomeDeps): HomeDeps & { readonly journal: AuditJournal } {
  return { ...deps, journal: new AuditJournal(deps) };
}

async function recordOf(
  door: ProviderDoor,
  { name, chainId, providers }: ValidatorOptions,
  options: AbortOptions,
): Promise<ValidatorRecord> {
  const [place] = providers;
  if (place === undefined) throw new InvariantError('a validator without a place for its key');
  await using provider = await door.openProvider(place);
  await using key = await provider.openKey(options);
  return { name, chainId, publicKey: key.publicKey.bytes };
}

function heightOf(
  heights: FloorHeights,
  { name, chainId }: Pick<ValidatorRecord, 'name' | 'chainId'>,
): bigint {
  const height = heights.byName.get(name) ?? heights.all;
  if (height === undefined) throw new FloorHeightMissingError(name, chainId);
  return height;
}
