/**
 * What an import is going to do, all of it decided and nothing done: keys were opened and compared,
 * states read, the floors are those that will stand. Nothing of the other signer is ever written.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { parseChainId } from '@privval/proto/types/chain-id';
import { DuplicateValidatorError } from '../guard/sign-state-errors.ts';
import type { Floor } from '../guard/sign-state-store.ts';
import { checkHome, checkSocketPath, partOfHome } from '../home/check-home.ts';
import type { HomeDeps } from '../home/create-home.ts';
import { HomeExistsError } from '../home/home-errors.ts';
import { homePaths } from '../home/home-paths.ts';
import { publicKeyIn } from '../home/new-key.ts';
import { openHomeStore } from '../home/open-home-store.ts';
import { defaultValidatorName } from '../home/validator-name.ts';
import { checkRequest, type ValidatorRequest } from '../home/validator-request.ts';
import { openDevices } from '../keyring/devices.ts';
import { type ForeignState, readForeignState } from './foreign-state.ts';
import type { ForeignKey, ForeignSetup, ForeignValidator } from './foreign-validator.ts';
import { ImportChooseChainError } from './import-errors.ts';
import { importedFloor } from './imported-floor.ts';

/** What is asked for beside what the other signer's files say. */
export interface ImportOptions extends AbortOptions {
  readonly home: string;
  /** What the validator is to be called here. @default its chain */
  readonly validator?: string | undefined;
  /** Where to dial, instead of where the other signer did. */
  readonly nodes?: readonly string[] | undefined;
  /** More states of the same key: the highest of all counts. */
  readonly stateFiles?: readonly string[] | undefined;
  readonly floorHeight?: bigint | undefined;
  /** Encrypts the key in the home. */
  readonly passphraseFile?: string | undefined;
}

/** One validator as it will be. */
export interface PlannedValidator {
  readonly request: ValidatorRequest;
  readonly publicKey: PublicKey;
  readonly floor: Floor;
  readonly key: ForeignKey;
  /** What the floor is the highest of. */
  readonly states: readonly ForeignState[];
  /** Where a state was looked for and is none. */
  readonly missing: readonly string[];
  readonly notes: readonly string[];
}

/** What will be done. */
export interface ImportPlan {
  readonly setup: ForeignSetup;
  readonly home: string;
  readonly isNewHome: boolean;
  readonly floorHeight: bigint | undefined;
  readonly validators: readonly PlannedValidator[];
}

/**
 * Decides an import.
 *
 * @throws {ImportChooseChainError} ERR_IMPORT_CHOOSE_CHAIN
 * @throws {ImportNoStateError} ERR_IMPORT_NO_STATE (S2)
 * @throws {ForeignStateFileError} ERR_STATE_FILE_FOREIGN (S3)
 * @throws {StaleStateFileError} ERR_STATE_FILE_STALE (S12)
 * @throws {DuplicateValidatorError} ERR_DUPLICATE_VALIDATOR (S1)
 * @throws {HomeLockedError} ERR_HOME_LOCKED while the home is served.
 * @throws what {@link checkRequest} and {@link checkHome} throw, and what is wrong with a key.
 */
export async function planImport(
  deps: HomeDeps,
  setup: ForeignSetup,
  options: ImportOptions,
): Promise<ImportPlan> {
  const home = resolve(options.home);
  checkOneChain(setup, options);
  checkSocketPath(home);
  const isNewHome = isHomeNew(home);
  const validators: PlannedValidator[] = [];
  for (const found of setup.validators) {
    validators.push(await planValidator(deps, { setup, found }, options));
  }
  checkAmongThemselves(validators);
  if (!isNewHome) await checkInHome(deps, home, validators, options);
  return { setup, home, isNewHome, floorHeight: options.floorHeight, validators };
}

/** What is said once can be meant for one validator only: heights and nodes of chains differ. */
function checkOneChain({ validators }: ForeignSetup, options: ImportOptions): void {
  if (validators.length === 1) return;
  const given = [
    ['--validator', options.validator],
    ['--node', options.nodes?.[0]],
    ['--state-file', options.stateFiles?.[0]],
    ['--floor-height', options.floorHeight],
  ].find(([, value]) => value !== undefined);
  if (given === undefined) return;
  const chains = validators.map(({ chainId }) => chainId);
  throw new ImportChooseChainError(`${given[0]} is about one chain`, chains);
}

