/** What can be wrong with the place where the floor lives: each case says what happened and what to do. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** How the operator gets a floor back that nobody can vouch for. Part of several messages. */
const RAISE_BY_HAND =
  "find the chain's latest height on a node you trust, make sure that no other signer holds these keys, and then raise every floor by hand: signer state recover --home DIR --floor-height N";

/** The store has no validator of this name. */
export class UnknownValidatorError extends CodedError {
  override readonly name = 'UnknownValidatorError';
  readonly code = 'ERR_UNKNOWN_VALIDATOR';
  readonly validator: string;

  constructor(validator: string) {
    super(`this home has no validator named ${JSON.stringify(validator)}`);
    this.validator = validator;
  }
}

/** The name, or the key on this chain, has a floor in this home already (S1). */
export class DuplicateValidatorError extends CodedError {
  override readonly name = 'DuplicateValidatorError';
  readonly code = 'ERR_DUPLICATE_VALIDATOR';
  readonly validator: string;
  /** What is there already. */
  readonly duplicate: 'name' | 'key';

  constructor(validator: string, duplicate: 'name' | 'key') {
    super(
      duplicate === 'name'
        ? `this home has a validator named ${JSON.stringify(validator)} already`
        : `validator ${JSON.stringify(validator)} of this home has the same key on the same chain: two floors for one key would let it sign two blocks`,
    );
    this.validator = validator;
    this.duplicate = duplicate;
  }
}

/** A floor or a validator's name, key or chain is not one that can be stored. */
export class InvalidFloorError extends CodedError {
  override readonly name = 'InvalidFloorError';
  readonly code = 'ERR_INVALID_FLOOR';

  constructor(reason: string) {
    super(`this floor cannot be stored: ${reason}`);
  }
}

/**
 * The floor could not be made durable, or was not proven since (S9): nothing is signed.
 * The cause is what failed, or why the proof failed.
 */
export class SignStateUnavailableError extends CodedError {
  override readonly name = 'SignStateUnavailableError';
  readonly code = 'ERR_SIGN_STATE_UNAVAILABLE';

