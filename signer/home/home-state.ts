/**
 * What commands ask of a home's floors, over the open store: the daemon answers with these, and so
 * does a command that has the home to itself. Both ways give the same JSON.
 */
import { encodeFilePvState } from '@privval/hsm/file/file-pv-state';
import { addressToText, type PublicKeyJson, publicKeyToJson } from '@privval/proto/crypto/key-json';
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { comparePositions, MAX_ROUND, type Position, STEP_NUMBER } from '../guard/hrs.ts';
import { mergeFloors } from '../guard/merge-floors.ts';
import type { Floor, SignStateStore, ValidatorRecord } from '../guard/sign-state-store.ts';
import type { ProviderHealthJson } from '../http/provider-health-json.ts';
import { floorAtHeight, floorFromStateFile } from './first-floor.ts';

/** By the numbers FilePV gives them. */
export const STEP_NAMES = ['none', 'propose', 'prevote', 'precommit'] as const;

/** A position, as `state show --json` has it. */
export interface PositionJson {
  /** Decimal. */
  readonly height: string;
  readonly round: number;
  /** 0 to 3, as in FilePV. */
  readonly step: number;
}

/** A floor, as `state show --json` has it. */
export interface StateRow extends PositionJson {
  readonly validator: string;
  readonly chainId: string;
}

/** A validator with the key its floor is bound to. */
export interface ValidatorRow {
  readonly name: string;
  readonly chainId: string;
  readonly publicKey: PublicKeyJson;
  /** 64 digits. */
  readonly publicKeyHex: string;
  /** Upper-case hex. */
  readonly address: string;
  /** The places its key is in, when a running signer tells. */
  readonly providers?: readonly ProviderHealthJson[];
}

/** What an import did. */
export interface ImportResult {
  readonly validator: string;
  /** Whether the floor is another one now. */
  readonly isRaised: boolean;
  readonly before: PositionJson;
  readonly after: PositionJson;
}

/** What is to be imported. One of the two is there at least. */
export interface StateImport {
  readonly validator: string;
  /** Content of a FilePV state file. */
  readonly state?: Uint8Array | undefined;
  readonly floorHeight?: bigint | undefined;
  /** The validator's name once more: needed when its floor moves far, or nobody knows how far (S33). */
  readonly confirm?: string | undefined;
  /** The newest block of the chain that is known. @default none is */
  readonly tip?: bigint | undefined;
}

/** Something that cannot be undone needs the validator's name as confirmation. */
export class ConfirmationRequiredError extends CodedError {
  override readonly name = 'ConfirmationRequiredError';
  readonly code = 'ERR_CONFIRMATION_REQUIRED';
  readonly validator: string;

  constructor(validator: string, what: string) {
    super(`${what}: to confirm, add --confirm ${validator}`);
    this.validator = validator;
  }
}

/** How far above the chain's newest block a floor may go without a confirmation (S33). */
const MAX_UNCONFIRMED_LEAD = 100n;

/** It was not said which of several validators is meant. */
export class ChooseValidatorError extends CodedError {
  override readonly name = 'ChooseValidatorError';
  readonly code = 'ERR_CHOOSE_VALIDATOR';

  constructor(names: readonly string[]) {
    super(
      `this home has ${names.length} validators: choose one with --validator (${names.join(', ')})`,
    );
  }
}

/** Every floor. */
export function stateRows(store: SignStateStore): readonly StateRow[] {
  return store.validators().map(({ name, chainId }) => ({
    validator: name,
    chainId,
    ...positionJson(store.floor(name)),
  }));
}

/** Every validator. `keyOf`: the key that signs next; the record's is the first one. */
export function validatorRows(
  store: SignStateStore,
  keyOf: (validator: string) => Uint8Array | undefined,
): readonly ValidatorRow[] {
  return store
    .validators()
    .map((record) =>
      validatorRow({ ...record, publicKey: keyOf(record.name) ?? record.publicKey }),
    );
}

/** The record as JSON has it. */
export function validatorRow({ name, chainId, publicKey: bytes }: ValidatorRecord): ValidatorRow {
  const publicKey = ed25519PublicKey(bytes);
  return {
    name,
    chainId,
    publicKey: publicKeyToJson(publicKey),
    publicKeyHex: hexFromBytes(bytes),
    address: addressToText(addressFromPublicKey(publicKey)),
  };
}

/**
 * A floor as a FilePV state file. One that was reserved and not signed has no sign bytes in it:
 * whoever reads it refuses that position.
 *
 * @param options.isStale marks it as an export of a running signer (S12)
 * @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR
 */
export function exportState(
  store: SignStateStore,
  options: { readonly validator: string; readonly isStale: boolean },
): Uint8Array {
  return encodeFilePvState({ ...store.floor(options.validator), isStale: options.isStale });
}

/**
 * Raises a floor to what a state file and a height say; never lowers it. `by`: who, for the audit.
 *
 * @throws {ConfirmationRequiredError} ERR_CONFIRMATION_REQUIRED when the name was not given and the
 *   floor would go more than 100 above the chain's tip, or none is known: nothing tells a wrong digit (S33).
 * @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR
 * @throws what {@link floorFromStateFile} throws (S3, S12).
 */
export function importState(
  store: SignStateStore,
  request: StateImport,
  by: string = 'signer state import',
): ImportResult {
  const { validator, state, floorHeight, confirm, tip } = request;
  const record = store.validator(validator);
  const before = store.floor(validator);
  const wanted = wantedFloor(record, state, floorHeight);
  const merged = wanted === undefined ? before : mergeFloors(before, wanted);
  if (wanted === undefined || isSameFloor(before, merged)) {
    const position = positionJson(before);
    return { validator, isRaised: false, before: position, after: position };
  }
  const isNear = tip !== undefined && merged.height <= tip + MAX_UNCONFIRMED_LEAD;
  if (!isNear && confirm !== validator) {
    throw new ConfirmationRequiredError(
      validator,
      `the floor of ${validator} on ${record.chainId} would go from "${describePosition(positionJson(before))}" to "${describePosition(positionJson(merged))}", and nothing up to there is signed any more. It can never be lowered again`,
    );
  }
  const after = store.raiseFloor(validator, wanted, by);
  return { validator, isRaised: true, before: positionJson(before), after: positionJson(after) };
}

function wantedFloor(
  record: ValidatorRecord,
  state: Uint8Array | undefined,
  floorHeight: bigint | undefined,
): Floor | undefined {
  const owner = { chainId: record.chainId, publicKey: ed25519PublicKey(record.publicKey) };
  const fromHeight = floorHeight === undefined ? undefined : floorAtHeight(floorHeight);
  if (state === undefined) return fromHeight;
  const fromState = floorFromStateFile(state, owner, floorHeight);
  return fromHeight === undefined ? fromState : mergeFloors(fromHeight, fromState);
}

function isSameFloor(a: Floor, b: Floor): boolean {
  return (
    comparePositions(a, b) === 0 && (a.signBytes === undefined) === (b.signBytes === undefined)
  );
}

/** A position as JSON has it. */
export function positionJson({ height, round, step }: Position): PositionJson {
  return { height: String(height), round, step: STEP_NUMBER[step] };
}

/** A floor in words. */
export function describePosition({ height, round, step }: PositionJson): string {
  if (round === MAX_ROUND) return `everything at height ${height} and below`;
  if (step === 0 && round === 0 && height === '0') return 'nothing signed yet';
  return `height ${height} round ${round} ${STEP_NAMES[step]}`;
}