function isHomeNew(home: string): boolean {
  const found = partOfHome(home);
  if (found === undefined) return true;
  if (!existsSync(homePaths(home).config)) throw new HomeExistsError({ home, found });
  checkHome(home);
  return false;
}

async function planValidator(
  deps: HomeDeps,
  { setup, found }: { readonly setup: ForeignSetup; readonly found: ForeignValidator },
  options: ImportOptions,
): Promise<PlannedValidator> {
  const { floorHeight, passphraseFile, signal } = options;
  const chainId = parseChainId(found.chainId);
  const { key, gap } = found;
  const { states, missing, notes } = readStates(setup, found, options);
  const history = { states, gap, missing, floorHeight };
  const request: ValidatorRequest = {
    name: options.validator ?? defaultValidatorName(chainId),
    chainId,
    nodes: options.nodes ?? found.nodes,
    passphraseFile,
    device:
      key.kind === 'device' ? { ...key.place, generate: undefined, standby: undefined } : undefined,
    imported: {
      readSecret: key.kind === 'file' ? (wait) => key.open({ ...wait, passphraseFile }) : undefined,
      floorOf: (owner) => importedFloor(history, owner),
    },
  };
  checkRequest(request);
  const publicKey = await publicKeyOf(deps, key, { passphraseFile, signal });
  const floor = importedFloor(history, { chainId, publicKey });
  return {
    request,
    publicKey,
    floor,
    key,
    states,
    missing,
    notes: [...found.notes, ...notes, ...doubts(states, floorHeight)],
  };
}

interface ReadStates {
  readonly states: readonly ForeignState[];
  readonly missing: readonly string[];
  readonly notes: readonly string[];
}

/** A file that is named on the command line has to be there and whole; one that is merely expected may be missing. */
function readStates(
  { signer }: ForeignSetup,
  { stateFiles }: ForeignValidator,
  { stateFiles: more = [], floorHeight }: ImportOptions,
): ReadStates {
  const named = more.map((path) => resolve(path));
  const missing = stateFiles.filter((path) => !existsSync(path));
  const there = stateFiles.filter((path) => existsSync(path) && !named.includes(path));
  const notes: string[] = [];
  const states = [...there, ...named].flatMap((path) => {
    try {
      return [readForeignState(path, signer)];
    } catch (error) {
      const isDamaged = errorCode(error) === 'ERR_STATE_FILE_MALFORMED';
      if (!isDamaged || floorHeight === undefined || named.includes(path)) throw error;
      notes.push(`${path} cannot be read and does not count: --floor-height has to be above it`);
      return [];
    }
  });
  return { states, missing, notes };
}

/** Fresh states are what these programs make when they do not find theirs. */
function doubts(
  states: readonly ForeignState[],
  floorHeight: bigint | undefined,
): readonly string[] {
  const isFresh = states.every(({ position }) => position.height === 0n);
  if (states.length === 0 || !isFresh || floorHeight !== undefined) return [];
  return [
    'the state says that this key never signed. That is also what is found where a signer was started in another folder and began anew: unless the validator is new, find the right state, or give --floor-height N',
  ];
}

async function publicKeyOf(
  deps: HomeDeps,
  key: ForeignKey,
  options: AbortOptions & { readonly passphraseFile: string | undefined },
): Promise<PublicKey> {
  if (key.kind === 'file') {
    using secret = await key.open(options);
    return secret.publicKey;
  }
  await using devices = await openDevices(deps);
  return await publicKeyIn(devices, key.place, options);
}

/** Two chains whose ids cannot be names would both be called the same. */
function checkAmongThemselves(validators: readonly PlannedValidator[]): void {
  const names = validators.map(({ request }) => request.name);
  if (new Set(names).size === names.length) return;
  throw new ImportChooseChainError(
    'their chains cannot be the names of validators',
    validators.map(({ request }) => request.chainId),
  );
}

/** S1, before anything is written; it is checked again when it is. */
async function checkInHome(
  deps: HomeDeps,
  home: string,
  validators: readonly PlannedValidator[],
  { signal }: AbortOptions,
): Promise<void> {
  await using opened = await openHomeStore(deps, { home, command: 'signer import', signal });
  const records = opened.store.validators();
  for (const { request, publicKey } of validators) {
    if (records.some(({ name }) => name === request.name)) {
      throw new DuplicateValidatorError(request.name, 'name');
    }
    const same = records.find(
      (record) =>
        record.chainId === request.chainId && equalBytes(record.publicKey, publicKey.bytes),
    );
    if (same !== undefined) throw new DuplicateValidatorError(same.name, 'key');
  }
}