  constructor({ cause }: { readonly cause: unknown }) {
    super(
      `the floor cannot be made durable, so nothing is signed until it was reopened and proven: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

/** There is no floor database in this home. */
export class FloorMissingError extends CodedError {
  override readonly name = 'FloorMissingError';
  readonly code = 'ERR_FLOOR_MISSING';

  constructor(directory: string) {
    super(
      `${directory} has no floor.db: what these validators signed last is not known. In a new home run signer init; if the file was lost, ${RAISE_BY_HAND.replace('state recover', 'state init')}`,
    );
  }
}

/** A floor database is there already; it is never overwritten (S4). */
export class FloorExistsError extends CodedError {
  override readonly name = 'FloorExistsError';
  readonly code = 'ERR_FLOOR_EXISTS';

  constructor(directory: string) {
    super(`${directory} has a floor.db already, and a floor is never overwritten`);
  }
}

/** Another process has the floor database open. */
export class FloorLockedError extends CodedError {
  override readonly name = 'FloorLockedError';
  readonly code = 'ERR_FLOOR_LOCKED';

  constructor(directory: string, options?: ErrorOptions) {
    super(
      `another process has the floor.db of ${directory} open: two signers never share one`,
      options,
    );
  }
}

/** The database is not whole: not a database, a broken page, a missing table or row. */
export class FloorDamagedError extends CodedError {
  override readonly name = 'FloorDamagedError';
  readonly code = 'ERR_FLOOR_DAMAGED';

  constructor(detail: string, options?: ErrorOptions) {
    super(
      `floor.db is damaged (${detail}). Nothing is signed with it. Keep the file for examination, move it aside and make a new floor: ${RAISE_BY_HAND.replace('state recover', 'state init')}`,
      options,
    );
  }
}

/** A floor row is not the one that was written: its checksum differs. */
export class FloorChecksumError extends CodedError {
  override readonly name = 'FloorChecksumError';
  readonly code = 'ERR_FLOOR_CHECKSUM';
  readonly validator: string;

  constructor(validator: string) {
    super(
      `the floor of validator ${JSON.stringify(validator)} does not match its checksum: floor.db was damaged or edited. Nothing is signed with it. Move it aside and make a new floor: ${RAISE_BY_HAND.replace('state recover', 'state init')}`,
    );
    this.validator = validator;
  }
}

/** The database is older than what was committed to it (S11). */
export class FloorRolledBackError extends CodedError {
  override readonly name = 'FloorRolledBackError';
  readonly code = 'ERR_FLOOR_ROLLED_BACK';
  readonly generation: bigint;
  readonly mark: bigint;

  constructor(generation: bigint, mark: bigint) {
    super(
      `floor.db is older than what this home committed (generation ${generation}, ${mark} was reached): it was restored, or its -wal file was lost. What was signed since is not in it, so ${RAISE_BY_HAND}`,
    );
    this.generation = generation;
    this.mark = mark;
  }
}

/** The file that says how far the database had come is not there (S11). */
export class FloorMarkMissingError extends CodedError {
  override readonly name = 'FloorMarkMissingError';
  readonly code = 'ERR_FLOOR_MARK_MISSING';

  constructor(directory: string) {
    super(
      `${directory} has no floor.mark, so nothing shows that floor.db is the newest; ${RAISE_BY_HAND}`,
    );
  }
}

/** The file that says how far the database had come cannot be read as one (S11). */
export class FloorMarkDamagedError extends CodedError {
  override readonly name = 'FloorMarkDamagedError';
  readonly code = 'ERR_FLOOR_MARK_DAMAGED';

  constructor(reason: string, options?: ErrorOptions) {
    super(
      `floor.mark is damaged (${reason}), so nothing shows that floor.db is the newest; ${RAISE_BY_HAND}`,
      options,
    );
  }
}

/** The database is no floor database, or that of another home. */
export class ForeignFloorError extends CodedError {
  override readonly name = 'ForeignFloorError';
  readonly code = 'ERR_FLOOR_FOREIGN';

  constructor(detail: string) {
    super(
      `floor.db does not belong to this home: ${detail}. Put this home's own floor.db back; a floor from elsewhere comes in with signer state import`,
    );
  }
}

/** A newer release wrote the database. */
export class FloorSchemaNewerError extends CodedError {
  override readonly name = 'FloorSchemaNewerError';
  readonly code = 'ERR_FLOOR_SCHEMA_NEWER';
  readonly found: number;
  readonly known: number;

  constructor(found: number, known: number) {
    super(
      `floor.db has schema version ${found}; this release knows versions up to ${known}. Run the release that wrote it, or a newer one`,
    );
    this.found = found;
    this.known = known;
  }
}

/** The database or its mark cannot be written: a full disk, a read-only file system, missing permission. */
export class FloorUnwritableError extends CodedError {
  override readonly name = 'FloorUnwritableError';
  readonly code = 'ERR_FLOOR_UNWRITABLE';

  constructor(directory: string, { cause }: { readonly cause: unknown }) {
    super(
      `the floor in ${directory} cannot be written (${reasonOf(cause)}), so nothing can be signed: look for a full disk, a read-only file system, a wrong owner`,
      { cause },
    );
  }
}

/** Another process holds the home (S13, S15). */
export class HomeLockedError extends CodedError {
  override readonly name = 'HomeLockedError';
  readonly code = 'ERR_HOME_LOCKED';
  /** Who, as far as it wrote that down; it may have died and been followed by another since. */
  readonly holder: string;

  constructor(path: string, holder: string, options?: ErrorOptions) {
    super(`the home is in use: ${path} is held by ${holder}. One process at a time`, options);
    this.holder = holder;
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
