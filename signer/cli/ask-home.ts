/**
 * A home's floors, whoever has them: a command that finds the home free opens it for milliseconds
 * (S15), one that finds it served asks the daemon over `admin.sock`.
 */
import { resolve } from 'node:path';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { StoredControlDesk } from '../controls/control-desk.ts';
import { ValidatorControls } from '../controls/validator-controls.ts';
import { HomeLockedError, UnknownValidatorError } from '../guard/sign-state-errors.ts';
import type { SqliteSignStateStore } from '../guard/sqlite-sign-state-store.ts';
import { checkHome } from '../home/check-home.ts';
import { currentKeys } from '../home/current-key.ts';
import { homePaths } from '../home/home-paths.ts';
import {
  ChooseValidatorError,
  exportState,
  type ImportResult,
  importState,
  type StateImport,
  type StateRow,
  stateRows,
  type ValidatorRow,
  validatorRows,
} from '../home/home-state.ts';
import { openHomeStore } from '../home/open-home-store.ts';
import { AdminClient } from '../http/admin-client.ts';
import type { CliContext } from './context.ts';

/** A daemon that has just begun to sign opens its socket a little later; another command is soon done. */
const PATIENCE_MS = 6_000;
const RETRY_MS = 50;

/** What can be asked of a home. */
export interface HomeQuestions {
  validators(): Promise<readonly ValidatorRow[]>;
  state(): Promise<readonly StateRow[]>;
  /** A FilePV state file, marked stale when the home is being served (S12). */
  exportState(validator: string): Promise<Uint8Array>;
  /** Freezes it for good, then the same: the last word (S34). */
  handOver(validator: string): Promise<Uint8Array>;
  importState(request: StateImport): Promise<ImportResult>;
}

/**
 * The home's answers, from wherever they are.
 *
 * Each throws {HomeLockedError} ERR_HOME_LOCKED when the home is held and nobody answers, and what
 * `home-state.ts` throws.
 */
export function askHome(context: CliContext, home: string, command: string): HomeQuestions {
  const ask: Asking = { context, home: resolve(home), command };
  checkHome(ask.home);
  return {
    validators: () =>
      either(
        ask,
        (store) =>
          validatorRows(
            store,
            currentKeys(store, () => context.clock.now()),
          ),
        (admin) => admin.validators(),
      ),
    state: () => either(ask, stateRows, (admin) => admin.state()),
    exportState: (validator) =>
      either(
        ask,
        (store) => exportState(store, { validator, isStale: false }),
        (admin) => admin.exportState(validator),
      ),
    handOver: (validator) =>
      either(
        ask,
        (store) => handOverOffline(ask, store, validator),
        (admin) => admin.handOver(validator),
      ),
    importState: (request) =>
      either(
        ask,
        (store) => importState(store, request),
        (admin) => admin.importState(request),
      ),
  };
}

/**
 * The validator meant: the one named, or the only one.
 *
 * @throws {ChooseValidatorError} ERR_CHOOSE_VALIDATOR
 * @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR
 */
export async function chooseValidator(
  questions: HomeQuestions,
  name: string | undefined,
): Promise<ValidatorRow> {
  const rows = await questions.validators();
  const candidates = name === undefined ? rows : rows.filter((row) => row.name === name);
  const [chosen] = candidates;
  if (chosen !== undefined && candidates.length === 1) return chosen;
  if (name !== undefined) throw new UnknownValidatorError(name);
  throw new ChooseValidatorError(rows.map((row) => row.name));
}

interface Asking {
  readonly context: CliContext;
  readonly home: string;
  readonly command: string;
}

/** Nobody signs: the freeze is for whoever serves this home next. */
async function handOverOffline(
  { context: { clock, logger }, command }: Asking,
  store: SqliteSignStateStore,
  validator: string,
): Promise<Uint8Array> {
  const controls = new ValidatorControls();
  controls.load(store);
  const desk = new StoredControlDesk({ controls, store, clock, logger });
  return desk.handOver(validator, { name: 'state.hand-over', by: command });
}

async function either<T>(
  { context, home, command }: Asking,
  local: (store: SqliteSignStateStore) => T | Promise<T>,
  remote: (admin: AdminClient) => Promise<T>,
): Promise<T> {
  const { clock } = context;
  const admin = new AdminClient({ clock }, { socketPath: homePaths(home).adminSocket });
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    let locked: unknown;
    try {
      await using opened = await openHomeStore(context, { home, command, lockWaitMs: 0 });
      return await local(opened.store);
    } catch (error) {
      if (!(error instanceof HomeLockedError)) throw error;
      locked = error;
    }
    try {
      return await remote(admin);
    } catch (error) {
      if (errorCode(error) !== 'ERR_ADMIN_UNREACHABLE') throw error;
      if (clock.monotonicMs() >= deadlineMs) throw locked;
    }
    await clock.sleep(RETRY_MS);
  }
}
